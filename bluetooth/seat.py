"""The seat at the door: one phone at a time, from its first read or write until it leaves.

A second phone is sent away at once; the one that sits there is sent away when it says nothing for
too long, when it keeps another one out for nothing, or when the door closes, but only after its
last words have arrived. It knows no window and nothing of what is said.
"""

import logging
from collections.abc import Callable

from bluetooth.errors import Refused
from bluetooth.gatt import AttError
from bluetooth.ports import Clock, Spawn, Wait

log = logging.getLogger(__name__)

SEAT_IDLE_S = 150.0
"""Without a read or a write, and without an answer that it waits for, a phone is sent away, so that
the next one can come in. Longer than a session may be idle."""

YIELD_S = 20.0
"""So long after another phone has knocked, one that may do nothing is sent away: a stranger who
keeps asking how the door is must not keep the owner of a new box out for ever."""

YIELD_PAUSE_S = 30.0
"""So long it is not let in again: time for the other one to come back."""

FAREWELL_S = 0.5
"""Between the last words to a phone and sending it away, so that they arrive."""


class Seat:
    """Who is let in. `send_away` ends a connection; `left` is what to do when it has ended."""

    def __init__(
        self,
        clock: Clock,
        spawn: Spawn,
        wait: Wait,
        send_away: Callable[[str], None],
        left: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._spawn = spawn
        self._wait = wait
        self._send_away = send_away
        self._left = left
        self._heard_at = 0.0
        self._knocked_at: float | None = None
        self._yielded = ""
        self._yielded_at = -YIELD_PAUSE_S
        self.taken = False
        self.client = ""

    def is_of(self, client: str) -> bool:
        """Whether this client has it; on systems that do not tell who asks, everybody is ""."""
        return self.taken and self.client == client

    def admit(self, client: str) -> bool:
        """`client` says something; whether it has just come in. Raises Refused for a second one."""
        now = self._clock.monotonic()
        if self.taken and self.client != client:
            log.debug("a second phone knocks", extra={"client": client})
            self._knocked_at = self._knocked_at or now
            self._refuse(client, "another phone is connected")
        if not self.taken and client == self._yielded and now - self._yielded_at < YIELD_PAUSE_S:
            self._refuse(client, "another phone's turn; come back in half a minute")
        is_new = not self.taken
        self.taken, self.client, self._heard_at = True, client, now
        return is_new

    def stay(self) -> None:
        """The phone waits for an answer: that is as good as a word of its own."""
        self._heard_at = self._clock.monotonic()

    def free(self) -> None:
        """The phone is gone."""
        self.taken, self.client, self._knocked_at = False, "", None

    def dismiss(self, why: str) -> None:
        """Send the phone away, if there is one, after its last words have arrived."""
        if self.taken:
            log.info("a phone is sent away", extra={"client": self.client, "why": why})
            self._heard_at = self._clock.monotonic()
            self._spawn(self._send_away_soon(self.client))

    def check(self, yields: bool = False) -> None:
        """Dismiss a phone that says nothing; and, if it `yields`, one that keeps another out."""
        now = self._clock.monotonic()
        if self.taken and now - self._heard_at >= SEAT_IDLE_S:
            self.dismiss("it said nothing for too long")
        if yields and self._knocked_at is not None and now - self._knocked_at >= YIELD_S:
            self._knocked_at, self._yielded, self._yielded_at = None, self.client, now
            self.dismiss("another phone waits")

    def _refuse(self, client: str, text: str) -> None:
        self._send_away(client)
        raise Refused(AttError.INSUFFICIENT_RESOURCES, text)

    async def _send_away_soon(self, client: str) -> None:
        await self._wait(FAREWELL_S)
        if self.is_of(client):
            self._send_away(client)
            self._left(client)
