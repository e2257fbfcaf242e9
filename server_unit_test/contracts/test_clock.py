"""What every `ports.Clock` keeps to; run against the real one and the fake."""

import pytest

from server.clock import SystemClock
from server.model.reading import ClockQuality
from server.ports import Clock
from server_unit_test.contracts.fake_clock import FakeClock

YEAR_2020_MS = 1_577_836_800_000
YEAR_2100_MS = 4_102_444_800_000


@pytest.fixture(params=["system", "always", "fake"])
def clock(request: pytest.FixtureRequest) -> Clock:
    """Every clock there is."""
    return FakeClock() if request.param == "fake" else SystemClock(request.param)


def test_monotonic_never_falls(clock: Clock) -> None:
    """A thousand looks at the monotonic clock never show an earlier time."""
    looks = [clock.monotonic() for _ in range(1000)]

    assert sorted(looks) == looks


def test_utc_is_whole_milliseconds(clock: Clock) -> None:
    """The wall clock is an int of milliseconds, not seconds or microseconds."""
    now_ms = clock.utc_ms()

    assert isinstance(now_ms, int)
    assert YEAR_2020_MS < now_ms < YEAR_2100_MS


def test_quality_is_unsynced_or_synced(clock: Clock) -> None:
    """A clock never says `corrected`: that is said of readings."""
    quality = clock.quality()

    assert quality in (ClockQuality.UNSYNCED, ClockQuality.SYNCED)
