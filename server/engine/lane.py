"""What the engine knows of one lane, and the figures that are drawn from it."""

import math
from bisect import bisect_right
from dataclasses import dataclass

from server.engine.heaps import Figures, Ready, Ticket
from server.model.statistics import LATENESS_EDGES_S, KindStatistics, LaneStatistics


@dataclass(slots=True)
class Lane:
    """What the engine knows of a lane."""

    name: str
    ready: Ready
    patient: bool
    running: Ticket | None = None
    rank: int = 0
    since: float = 0.0
    deadline: float = math.inf
    generation: int = 0
    inside: int = -1
    """The generation that the thread inside a call was started with; -1 when none is."""
    stuck: bool = False
    """The call overran its budget and its thread is still inside."""

    def free(self) -> None:
        """No thread is inside any more."""
        self.inside, self.stuck, self.deadline, self.running = -1, False, math.inf, None


def count_late(figures: Figures, late_s: float) -> None:
    figures.lateness[bisect_right(LATENESS_EDGES_S, late_s)] += 1


def kind_statistics(figures: Figures, queued: int, ready: int, running: int) -> KindStatistics:
    return KindStatistics(
        queued=queued,
        ready=ready,
        running=running,
        started=figures.started,
        failed=figures.failed,
        missed=figures.missed,
        lateness=tuple(figures.lateness),
    )


def lane_statistics(lane: Lane, now: float) -> LaneStatistics:
    running = lane.running
    return LaneStatistics(
        name=lane.name,
        busy_kind="" if running is None else running.task.kind.value,
        busy_s=now - lane.since if lane.inside >= 0 else 0.0,
        ready=len(lane.ready),
        generation=lane.generation,
        stuck=lane.stuck,
    )
