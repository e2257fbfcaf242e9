"""What a task is. The engine knows tasks by this page alone.

A task has a kind (which the ranks speak of), perhaps a lane, and two halves: `work`, which may
block and runs on its lane's helper thread, and `settle`, which never blocks, runs on the engine
thread, may change state, and says what happens next. A task without a lane only settles.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from msgspec import Struct


class Kind(StrEnum):
    """What a task is for; the mode's ranks and the statistics speak of kinds."""

    COMMAND = "command"
    """A write to a device; overtakes everything on its lane."""
    REQUEST = "request"
    """Somebody waits for an answer: the API, a button."""
    COMMIT = "commit"
    """Readings go to disk."""
    CONNECT = "connect"
    """A link is opened and its device identified."""
    POLL = "poll"
    """A device is read."""
    PUBLISH = "publish"
    """Records go to a sink."""
    PROBE = "probe"
    """An unknown address is asked what it is."""
    PRUNE = "prune"
    """The disk is kept within its limits."""
    HOUSEKEEPING = "housekeeping"
    """Snapshots, clock checks, figures."""


ONE_SHOT = frozenset({Kind.COMMAND, Kind.REQUEST, Kind.PROBE})
"""Kinds whose every failure is told to whoever asked, and never repeated by the engine."""


class Ok(Struct, frozen=True):
    """`work` returned; `value` is what it handed back (None for a task without a lane)."""

    value: object


class Failed(Struct, frozen=True):
    """`work` raised one of `errors`, or overran its budget (then `error` is `Overrun`)."""

    error: Exception


Outcome: TypeAlias = Ok | Failed


class Submission(Struct, frozen=True):
    """A task to be added, due at monotonic second `at`."""

    task: "Task"
    at: float


class Done(Struct, frozen=True):
    """The task is finished; `then` are tasks to add."""

    then: tuple[Submission, ...] = ()


class Again(Struct, frozen=True):
    """The task runs again at monotonic second `at`; `missed` beats of its grid were dropped."""

    at: float
    missed: int = 0
    then: tuple[Submission, ...] = ()


Verdict: TypeAlias = Done | Again


class LaneView(Protocol):
    """What `work` may ask of the lane it runs on."""

    def preempted(self) -> bool:
        """True when a task of better rank waits for this lane; asked between frames."""
        ...


class Task(Protocol):
    """A task that only settles, when `lane` is None; otherwise a `LaneTask`."""

    @property
    def kind(self) -> Kind:
        """What it is for."""
        ...

    @property
    def lane(self) -> str | None:
        """The lane its work runs on, None when it only settles."""
        ...

    @property
    def slack_s(self) -> float:
        """How late is fine: due times are rounded up to a multiple of this; 0 is exact."""
        ...

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Take the outcome at monotonic second `now`; never blocks."""
        ...


class LaneTask(Task, Protocol):
    """A task whose work blocks, on its lane, within its budget."""

    @property
    def budget_s(self) -> float:
        """Seconds of one call after which it is broken off and its answer discarded."""
        ...

    def work(self, lane: LaneView) -> object:
        """May block. Touches nothing but its own device, sink or database connection."""
        ...

    def abort(self) -> None:
        """Break the call in flight (close its session) from the engine thread; never blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Grid:
    """A nominal grid: beats at `phase_s + n * period_s`; lateness never shifts it."""

    period_s: float
    phase_s: float

    def after(self, now: float) -> float:
        """The first beat strictly after `now`."""
        beats = (now - self.phase_s) // self.period_s + 1
        return self.phase_s + beats * self.period_s

    def next(self, beat: float, now: float) -> tuple[float, int]:
        """The beat to run next after `beat` at time `now`, and how many were missed.

        A beat counts as missed once the following one has come: a late run still counts for
        its own beat, and those that passed in the meantime are dropped, never queued.
        """
        following = beat + self.period_s
        if following > now:
            return following, 0
        upcoming = self.after(now)
        return upcoming, max(0, round((upcoming - following) / self.period_s))
