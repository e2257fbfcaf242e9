"""What the service and the gateway tell each other about the door, through the REST API.

Asks GET /api/bluetooth every POLL_S for what the owner wants, and says with POST
/api/bluetooth/state how the door is: at each change, and every REPORT_S. A gateway that is not
there, is slow, or has no such page is told of once in the log, and asked again.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from bluetooth.door import Policy
from bluetooth.errors import BluetoothError
from bluetooth.memory import policy_of
from bluetooth.ports import Clock, Gateway

log = logging.getLogger(__name__)

POLL_S = 2.0
"""How long an owner who presses the button on the page waits for the door."""

POLL_TIMEOUT_S = 5.0
"""For one question; the gateway answers in a millisecond."""

REPORT_S = 10.0
"""How often the door's state is told though nothing changed: the gateway may have begun anew."""

MAX_TEXT_CHARACTERS = 200
"""Of each text in a report; the gateway takes no more."""


@dataclass(frozen=True, slots=True)
class Report:
    """How the door is, for the owner's page."""

    state: str
    """closed, open, paused, connected or no_adapter."""
    left_s: float | None
    name: str
    adapter: str
    problem: str

    def is_like(self, other: "Report | None") -> bool:
        """Whether both say the same, apart from time that runs down as expected."""
        if other is None:
            return False
        mine = (self.state, self.name, self.adapter, self.problem, self.left_s is None)
        return mine == (other.state, other.name, other.adapter, other.problem, other.left_s is None)

    def encode(self) -> bytes:
        """As the gateway takes it."""
        values = {
            "state": self.state,
            "until_s": self.left_s,
            "name": self.name[:MAX_TEXT_CHARACTERS],
            "adapter": self.adapter[:MAX_TEXT_CHARACTERS],
            "problem": self.problem[:MAX_TEXT_CHARACTERS],
        }
        return json.dumps(values).encode()


class Orders(Protocol):
    """Who carries out what the owner wants."""

    def obey(self, policy: Policy) -> None:
        """The settings of the door."""
        ...

    def order(self, is_open: bool) -> None:
        """Open or close it now."""
        ...


class Overseer:
    """One line to the gateway, for orders and for reports. On the event loop only."""

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        orders: Orders,
        report: Callable[[], Report],
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._orders = orders
        self._report = report
        self._number: int | None = None
        self._reported: Report | None = None
        self._reported_at = 0.0
        self._troubles: set[str] = set()
        self.heard = False
        """Whether the gateway has said since our start how the door should be."""

    async def exchange(self) -> None:
        """One round: ask, obey, and report if there is something to say. Never raises."""
        answered = await self._ask("GET", "/api/bluetooth")
        if answered is not None:
            self._obey(answered)
        await self.report()

    async def report(self) -> None:
        """Say how the door is, if that is news or was not said for REPORT_S. Never raises."""
        now, report = self._clock.monotonic(), self._report()
        if report.is_like(self._reported) and now - self._reported_at < REPORT_S:
            return
        if await self._ask("POST", "/api/bluetooth/state", report.encode()) is not None:
            self._reported, self._reported_at = report, now

    def _obey(self, found: dict[str, Any]) -> None:
        policy = policy_of(found)
        if policy is not None:
            self.heard = True
            self._orders.obey(policy)
        window = found.get("window")
        if not isinstance(window, dict):
            return
        number, wanted = window.get("number"), window.get("open")
        if not isinstance(number, int) or not isinstance(wanted, bool):
            return
        before, self._number = self._number, number
        if before is None or number == before:
            return  # What stands there at our own start is no order.
        # A gateway that began anew counts from 0 again: then only an open window is an order.
        if number > before or wanted:
            self._orders.order(wanted)

    async def _ask(self, method: str, path: str, body: bytes = b"") -> dict[str, Any] | None:
        try:
            answer = await self._gateway.ask(method, path, body, POLL_TIMEOUT_S)
        except BluetoothError as error:
            self._troubled("the gateway", str(error))
            return None
        self._untroubled("the gateway")
        try:
            found = json.loads(answer.body) if answer.status == 200 else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self._troubled(path, f"status {answer.status}, or not what was expected")
            return None
        self._untroubled(path)
        return found

    def _troubled(self, what: str, why: str) -> None:
        """One line for each streak."""
        if what not in self._troubles:
            self._troubles.add(what)
            log.warning("the gateway does not take part", extra={"what": what, "why": why})

    def _untroubled(self, what: str) -> None:
        if what in self._troubles:
            self._troubles.discard(what)
            log.info("the gateway takes part again", extra={"what": what})
