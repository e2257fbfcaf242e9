"""A clock that stands still until it is told to move; passes the clock contract."""

from server.model.reading import ClockQuality

START_MS = 1_750_000_000_000
"""15 June 2025, 15:06:40 UTC: a summer's day, so that suns shine."""


class FakeClock:
    """`ports.Clock` in a test's hands."""

    def __init__(
        self,
        now: float = 1000.0,
        utc_ms: int = START_MS,
        quality: ClockQuality = ClockQuality.SYNCED,
    ) -> None:
        self._now = now
        self._utc_ms = utc_ms
        self._quality = quality

    def monotonic(self) -> float:
        """Seconds; moves by `advance` alone."""
        return self._now

    def utc_ms(self) -> int:
        """Milliseconds; moves by `advance` and `step`."""
        return self._utc_ms

    def quality(self) -> ClockQuality:
        """What was last set."""
        return self._quality

    def advance(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        if seconds < 0:
            raise ValueError("time does not run backwards; use step() for the wall clock")
        self._now += seconds
        self._utc_ms += round(seconds * 1000)

    def step(self, difference_ms: int) -> None:
        """Set the wall clock on or back, as a time server does."""
        self._utc_ms += difference_ms

    def set_quality(self, quality: ClockQuality) -> None:
        """Say how far the wall clock is to be trusted from now on."""
        self._quality = quality
