"""Digest or compare a password, off the engine thread: it takes a tenth of a second on purpose."""

from collections.abc import Callable

from server.engine.task import Done, Kind, LaneView, Outcome, Submission, Verdict
from server.ledger.house import ENTRY_LANE

PASSWORD_BUDGET_S = 8.0
"""Less than a page waits for an answer; the slowest box needs a second."""


class CheckPassword:
    """One slow computation; `compute` is given the text when it was made."""

    kind = Kind.REQUEST
    lane = ENTRY_LANE
    slack_s = 0.0
    budget_s = PASSWORD_BUDGET_S

    def __init__(
        self,
        compute: Callable[[], object],
        finished: Callable[[Outcome, float], tuple[Submission, ...]],
    ) -> None:
        self._compute = compute
        self._finished = finished

    def work(self, lane: LaneView) -> object:
        """What `compute` gives."""
        return self._compute()

    def abort(self) -> None:
        """A computation cannot be broken off; its answer is discarded."""

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Whoever asked decides what follows."""
        return Done(self._finished(outcome, now))
