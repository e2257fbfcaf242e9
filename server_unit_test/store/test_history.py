"""A curve has as many points as asked for, drawn from the finest rows that can be afforded."""

import pytest

from server.model.request import QueryHistory
from server.store.aggregates import HOURS, MINUTES
from server.store.history import (
    MAX_HOURS_READ,
    MAX_MINUTES_READ,
    MAX_POINTS,
    Plan,
    draw,
    plan,
    unit,
)

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
NOW_MS = 20_000 * DAY_MS


def asked(
    range_ms: int, points: int, oldest_ms: int | None = 0, oldest_hour_ms: int | None = 0
) -> Plan:
    """The plan for the last `range_ms`."""
    query = QueryHistory("A1", "pv_power", NOW_MS - range_ms, NOW_MS, points)
    planned = plan(query, oldest_ms, oldest_hour_ms)
    assert planned is not None
    return planned


@pytest.mark.parametrize(
    ("range_ms", "points", "grain", "step_ms"),
    [
        (HOUR_MS, 60, MINUTES, MINUTE_MS),
        (HOUR_MS, 1000, MINUTES, MINUTE_MS),
        (DAY_MS, 500, MINUTES, 3 * MINUTE_MS),
        (DAY_MS, 24, HOURS, HOUR_MS),
        (DAY_MS, 1, HOURS, DAY_MS),
        (7 * DAY_MS, 2000, MINUTES, 6 * MINUTE_MS),
        (8 * DAY_MS, 2000, HOURS, HOUR_MS),
        (365 * DAY_MS, 500, HOURS, 18 * HOUR_MS),
    ],
)
def test_rows_are_chosen_by_range_and_step(
    range_ms: int, points: int, grain: object, step_ms: int
) -> None:
    """Minutes for up to a week, hours where a step is an hour or more, or the range longer."""
    planned = asked(range_ms, points)

    assert (grain, step_ms) == (planned.grain, planned.step_ms)


@pytest.mark.parametrize("points", [-1, 0, 1, 7, 100, MAX_POINTS, 10**9])
@pytest.mark.parametrize("range_ms", [1, HOUR_MS + 1, DAY_MS, 100 * DAY_MS, NOW_MS])
def test_there_are_never_more_points_than_asked_for(range_ms: int, points: int) -> None:
    """Nor than MAX_POINTS, also where the range begins within an interval."""
    planned = asked(range_ms, points)

    steps = -(-(planned.to_ms - planned.from_ms) // planned.step_ms)
    assert 1 <= steps <= min(max(points, 1), MAX_POINTS)
    assert 0 == planned.step_ms % planned.grain.width_ms


def test_reading_is_bounded() -> None:
    """MAX_MINUTES_READ and MAX_HOURS_READ; a longer range is cut at its old end."""
    week, all_of_it = asked(7 * DAY_MS, MAX_POINTS), asked(NOW_MS, MAX_POINTS)

    assert MAX_MINUTES_READ == (week.to_ms - week.from_ms) // MINUTE_MS
    assert MAX_HOURS_READ == (all_of_it.to_ms - all_of_it.from_ms) // HOUR_MS


def test_hours_are_drawn_where_minutes_are_gone() -> None:
    """When the range begins before the oldest minute that is kept."""
    assert HOURS is asked(DAY_MS, 500, NOW_MS - HOUR_MS).grain
    assert MINUTES is asked(DAY_MS, 500, NOW_MS - DAY_MS).grain
    assert MINUTES is asked(DAY_MS, 500, None).grain


def test_a_new_device_has_a_curve_of_minutes() -> None:
    """Hours help only where they reach back further than minutes, which here they do not."""
    first_ms = NOW_MS - 5 * MINUTE_MS
    first_hour_ms = first_ms - first_ms % HOUR_MS

    assert MINUTES is asked(HOUR_MS, 500, first_ms, first_hour_ms).grain
    assert MINUTES is asked(DAY_MS, 500, first_ms, first_hour_ms).grain
    assert HOURS is asked(DAY_MS, 500, first_ms, first_hour_ms - HOUR_MS).grain


def test_nothing_to_draw_is_no_plan() -> None:
    """An unknown quantity, or a range that holds nothing."""
    queries = [("none", 0, 1), ("pv_power", 5, 5), ("pv_power", 6, 5), ("pv_power", -5, 0)]

    assert [None] * 4 == [plan(QueryHistory("A1", *each, 10), None) for each in queries]


def test_intervals_are_joined_into_steps() -> None:
    """Mean by the number of readings, not of intervals; an empty step is no point."""
    planned = Plan(MINUTES, 0, 6 * MINUTE_MS, 2 * MINUTE_MS)
    intervals = {
        MINUTE_MS: [30.0, 3.0, 5.0, 15.0, 10.0],
        0: [2.0, 1.0, 2.0, 2.0, 2.0],
        5 * MINUTE_MS: [7.0, 1.0, 7.0, 7.0, 7.0],
    }

    points = draw("pv_power", planned, intervals)

    assert [(0, 8.0, 2.0, 15.0), (4 * MINUTE_MS, 7.0, 7.0, 7.0)] == [
        (each.at_ms, each.mean, each.least, each.most) for each in points
    ]


@pytest.mark.parametrize("quantity", ["pv_energy", "pv_energy_today"])
def test_a_counter_shows_its_last_value(quantity: str) -> None:
    """The mean of a counter says nothing."""
    planned = Plan(MINUTES, 0, 2 * MINUTE_MS, 2 * MINUTE_MS)

    points = draw(quantity, planned, {0: [30.0, 3, 9.0, 11.0, 11.0], 60_000: [12.0, 1, 12, 12, 12]})

    assert [12.0] == [each.mean for each in points]


def test_the_unit_is_the_quantitys() -> None:
    """Empty for what is unknown."""
    assert ("Wh", "") == (
        unit(QueryHistory("A1", "pv_energy", 0, 1, 1)),
        unit(QueryHistory("A1", "none", 0, 1, 1)),
    )
