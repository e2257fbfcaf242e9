"""Drop the cursor of a sink that is no longer configured, so that it holds nothing back."""

from server.engine.task import Again, Done, Failed, Kind, LaneView, Outcome, Verdict
from server.ledger.house import DATABASE_LANE, House

FORGET_BUDGET_S = 10.0
"""One small transaction, on a worn card."""

FORGET_RETRY_S = 30.0
"""Nobody waits for it."""


class ForgetSink:
    """One small transaction."""

    kind = Kind.COMMIT
    lane = DATABASE_LANE
    slack_s = 0.0
    budget_s = FORGET_BUDGET_S

    def __init__(self, house: House, sink_id: str) -> None:
        self._house = house
        self._sink_id = sink_id

    def work(self, lane: LaneView) -> None:
        """Raises StoreUnavailable, StoreFull."""
        if self._sink_id not in self._house.delivery.outlets:  # It may have come back meanwhile.
            self._house.adapters.store.forget_sink(self._sink_id)

    def abort(self) -> None:
        """Interrupt the statement."""
        self._house.adapters.store.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Done, or tried again."""
        return Again(now + FORGET_RETRY_S) if isinstance(outcome, Failed) else Done()
