"""Tasks in a test's hands: they do what they are told and keep what they were given."""

from collections.abc import Callable

from server.engine.task import Done, Kind, LaneView, Outcome, Verdict


class Puppet:
    """A task that settles by a script; with a lane its work returns or raises what it is told."""

    def __init__(
        self,
        name: str = "",
        *,
        kind: Kind = Kind.POLL,
        lane: str | None = None,
        slack_s: float = 0.0,
        budget_s: float = 10.0,
        then: Callable[[float], Verdict] = lambda now: Done(),
        work: Callable[[LaneView], object] = lambda view: None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.lane = lane
        self.slack_s = slack_s
        self.budget_s = budget_s
        self.outcomes: list[Outcome] = []
        self.settled_at: list[float] = []
        self.aborts = 0
        self._then = then
        self._work = work

    def work(self, lane: LaneView) -> object:
        """As told."""
        return self._work(lane)

    def abort(self) -> None:
        """Counted."""
        self.aborts += 1

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Kept, then as told."""
        self.outcomes.append(outcome)
        self.settled_at.append(now)
        return self._then(now)
