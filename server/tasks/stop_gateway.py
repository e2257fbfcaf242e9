"""Stop cleanly: no new work, calls in flight get their time, then one last commit.

Three steps, each with its own bound, so that the whole takes less than STOP_AT_MOST_S whatever
hangs: drain (calls in flight finish, or are broken off), commit (buffer and cursors go to disk),
finished.
"""

import logging
from collections.abc import Callable

from server.engine.task import Again, Done, Kind, Outcome, Verdict
from server.ledger.house import DATABASE_LANE, House

log = logging.getLogger(__name__)

DRAIN_AT_MOST_S = 5.0
"""What a call in flight may still take; the design's min(budget, 5 s)."""

BREAK_OFF_S = 0.5
"""What broken-off calls get to come back, so that what they had read is not lost."""

STOP_AT_MOST_S = 6.8
"""Everything up to here; closing the API and the database then has a second left of eight."""

LOOK_EVERY_S = 0.02
"""Short beside the least that a stop takes, long beside what a look costs."""


class StopGateway:
    """Runs from the moment a stop is asked for until it calls `finished`."""

    kind = Kind.COMMAND
    lane = None
    slack_s = 0.0

    def __init__(
        self,
        house: House,
        now: float,
        in_flight: Callable[[], tuple[str, ...]],
        break_off: Callable[[], None],
        last_commit: Callable[[float], None],
        finished: Callable[[], None],
    ) -> None:
        self._house = house
        self._began = now
        self._in_flight = in_flight
        self._break_off = break_off
        self._last_commit = last_commit
        self._finished = finished
        self._broken = False
        self._drained = False

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """One look; the next one follows shortly."""
        elapsed_s = now - self._began
        if not self._drained:
            self._drained = self._drain(elapsed_s)
        if self._drained and self._committed(now):
            log.info("stopped", extra={"after_s": round(elapsed_s, 2)})
            self._finished()
            return Done()
        if elapsed_s >= STOP_AT_MOST_S:
            log.error(
                "stopped without the last commit",
                extra={"buffered": len(self._house.buffer), "error": self._house.disk.error},
            )
            self._finished()
            return Done()
        return Again(now + LOOK_EVERY_S)

    def _drain(self, elapsed_s: float) -> bool:
        busy = [lane for lane in self._in_flight() if lane != DATABASE_LANE]
        if busy and elapsed_s >= DRAIN_AT_MOST_S and not self._broken:
            log.warning("calls broken off", extra={"lanes": ", ".join(busy)})
            self._broken = True
            self._break_off()
        return not busy or elapsed_s >= DRAIN_AT_MOST_S + BREAK_OFF_S

    def _committed(self, now: float) -> bool:
        """Whether everything is on disk; asks for another commit while it is not."""
        house = self._house
        if house.disk.writing:
            return False
        self._last_commit(now)
        return not house.disk.writing
