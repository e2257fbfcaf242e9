"""The only file of the simulator that reads time; everything else is handed a clock.

Plant time is seconds of the Unix epoch as the plant's own wall clock shows them. It may start
anywhere and may run faster than the world.
"""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

YEARS = range(2000, 2100)
"""In which a plant may start: those that the inverters' own clocks know."""

MAX_SPEED = 10_000
"""Plant seconds per second. A step of the model costs some microseconds; beyond this one core
would no longer keep up with the clock."""


class Clock(Protocol):
    """Says what time it is at the plant."""

    def now_s(self) -> float:
        """Plant time in seconds of the Unix epoch; never goes back."""


class RunningClock:
    """Plant time that runs `speed` times as fast as the world, from `start_s` on."""

    def __init__(self, start_s: float, speed: float = 1.0) -> None:
        check_speed(speed)
        self._lock = threading.Lock()
        self._start_s = start_s
        self._speed = speed
        self._began_s = time.monotonic()

    def now_s(self) -> float:
        """Plant time now."""
        with self._lock:
            return self._now_s()

    @property
    def speed(self) -> float:
        """Plant seconds per second."""
        return self._speed

    def run_at(self, speed: float) -> None:
        """Run at another speed from now on."""
        check_speed(speed)
        with self._lock:
            self._start_s, self._began_s = self._now_s(), time.monotonic()
            self._speed = speed

    def advance(self, seconds: float) -> None:
        """Leap forward."""
        if not seconds >= 0:
            raise ValueError("plant time never goes back")
        with self._lock:
            self._start_s += seconds

    def _now_s(self) -> float:
        return self._start_s + (time.monotonic() - self._began_s) * self._speed


def check_speed(speed: float) -> None:
    """Raise ValueError for a speed that no plant can run at."""
    if not 0 < speed <= MAX_SPEED:
        raise ValueError(f"speed is {speed:g}; give more than 0 and at most {MAX_SPEED}")


class ManualClock:
    """Plant time that moves only when told to; for tests and for freezing a plant."""

    def __init__(self, start_s: float) -> None:
        self._now_s = start_s
        self._lock = threading.Lock()

    def now_s(self) -> float:
        """Plant time now."""
        with self._lock:
            return self._now_s

    def advance(self, seconds: float) -> None:
        """Move plant time forward."""
        if seconds < 0:
            raise ValueError("plant time never goes back")
        with self._lock:
            self._now_s += seconds


def utc_s() -> float:
    """The world's wall clock, in seconds of the Unix epoch."""
    return time.time()


def monotonic_s() -> float:
    """Seconds that only ever rise; for timeouts."""
    return time.monotonic()


def parse_start(text: str) -> float:
    """Turn `2026-06-21T10:00`, `2026-06-21` or `10:00` (today) into plant time.

    A time without an offset is taken as the plant's own clock, which runs on UTC.
    """
    today = datetime.fromtimestamp(utc_s(), UTC).date().isoformat()
    spelled = f"{today}T{text}" if "-" not in text else text
    try:
        moment = datetime.fromisoformat(spelled)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time; write it like 2026-06-21T10:00, or 10:00 for today"
        ) from None
    if moment.year not in YEARS:
        raise ValueError(f"{text!r} is in the year {moment.year}; give {YEARS[0]} to {YEARS[-1]}")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
