"""Where the sun stands and how much of it the clouds let through. Pure but for its own dice."""

import math
import random
from dataclasses import dataclass

DAY_S = 86_400
_YEAR_D = 365.2425
_EQUINOX_D = 79.3
_TILT_OF_EARTH = math.radians(23.44)


@dataclass(frozen=True, slots=True)
class Roof:
    """One string of panels. `azimuth_deg` counts from south, west positive."""

    peak_power_w: float
    tilt_deg: float
    azimuth_deg: float


@dataclass(frozen=True, slots=True)
class Sun:
    """The direction to the sun as a unit vector; `up` is the sine of its elevation."""

    up: float
    east: float
    north: float


def sun_at(time_s: int, latitude_deg: float) -> Sun:
    """Where the sun stands; noon of plant time is solar noon."""
    day = (time_s // DAY_S) % _YEAR_D
    declination = _TILT_OF_EARTH * math.sin(2 * math.pi * (day - _EQUINOX_D) / _YEAR_D)
    hour_angle = 2 * math.pi * ((time_s % DAY_S) / DAY_S - 0.5)
    latitude = math.radians(latitude_deg)
    sin_d, cos_d = math.sin(declination), math.cos(declination)
    sin_l, cos_l = math.sin(latitude), math.cos(latitude)
    return Sun(
        up=sin_l * sin_d + cos_l * cos_d * math.cos(hour_angle),
        east=-cos_d * math.sin(hour_angle),
        north=cos_l * sin_d - sin_l * cos_d * math.cos(hour_angle),
    )


def power_of(roof: Roof, sun: Sun, clear: float) -> float:
    """What a string could give, in watts; `clear` is the share of direct light that gets through.

    Direct light weakens with the length of its way through the air; diffuse light grows as
    clouds take the direct part, but never makes up for it.
    """
    if sun.up <= 0.01:
        return 0.0
    tilt, azimuth = math.radians(roof.tilt_deg), math.radians(roof.azimuth_deg)
    incidence = (
        sun.up * math.cos(tilt)
        - sun.north * math.sin(tilt) * math.cos(azimuth)
        - sun.east * math.sin(tilt) * math.sin(azimuth)
    )
    direct = 1000.0 * math.exp(-0.13 / sun.up) * max(0.0, incidence) * clear
    diffuse = 120.0 * math.pow(sun.up, 0.6) * (1.3 - 0.3 * clear)
    return roof.peak_power_w * (direct + diffuse) / 1000.0


class Drift:
    """A value that wanders about 0 with a spread of 1 and forgets over `memory_s`."""

    def __init__(self, dice: random.Random, memory_s: float) -> None:
        self._dice = dice
        self._memory_s = memory_s
        self._shares: dict[int, tuple[float, float]] = {}
        self.value = dice.gauss(0.0, 1.0)

    def step(self, step_s: int) -> float:
        """Move on by one step; exact for any length of step."""
        shares = self._shares.get(step_s)
        if shares is None:
            keep = math.exp(-step_s / self._memory_s)
            shares = self._shares[step_s] = (keep, math.sqrt(1 - keep * keep))
        self.value = shares[0] * self.value + shares[1] * self._dice.gauss(0.0, 1.0)
        return self.value


class Clouds:
    """Weather of hours, clouds of minutes, and their ragged edges, from one seed."""

    def __init__(self, dice: random.Random) -> None:
        self._weather = Drift(dice, 5 * 3600.0)
        self._cloud = Drift(dice, 900.0)
        self._edge = Drift(dice, 30.0)

    def step(self, step_s: int) -> float:
        """Move on; the share of direct light that gets through, 0.08 to 1."""
        cover = (
            1.5 * self._weather.step(step_s)
            + 1.6 * self._cloud.step(step_s)
            + 0.4 * self._edge.step(step_s)
            - 1.2
        )
        return 1.0 - 0.92 / (1.0 + math.exp(-2.0 * cover))
