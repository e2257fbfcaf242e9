"""Advertising as values, and the timers that send it.

Intervals are those of HCI, in units of 0.625 ms, and every one is followed by the pseudo-random
0 to 10 ms that the standard asks for, so that two advertisers never stay in step (Bluetooth Core
5.3, Vol 6, Part B, 4.4.2.2). Knows neither who listens nor how far a signal reaches.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from bumble import hci
from bumble.controller import Controller, LegacyAdvertiser

UNIT_S = 0.000625
"""Of every interval of scanning and advertising (Vol 4, Part E, 7.8.5)."""
MIN_INTERVAL_UNITS = 0x20
"""20 ms."""
MAX_DELAY_S = 0.010
"""Upper end of the pseudo-random delay."""
MAX_DATA_BYTES = 31
"""Of a legacy advertisement or scan response (Vol 6, Part B, 2.3.1)."""


class Kind(IntEnum):
    """Event types of an advertising report (Vol 4, Part E, 7.7.65.2)."""

    CONNECTABLE = 0
    DIRECTED = 1
    SCANNABLE = 2
    NOT_CONNECTABLE = 3
    SCAN_RESPONSE = 4


CONNECTABLE = (Kind.CONNECTABLE, Kind.DIRECTED)
SCANNABLE = (Kind.CONNECTABLE, Kind.SCANNABLE)

_KIND_OF_TYPE = (
    Kind.CONNECTABLE,
    Kind.DIRECTED,
    Kind.SCANNABLE,
    Kind.NOT_CONNECTABLE,
    Kind.DIRECTED,
)
"""By Advertising_Type of LE Set Advertising Parameters (Vol 4, Part E, 7.8.5)."""


@dataclass(frozen=True, slots=True)
class Advert:
    """One advertisement in the air."""

    address: hci.Address
    kind: Kind
    data: bytes
    scan_response: bytes
    target: hci.Address | None = None
    """Whom a directed one is for."""


Send = Callable[[Advert, object], None]
"""Puts an advert into the air; the second argument is its sender, who does not hear it."""


class Advertiser(LegacyAdvertiser):
    """What a controller advertises, with intervals that are right and its own scan response."""

    def __init__(self, controller: Controller, send: Send, source: random.Random) -> None:
        super().__init__(controller)
        self._send = send
        self._random = source

    def _on_timer_fired(self) -> None:
        interval_s = max(self.advertising_interval_min, MIN_INTERVAL_UNITS) * UNIT_S
        self.timer_handle = asyncio.get_running_loop().call_later(
            interval_s + self._random.uniform(0, MAX_DELAY_S), self._on_timer_fired
        )
        self.send_advertising_data()

    def send_advertising_data(self) -> None:
        """Send it once, if advertising is on."""
        if self.enabled:
            self._send(self.advert(), self.controller)

    def advert(self) -> Advert:
        """What goes into the air now."""
        kind = _KIND_OF_TYPE[self.advertising_type]
        directed = kind is Kind.DIRECTED
        return Advert(
            self.address,
            kind,
            b"" if directed else self.advertising_data,
            self.scan_response_data if kind in SCANNABLE else b"",
            self.peer_address if directed else None,
        )


class Beacon:
    """An advertiser without a host or a controller: hundreds of them cost little."""

    __slots__ = ("advert", "interval_s", "_send", "_random", "_timer")

    def __init__(
        self, advert: Advert, interval_s: float, send: Send, source: random.Random
    ) -> None:
        self.advert = advert
        self.interval_s = interval_s
        self._send = send
        self._random = source
        self._timer: asyncio.TimerHandle | None = None

    @property
    def address(self) -> hci.Address:
        """Where it seems to be sent from."""
        return self.advert.address

    def start(self) -> None:
        """Begin somewhere within the first interval. Idempotent."""
        if self._timer is None:
            self._wait(self._random.uniform(0, self.interval_s))

    def stop(self) -> None:
        """Be silent. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._fire)

    def _fire(self) -> None:
        self._wait(self.interval_s + self._random.uniform(0, MAX_DELAY_S))
        self._send(self.advert, self)
