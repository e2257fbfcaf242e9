"""Write the settings file, off the engine thread; only then are they put into effect."""

from collections.abc import Callable

from server.engine.task import Done, Kind, LaneView, Outcome, Submission, Verdict
from server.ledger.house import FILES_LANE
from server.settings import Settings

SAVE_BUDGET_S = 8.0
"""Less than a page waits for an answer, so that it hears of an overrun."""


class SaveSettings:
    """One atomic write."""

    kind = Kind.REQUEST
    lane = FILES_LANE
    slack_s = 0.0
    budget_s = SAVE_BUDGET_S

    def __init__(
        self,
        settings: Settings,
        finished: Callable[[Outcome, float], tuple[Submission, ...]],
    ) -> None:
        self._settings = settings
        self._finished = finished

    def work(self, lane: LaneView) -> None:
        """Raises SettingsError."""
        self._settings.save()

    def abort(self) -> None:
        """A write to disk cannot be broken off; it is whole or not at all in any case."""

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Whoever asked decides what follows."""
        return Done(self._finished(outcome, now))
