"""The engine's figures as one immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass

LATENESS_EDGES_S = (0.001, 0.01, 0.1, 1.0, 10.0)
"""Upper edges of the lateness histogram; a last bucket holds everything beyond."""


@dataclass(frozen=True, slots=True)
class KindStatistics:
    """The figures of one kind of task. `lateness` counts starts per bucket of LATENESS_EDGES_S."""

    queued: int
    ready: int
    running: int
    started: int
    failed: int
    missed: int
    lateness: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LaneStatistics:
    """One lane: `busy_kind` is what it does now, empty when idle."""

    name: str
    busy_kind: str
    busy_s: float
    ready: int
    generation: int
    stuck: bool


@dataclass(frozen=True, slots=True)
class Statistics:
    """The whole engine at one moment."""

    queued: int
    ready: int
    running: int
    missed: int
    stuck_lanes: int
    abandoned: int
    bugs: int
    wakeups: int
    inbox: int
    inbox_refused: int
    kinds: Mapping[str, KindStatistics]
    lanes: tuple[LaneStatistics, ...]
