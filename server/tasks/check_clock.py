"""Watch the wall clock: once it is synchronised, correct what was stamped before.

A reading taken unsynced keeps its uptime, so its true time is the UTC time at which the uptime
was zero, plus that uptime: a step of the clock between reading and noticing does no harm.
Records that a sink may have sent already are left as they are, and delivery is held until the
rest is corrected: nothing is published under two timestamps.
"""

from server.engine.task import Again, Done, Failed, Kind, LaneView, Outcome, Submission, Verdict
from server.ledger.house import DATABASE_LANE, House
from server.ledger.buffer import corrected
from server.model.reading import ClockQuality

CHECK_EVERY_S = 5.0
"""How late a clock that was set may be noticed: readings keep their uptime, so it costs nothing."""

CORRECT_BUDGET_S = 30.0
"""A slice of records takes milliseconds; a worn card may take its time."""

CORRECT_RETRY_S = 10.0
"""After a failure of the database, while delivery is held."""

CORRECT_SOON_S = 0.5
"""While a batch that was stamped before is still on its way to disk."""


class CheckClock:
    """Notices the moment at which the clock becomes trustworthy."""

    kind = Kind.HOUSEKEEPING
    lane = None
    slack_s = 1.0

    def __init__(self, house: House) -> None:
        self._house = house
        self._quality = house.clock.quality()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """On the change from unsynced to synced: correct the buffer here, the store on its lane."""
        house = self._house
        before, self._quality = self._quality, house.clock.quality()
        then: tuple[Submission, ...] = ()
        if self._quality is ClockQuality.UNSYNCED:
            house.epoch_ms = None
        if before is ClockQuality.UNSYNCED and self._quality is ClockQuality.SYNCED:
            epoch_ms = house.clock.utc_ms() - house.uptime_ms(now)
            house.epoch_ms = epoch_ms
            house.buffer.correct(lambda reading: corrected(reading, epoch_ms))
            if not house.delivery.held:  # One correction at a time; it takes the newest epoch.
                house.delivery.held = True
                then = (Submission(CorrectClock(house, house.delivery.read_edge, epoch_ms), now),)
        return Again(now + CHECK_EVERY_S, 0, then)


class CorrectClock:
    """Restamps this boot's stored records that no sink can have sent."""

    kind = Kind.HOUSEKEEPING
    lane = DATABASE_LANE
    slack_s = 0.0
    budget_s = CORRECT_BUDGET_S

    def __init__(self, house: House, after: int, epoch_ms: int) -> None:
        self._house = house
        self._after = after
        self._epoch_ms = epoch_ms

    def work(self, lane: LaneView) -> int:
        """Raises StoreUnavailable, StoreFull."""
        store = self._house.adapters.store
        return store.correct_clock(self._house.buffer.boot, self._after, self._epoch_ms)

    def abort(self) -> None:
        """Interrupt the statement; the transaction is rolled back."""
        self._house.adapters.store.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Delivery goes on once nothing that was stamped before can still reach the disk."""
        newest_ms = self._house.epoch_ms
        if newest_ms is not None and newest_ms != self._epoch_ms:
            self._epoch_ms = newest_ms
            return Again(now)
        if isinstance(outcome, Failed):
            return Again(now + CORRECT_RETRY_S)
        if outcome.value:
            return Again(now)  # The store restamps a slice at a time; 0 says that none is left.
        if self._house.buffer.frozen_unsynced:
            return Again(now + CORRECT_SOON_S)
        self._house.delivery.held = False
        return Done()
