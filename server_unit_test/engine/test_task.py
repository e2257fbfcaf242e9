"""The grid: beats stay where they are, however late a run was."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from server.engine.task import Grid


@pytest.mark.parametrize(
    ("now", "expected"),
    [(10.0, (11.0, 0)), (10.9, (11.0, 0)), (11.0, (12.0, 1)), (13.5, (14.0, 3))],
)
def test_late_runs_drop_the_beats_that_have_passed(now: float, expected: tuple[float, int]) -> None:
    """The next beat lies on the grid after now; those in between are counted as missed."""
    assert expected == Grid(1.0, 0.0).next(10.0, now)


def test_the_first_beat_after_a_moment_keeps_the_phase() -> None:
    """The phase is the grid's jitter: it is kept for ever."""
    assert 30.25 == Grid(10.0, 0.25).after(25.0)
    assert 20.25 == Grid(10.0, 0.25).after(10.25)


@given(
    period_s=some.floats(0.01, 1000),
    share=some.floats(0, 0.999),
    now=some.floats(0, 1e7),
)
def test_the_next_beat_is_never_in_the_past_nor_more_than_a_period_away(
    period_s: float, share: float, now: float
) -> None:
    """`after` answers a beat in (now, now + period], within rounding."""
    beat = Grid(period_s, share * period_s).after(now)

    assert now - 1e-6 <= beat <= now + period_s + 1e-6
