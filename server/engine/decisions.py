"""What the engine tells the runner to do: values, and nothing that does it."""

from dataclasses import dataclass

from server.engine.heaps import Ticket
from server.engine.task import LaneTask


@dataclass(frozen=True, slots=True)
class Start:
    """Run the work of `task` on `lane`; answer with this generation."""

    lane: str
    generation: int
    task: LaneTask


@dataclass(frozen=True, slots=True)
class Break:
    """The call on `lane` overran its budget: close its session from outside."""

    lane: str
    task: LaneTask
    ticket: Ticket | None
    """To be settled as Overrun; None on a patient lane, whose answer is awaited all the same."""


@dataclass(frozen=True, slots=True)
class Replace:
    """Leave the thread of `lane` behind: it did not come back, or nothing needs it any more."""

    lane: str


Decision = Start | Break | Replace
