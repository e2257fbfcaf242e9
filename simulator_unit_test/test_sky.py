"""The sun is where it should be, and clouds are what the seed says."""

import math
import random

import pytest

from simulator.sky import DAY_S, Clouds, Drift, Roof, power_of, sun_at

JUNE_21 = 1_782_000_000 // DAY_S * DAY_S
DECEMBER_21 = JUNE_21 + 183 * DAY_S


@pytest.mark.parametrize(
    ("time_s", "elevation_deg"),
    [
        (JUNE_21 + DAY_S // 2, 90 - 48 + 23.44),
        (DECEMBER_21 + DAY_S // 2, 90 - 48 - 23.44),
        (JUNE_21, -(90 - 48 - 23.44)),
    ],
)
def test_height_of_the_sun(time_s: int, elevation_deg: float) -> None:
    """At noon and midnight the sun stands where latitude and season put it."""
    sun = sun_at(time_s, 48.0)

    assert elevation_deg == pytest.approx(math.degrees(math.asin(sun.up)), abs=0.2)


def test_sun_goes_from_east_to_west() -> None:
    """It is in the east in the morning and in the west in the evening."""
    morning, evening = (sun_at(JUNE_21 + hour * 3600, 48.0) for hour in (9, 15))

    assert (True, True) == (morning.east > 0.5, evening.east < -0.5)


def test_roofs_have_their_hours() -> None:
    """A western roof gives more in the afternoon than in the morning."""
    west = Roof(1000, 30, 90)

    morning, evening = (
        power_of(west, sun_at(JUNE_21 + hour * 3600, 48.0), 1.0) for hour in (9, 15)
    )

    assert evening > 1.5 * morning


def test_no_power_before_sunrise() -> None:
    """A sun below the horizon gives nothing, not even a little."""
    assert 0.0 == power_of(Roof(1000, 30, 0), sun_at(JUNE_21, 48.0), 1.0)


def test_clouds_take_and_never_give() -> None:
    """The share of light stays between the darkest cloud and a clear sky, and uses its range."""
    clouds = Clouds(random.Random(1))

    shares = [clouds.step(60) for _ in range(5000)]

    assert (True, True) == (0.08 <= min(shares) < 0.3, 0.9 < max(shares) <= 1.0)


def test_drift_has_a_spread_of_one_at_any_step() -> None:
    """Long steps and short ones wander equally far."""

    def spread(step_s: int) -> float:
        drift = Drift(random.Random(2), 30.0)
        values = [drift.step(step_s) for _ in range(20_000)]
        return math.sqrt(sum(value * value for value in values) / len(values))

    assert pytest.approx((1.0, 1.0), abs=0.1) == (spread(5), spread(60))
