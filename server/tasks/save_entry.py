"""Write who may enter, off the engine thread; only then does it count."""

from collections.abc import Callable

from server.engine.task import Done, Kind, LaneView, Outcome, Submission, Verdict
from server.ledger.house import FILES_LANE
from server.model.access import Book
from server.ports import EntryKeeper

SAVE_ENTRY_BUDGET_S = 8.0
"""Less than a page waits for an answer, so that it hears of an overrun."""


class SaveEntry:
    """One atomic write."""

    kind = Kind.REQUEST
    lane = FILES_LANE
    slack_s = 0.0
    budget_s = SAVE_ENTRY_BUDGET_S

    def __init__(
        self,
        keeper: EntryKeeper,
        book: Book,
        finished: Callable[[Outcome, float], tuple[Submission, ...]],
    ) -> None:
        self._keeper = keeper
        self._book = book
        self._finished = finished

    def work(self, lane: LaneView) -> None:
        """Raises SettingsError."""
        self._keeper.write(self._book)

    def abort(self) -> None:
        """A write to disk cannot be broken off; it is whole or not at all in any case."""

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Whoever asked decides what follows."""
        return Done(self._finished(outcome, now))
