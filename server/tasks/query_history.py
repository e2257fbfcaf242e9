"""Answer a curve from the store's aggregates, on a read-only connection of its own."""

from collections.abc import Callable

from server.engine.task import Done, Kind, LaneView, Outcome, Submission, Verdict
from server.ledger.house import HISTORY_LANE, House
from server.model.request import History, QueryHistory
from server.ports import RecordReader

HISTORY_BUDGET_S = 8.0
"""Less than a page waits for an answer, so that it hears of an overrun."""


class ReadHistory:
    """One query. The connection is opened for it and given back, so no snapshot is held open."""

    kind = Kind.REQUEST
    lane = HISTORY_LANE
    slack_s = 0.0
    budget_s = HISTORY_BUDGET_S

    def __init__(
        self,
        house: House,
        query: QueryHistory,
        finished: Callable[[Outcome, float], tuple[Submission, ...]],
    ) -> None:
        self._house = house
        self._query = query
        self._finished = finished
        self._reader: RecordReader | None = None

    def work(self, lane: LaneView) -> History:
        """Raises StoreUnavailable."""
        self._reader = reader = self._house.adapters.open_reader()
        try:
            return reader.history(self._query)
        finally:
            reader.close()

    def abort(self) -> None:
        """Interrupt the query."""
        if self._reader is not None:
            self._reader.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Whoever asked gets the outcome."""
        return Done(self._finished(outcome, now))
