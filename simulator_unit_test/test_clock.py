"""Plant time: where it starts, how fast it runs, how it is spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.clock import MAX_SPEED, YEARS, ManualClock, RunningClock, parse_start


def test_running_clock_starts_where_it_is_told() -> None:
    """A clock at the slowest speed is still at its start."""
    clock = RunningClock(1000.0, speed=1e-9)

    assert 1000.0 == pytest.approx(clock.now_s())


@pytest.mark.parametrize("speed", [0, -1, MAX_SPEED + 1, float("nan")])
def test_speed_has_bounds(speed: float) -> None:
    """Time that stands still, runs back or outruns a core is refused in words."""
    with pytest.raises(ValueError, match=f"more than 0 and at most {MAX_SPEED}"):
        RunningClock(0.0, speed)


def test_highest_speed_is_allowed() -> None:
    """The limit itself is a speed."""
    assert RunningClock(0.0, MAX_SPEED).now_s() >= 0


def test_running_clock_leaps_and_changes_pace() -> None:
    """A leap is added at once, another speed holds from now on, and neither goes back."""
    clock = RunningClock(1000.0, speed=1e-9)

    clock.advance(60)
    clock.run_at(1e-8)

    assert 1060.0 == pytest.approx(clock.now_s())
    assert 1e-8 == clock.speed
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="more than 0"):
        clock.run_at(0)


def test_manual_clock_moves_when_told() -> None:
    """It stands still until it is moved."""
    clock = ManualClock(5.0)

    clock.advance(2.5)

    assert 7.5 == clock.now_s()


def test_manual_clock_never_goes_back() -> None:
    """A step back is an error of the caller."""
    with pytest.raises(ValueError, match="never goes back"):
        ManualClock(5.0).advance(-1)


@pytest.mark.parametrize(
    ("text", "time_s"),
    [
        ("2026-06-21T12:00", 1782043200.0),
        ("2026-06-21", 1782000000.0),
        ("2026-06-21T12:00+02:00", 1782036000.0),
    ],
)
def test_start_is_read(text: str, time_s: float) -> None:
    """A date, a time, an offset: what people write."""
    assert time_s == parse_start(text)


def test_start_of_today() -> None:
    """A time alone is a time of today."""
    assert 12 * 3600 == parse_start("12:00") % 86_400


@pytest.mark.parametrize("text", ["noon", "2026-13-01", "25:00", ""])
def test_start_that_is_no_time(text: str) -> None:
    """What is no time is refused with an example of one."""
    with pytest.raises(ValueError, match="2026-06-21T10:00"):
        parse_start(text)


@pytest.mark.parametrize("year", [YEARS[0], YEARS[-1]])
def test_years_that_an_inverter_knows(year: int) -> None:
    """The first and the last are taken, those beyond are told."""
    assert parse_start(f"{year}-06-21") > 0
    for beyond in (YEARS[0] - 1, YEARS[-1] + 1):
        with pytest.raises(ValueError, match=f"give {YEARS[0]} to {YEARS[-1]}"):
            parse_start(f"{beyond}-06-21")


@given(
    st.text(max_size=25)
    | st.datetimes().map(lambda moment: moment.isoformat())
    | st.times().map(lambda moment: moment.isoformat())
)
def test_no_words_crash_it(text: str) -> None:
    """Whatever is written for a start, it is one of these years or an error in words."""
    try:
        start_s = parse_start(text)
    except ValueError:
        return

    assert 946_598_400 <= start_s < 4_102_531_200
