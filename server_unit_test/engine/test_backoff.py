"""Pauses grow, are jittered in full, and end in a breaker."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from server.engine.backoff import Backoff

SUBJECT = Backoff(
    first_s=1.0, factor=2.0, ceiling_s=30.0, floor_s=0.1, breaker_after=8, open_s=60.0
)


def test_the_cap_doubles_up_to_the_ceiling() -> None:
    """The most a pause can be: 1, 2, 4, 8, 16, 30, 30 s."""
    caps = [round(SUBJECT.delay_s(failures, 1.0), 6) for failures in range(1, 8)]

    assert [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == caps


def test_jitter_is_full() -> None:
    """A draw of nothing gives the floor, so that a crowd spreads over the whole span."""
    assert 0.1 == SUBJECT.delay_s(5, 0.0)


def test_the_breaker_opens_after_a_streak_and_tries_at_a_steady_pace() -> None:
    """From the eighth failure on, one attempt a minute, a little spread."""
    assert not SUBJECT.opened(7)
    assert SUBJECT.opened(8)
    assert (60.0, 63.0) == (SUBJECT.delay_s(8, 0.0), SUBJECT.delay_s(1_000_000, 0.5))


@given(failures=some.integers(1, 10**9), draw=some.floats(0, 1, exclude_max=True))
def test_a_pause_is_always_within_its_bounds(failures: int, draw: float) -> None:
    """However long the streak, no pause is below the floor or beyond the ceiling."""
    endless = Backoff(first_s=2.0, factor=2.0, ceiling_s=60.0)

    assert 0.0 <= endless.delay_s(failures, draw) <= 60.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_s": 0.0, "factor": 2.0, "ceiling_s": 1.0},
        {"first_s": 2.0, "factor": 2.0, "ceiling_s": 1.0},
        {"first_s": 1.0, "factor": 0.5, "ceiling_s": 1.0},
        {"first_s": 1.0, "factor": 2.0, "ceiling_s": 9.0, "floor_s": 2.0},
    ],
)
def test_a_backoff_that_does_not_grow_is_refused(wrong: dict[str, float]) -> None:
    """Such a table would spin or never try again."""
    with pytest.raises(ValueError):
        Backoff(**wrong)  # type: ignore[arg-type]  # the point of the test
