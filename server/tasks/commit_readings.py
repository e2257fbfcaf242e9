"""Group commit: freeze a batch on the engine thread, write it on the database lane.

`CommitTick` beats on the configured grid and freezes what waits, together with the cursors that
moved; `WriteBatch` commits exactly that, and retries it unchanged until it is on disk.
"""

from server.engine.backoff import Backoff
from server.engine.task import (
    Again,
    Done,
    Failed,
    Grid,
    Kind,
    LaneView,
    Outcome,
    Submission,
    Verdict,
)
from server.errors import StoreFull
from server.ledger.house import DATABASE_LANE, House
from server.model.cursor import Cursor
from server.model.delivery import Committed, Quarantined
from server.model.notice import Level
from server.model.reading import Record
from server.tasks.prune_store import PruneStore

COMMIT_BUDGET_S = 10.0
"""One transaction. Beyond it health says so; the writer itself is never written off."""

COMMIT_BACKOFF = Backoff(first_s=0.5, factor=2.0, ceiling_s=2.0, floor_s=0.1)
"""Short at the top as well: a stop must not find the last commit in a long pause."""

NOTICE = "store"


class CommitTick:
    """Freezes a batch at each beat, unless the last one is still on its way."""

    kind = Kind.COMMIT
    lane = None
    slack_s = 0.0

    def __init__(self, house: House, now: float) -> None:
        self._house = house
        self._beat = now

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """One write at most is in flight; a late beat is dropped, because the next takes all."""
        house = self._house
        grid = Grid(house.configuration.store.commit_interval_s, self._beat)
        self._beat, missed = grid.next(self._beat, now)
        return Again(self._beat, missed, write_now(house, now))


def write_now(house: House, now: float) -> tuple[Submission, ...]:
    """The write that is due now, if there is anything to write and none is in flight."""
    if house.disk.writing:
        return ()
    records = house.buffer.freeze()
    cursors = house.delivery.dirty_cursors()
    if not records and not cursors:
        return ()
    house.disk.writing = True
    quarantined = house.delivery.take_quarantined()
    return (Submission(WriteBatch(house, records, cursors, quarantined), now),)


class WriteBatch:
    """One transaction, retried unchanged."""

    kind = Kind.COMMIT
    lane = DATABASE_LANE
    slack_s = 0.0
    budget_s = COMMIT_BUDGET_S

    def __init__(
        self,
        house: House,
        records: tuple[Record, ...],
        cursors: dict[str, Cursor],
        quarantined: tuple[Quarantined, ...] = (),
    ) -> None:
        self._house = house
        self._records = records
        self._cursors = cursors
        self._quarantined = quarantined
        self._failures = 0

    def work(self, lane: LaneView) -> Committed:
        """Raises StoreFull, StoreUnavailable."""
        # A sink that was removed between two tries is forgotten, and must not come back.
        outlets = self._house.delivery.outlets
        cursors = {each: cursor for each, cursor in self._cursors.items() if each in outlets}
        accused = [each for each in self._quarantined if each.sink_id in outlets]
        return self._house.adapters.store.commit(self._records, cursors, accused)

    def abort(self) -> None:
        """Interrupt the statement; the transaction is rolled back and tried again."""
        self._house.adapters.store.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """On disk: accepted. Otherwise the same batch again, after a pause."""
        house = self._house
        at_ms = house.clock.utc_ms()
        if isinstance(outcome, Failed):
            return self._again(outcome.error, now, at_ms)
        committed = outcome.value
        assert isinstance(committed, Committed)
        house.buffer.committed(self._records)
        house.delivery.head = committed.head
        disk = house.disk
        disk.writing = False
        disk.state, disk.error = "ok", ""
        disk.size_bytes, disk.last_commit_ms, disk.committed_at = committed.size_bytes, at_ms, now
        disk.accepted_total += committed.added
        if self._failures:
            house.notices.clear(NOTICE)
        house.committed(now)
        return Done()

    def _again(self, error: Exception, now: float, at_ms: int) -> Verdict:
        house = self._house
        self._failures += 1
        full = isinstance(error, StoreFull)
        house.disk.state, house.disk.error = "full" if full else "failing", str(error)
        words = "The disk is full" if full else "The database cannot be written"
        house.notices.post(
            NOTICE,
            Level.ERROR,
            f"{words}: {error}. Readings wait in memory; beyond that the oldest are dropped.",
            at_ms,
        )
        pause_s = COMMIT_BACKOFF.delay_s(self._failures, house.draw())
        prune = (Submission(PruneStore(house, periodic=False), now),) if full else ()
        return Again(now + pause_s, 0, prune)
