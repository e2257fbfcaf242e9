"""How fast a WiNet-S dongle is asked, how often again, and when not to wait for it any more.

Owns counts and moments. Refuses to know what is asked, and what an answer means.
"""

from dataclasses import dataclass

from server.ports import Clock

MIN_GAP_S = 0.03
"""Seconds between an answer and the next request: asked faster, dongles lose requests."""
MAX_BUSY_PAUSES = 2
"""Pauses before a busy dongle is given up for this request: three tries within a poll's budget."""
RESIGNED_S = 12.0
"""Seconds for which one that stayed busy is not waited for again: the other blocks of a poll."""
MAX_REFUSED_TRIES = 4
"""Times that registers answer 301, while others are answered in between, until they are refused."""
MAX_RENEWALS = 2
"""New sessions for one request: with the fresh token, then with one that has logged in."""
KEEP_ALIVE_S = 20.0
"""Seconds after which the dongle is told that somebody is still there."""


@dataclass(slots=True)
class Patience:
    """What one request may still try."""

    renewals: int = 0
    pauses: int = 0
    refusals: int = 0

    def renewal(self) -> bool:
        """Whether a new session may be tried."""
        self.renewals += 1
        return self.renewals <= MAX_RENEWALS

    def pause(self) -> bool:
        """Whether it may be left alone for a while, and asked again."""
        self.pauses += 1
        return self.pauses <= MAX_BUSY_PAUSES

    def refusal(self) -> bool:
        """Whether what alone is not answered may be asked for again."""
        self.refusals += 1
        return self.refusals < MAX_REFUSED_TRIES


class Pace:
    """When something was last asked, and whether something is being asked."""

    def __init__(self, clock: Clock | None) -> None:
        self.busy = False
        self._clock = clock
        self._answered_at: float | None = None
        self._heard_at = clock.monotonic() if clock is not None else 0.0
        self._resigned_until = 0.0

    @property
    def resigned(self) -> bool:
        """True while it is of no use to wait for a busy dongle."""
        return self._clock is not None and self._clock.monotonic() < self._resigned_until

    def resign(self) -> None:
        """It stays busy; said once for RESIGNED_S, so that patience comes back."""
        if self._clock is not None and not self.resigned:
            self._resigned_until = self._clock.monotonic() + RESIGNED_S

    def gap_s(self) -> float:
        """Seconds to wait before the next request; the whole gap where no clock tells."""
        if self._clock is None:
            return MIN_GAP_S
        if self._answered_at is None:
            return 0.0
        return MIN_GAP_S - (self._clock.monotonic() - self._answered_at)

    def answered(self) -> None:
        """A request is over."""
        self.busy = False
        if self._clock is not None:
            self._answered_at = self._clock.monotonic()

    def ping_due(self, now: float) -> bool:
        """True once every KEEP_ALIVE_S."""
        if now - self._heard_at < KEEP_ALIVE_S:
            return False
        self._heard_at = now
        return True
