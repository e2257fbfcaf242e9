"""Keep the disk within its bytes, age and free space, one slice at a time."""

from server.engine.task import Again, Done, Failed, Kind, LaneView, Outcome, Verdict
from server.ledger.house import DATABASE_LANE, House
from server.model.delivery import Pruned, Retention
from server.model.notice import Level
from server.model.reading import ClockQuality

PRUNE_EVERY_S = 300.0
"""A store grows by some megabytes in this time at most; a full disk asks at once."""

PRUNE_AGAIN_S = 0.2
"""Between two slices, so that commits go in between."""

PRUNE_BUDGET_S = 10.0
"""One slice: some ten milliseconds, or seconds on a worn card."""

PRUNE_RETRY_S = 30.0
"""After a failure; a commit that finds the disk full does not wait for it."""

DAY_MS = 86_400_000


class PruneStore:
    """Removes the oldest records beyond the limits; what a sink had not taken is counted."""

    kind = Kind.PRUNE
    lane = DATABASE_LANE
    slack_s = 1.0
    budget_s = PRUNE_BUDGET_S

    def __init__(self, house: House, *, periodic: bool = True) -> None:
        self._house = house
        self._periodic = periodic
        if not periodic:
            # The disk is full. The store knows, and makes room whatever the limits are.
            self.slack_s = 0.0

    def work(self, lane: LaneView) -> Pruned:
        """Raises StoreUnavailable, StoreFull."""
        house, store = self._house, self._house.configuration.store
        # A clock that nothing has set may be years off: nobody's readings age by it.
        trusted = house.clock.quality() is not ClockQuality.UNSYNCED
        limits = Retention(
            max_bytes=store.max_bytes,
            max_age_ms=round(store.max_age_days * DAY_MS),
            min_free_bytes=store.min_free_bytes,
            trusted=trusted,
        )
        return house.adapters.store.prune(limits, house.clock.utc_ms())

    def abort(self) -> None:
        """Interrupt the statement; the slice is rolled back."""
        self._house.adapters.store.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Count what went, and go on while the limits are exceeded."""
        if isinstance(outcome, Failed):
            return Again(now + PRUNE_RETRY_S) if self._periodic else Done()
        pruned = outcome.value
        assert isinstance(pruned, Pruned)
        self._count(pruned)
        if pruned.more:
            return Again(now + PRUNE_AGAIN_S)
        return Again(now + PRUNE_EVERY_S) if self._periodic else Done()

    def _count(self, pruned: Pruned) -> None:
        house, disk = self._house, self._house.disk
        disk.pruned += pruned.removed
        disk.size_bytes, disk.free_bytes = pruned.size_bytes, pruned.free_bytes
        disk.oldest_ms = pruned.oldest_ms
        if not pruned.removed:
            return
        for outlet in house.delivery.outlets.values():
            outlet.pruned(pruned.upto, pruned.dropped.get(outlet.sink_id, 0))
        present = house.delivery.outlets
        lost = {sink: count for sink, count in pruned.dropped.items() if count and sink in present}
        if lost:
            house.notices.post(
                "retention",
                Level.WARNING,
                "Old readings were removed to keep the disk within its limits before these had "
                + "taken them: "
                + ", ".join(f"{sink} ({count})" for sink, count in lost.items()),
                house.clock.utc_ms(),
            )
