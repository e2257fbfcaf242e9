"""Tells the network that a box is here: multicast DNS service discovery (RFC 6762, 6763).

One thread of its own, because asking whether a name is free takes seconds and addresses change
while a box runs: every LOOK_EVERY_S it looks whether the machine has other addresses than those it
told, and then tells anew. Whatever fails here is logged once and tried again; nothing waits for it.
"""

import contextlib
import ipaddress
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from zeroconf import Error, ServiceInfo, Zeroconf

log = logging.getLogger(__name__)

TYPES = ("_egret._tcp.local.", "_http._tcp.local.")
"""The box as what it is, and its page as any browser of services lists it."""

LOOK_EVERY_S = 30.0
"""Between two looks at the machine's addresses: a new one is known within this."""

STOP_TIMEOUT_S = 2.0
"""The farewell takes half a second; a box that cannot say it is forgotten when its time is over."""

MAX_LABEL_BYTES = 63
"""Of a name in DNS (RFC 1035, 2.3.4)."""

MAX_ADDRESSES = 16
"""Addresses that are told; a machine with more has them for other purposes."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What is told. `host` is the first label of the machine's own name here."""

    name: str
    host: str
    port: int
    text: Mapping[str, str]


class Advertiser:
    """See the module's docstring."""

    def __init__(
        self,
        sign: Sign,
        addresses: Callable[[], Sequence[str]],
        open_dns: Callable[[list[str]], Zeroconf] = lambda found: Zeroconf(interfaces=found),
    ) -> None:
        """`addresses` are the machine's own, without loopback; any thread may ask."""
        self._sign = sign
        self._addresses = addresses
        self._open_dns = open_dns
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mdns", daemon=True)
        self._told: tuple[str, ...] = ()
        self._dns: Zeroconf | None = None
        self._failing = False
        self.told = threading.Event()
        """Set once the box has been announced."""

    def start(self) -> None:
        """Announce from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Say farewell, within STOP_TIMEOUT_S. Idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        while True:
            self._look()
            if self._stopping.wait(LOOK_EVERY_S):
                break
        self._close()

    def _look(self) -> None:
        found = tuple(self._addresses())[:MAX_ADDRESSES]
        if found == self._told:
            return
        self._close()
        if not found:
            return
        try:
            self._tell(found)
        except (OSError, Error, ValueError) as error:
            if not self._failing:
                log.warning("the box cannot be announced", extra={"error": str(error)})
            self._failing = True
            self._close()
            return
        self._failing = False
        self._told = found
        self.told.set()
        log.info("announced", extra={"box": self._sign.name, "addresses": ", ".join(found)})

    def _tell(self, found: tuple[str, ...]) -> None:
        self._dns = self._open_dns([*found])
        for kind in TYPES:
            self._dns.register_service(_info(self._sign, kind, found), allow_name_change=True)

    def _close(self) -> None:
        dns, self._dns, self._told = self._dns, None, ()
        if dns is not None:
            with contextlib.suppress(OSError, Error):
                dns.unregister_all_services()
            dns.close()


def _info(sign: Sign, kind: str, found: Sequence[str]) -> ServiceInfo:
    return ServiceInfo(
        kind,
        f"{label(sign.name)}.{kind}",
        addresses=[ipaddress.ip_address(each).packed for each in found],
        port=sign.port,
        properties=dict(sign.text),
        server=f"{label(sign.host)}.local.",
    )


def label(text: str) -> str:
    """`text` as one label: no dots, and cut between characters where it is too long."""
    plain = text.replace(".", " ").encode()[:MAX_LABEL_BYTES]
    return plain.decode(errors="ignore").strip() or "egret"
