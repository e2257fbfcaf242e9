"""Curves: which rows to read for a range, and how to draw them together into few points.

Decisions and sums only; `readings.py` does the reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from server.model.quantity import QUANTITIES, Kind
from server.model.request import Point, QueryHistory
from server.store.aggregates import HOURS, MINUTES, Figures, Grain, join

MAX_POINTS = 2_000
"""Points of one curve: more than a screen has columns."""

MAX_MINUTES_READ = 7 * 24 * 60
"""Minutes read for one curve: a week. Longer curves are drawn from hours."""

MAX_HOURS_READ = 10 * 366 * 24
"""Hours read for one curve: ten years, more than records are kept."""

_LAST_COUNTS = (Kind.COUNTER, Kind.DAILY)
"""A counter's mean says nothing: its value at the end of the interval does."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Read rows of `grain` in [from_ms, to_ms) and join them into steps of `step_ms`."""

    grain: Grain
    from_ms: int
    to_ms: int
    step_ms: int


def plan(
    query: QueryHistory, oldest_minute_ms: int | None, oldest_hour_ms: int | None = None
) -> Plan | None:
    """How to answer; None when there is nothing to draw.

    `oldest_minute_ms` and `oldest_hour_ms` begin the device's oldest minute and hour on disk,
    None when it has none there. Hours help only where they reach back further than minutes.
    """
    quantity = QUANTITIES.get(query.quantity)
    if quantity is None or query.to_ms <= max(query.from_ms, 0):
        return None
    points = min(max(query.points, 1), MAX_POINTS)
    range_ms = query.to_ms - query.from_ms
    reaches_back = (
        oldest_minute_ms is None
        or oldest_minute_ms <= query.from_ms
        or oldest_hour_ms is None
        or oldest_hour_ms > oldest_minute_ms - HOURS.width_ms
    )
    few = range_ms <= MAX_MINUTES_READ * MINUTES.width_ms
    if few and (reaches_back or range_ms <= HOURS.width_ms) and range_ms < points * HOURS.width_ms:
        return _stepped(query, MINUTES, points)
    return _stepped(query, HOURS, points)


def _stepped(query: QueryHistory, grain: Grain, points: int) -> Plan:
    most = MAX_MINUTES_READ if grain is MINUTES else MAX_HOURS_READ
    from_ms = max(query.from_ms, query.to_ms - most * grain.width_ms, 0)
    from_ms -= from_ms % grain.width_ms
    rows = -(-(query.to_ms - from_ms) // grain.width_ms)
    return Plan(grain, from_ms, query.to_ms, -(-rows // points) * grain.width_ms)


def draw(quantity: str, planned: Plan, intervals: Mapping[int, Figures]) -> tuple[Point, ...]:
    """Join `intervals` (by their start) into steps; one in which nothing was read has no point."""
    steps: dict[int, Figures] = {}
    for start_ms in sorted(intervals):
        step_ms = start_ms - (start_ms - planned.from_ms) % planned.step_ms
        if step_ms in steps:
            join(steps[step_ms], intervals[start_ms])
        else:
            steps[step_ms] = list(intervals[start_ms])
    last_counts = QUANTITIES[quantity].kind in _LAST_COUNTS
    return tuple(
        Point(
            at_ms=step_ms,
            mean=figures[4] if last_counts else figures[0] / figures[1],
            least=figures[2],
            most=figures[3],
        )
        for step_ms, figures in steps.items()
    )


def unit(query: QueryHistory) -> str:
    """The unit of the quantity, empty when it is unknown."""
    quantity = QUANTITIES.get(query.quantity)
    return quantity.unit if quantity else ""
