"""The system clock: trust, the kernel's word, and how long it counts."""

import sys

import pytest

from server.clock import QUALITY_CACHE_S, SystemClock, is_synced, kernel_synced
from server.model.reading import ClockQuality
from server_unit_test.contracts.fake_clock import FakeClock


class Kernel:
    """Answers what the test sets, and counts how often it was asked."""

    def __init__(self, synced: bool) -> None:
        self.synced = synced
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.synced


def test_always_trusted_clock_never_asks_the_kernel() -> None:
    """With trust `always` the clock is synced, whatever the kernel would say."""
    kernel = Kernel(synced=False)

    quality = SystemClock("always", kernel).quality()

    assert (ClockQuality.SYNCED, 0) == (quality, kernel.asked)


@pytest.mark.parametrize(
    ("synced", "expected"), [(True, ClockQuality.SYNCED), (False, ClockQuality.UNSYNCED)]
)
def test_system_clock_repeats_the_kernel(synced: bool, expected: ClockQuality) -> None:
    """With trust `system` the quality is what the kernel says."""
    clock = SystemClock("system", Kernel(synced))

    assert expected == clock.quality()


def test_kernel_is_asked_once_per_cache_time() -> None:
    """Within QUALITY_CACHE_S the first answer counts; then the kernel is asked again."""
    time, kernel = FakeClock(), Kernel(synced=False)
    clock = SystemClock("system", kernel, time.monotonic)
    clock.quality()
    kernel.synced = True
    time.advance(QUALITY_CACHE_S - 0.5)
    early = clock.quality()
    time.advance(0.5)

    late = clock.quality()

    assert (ClockQuality.UNSYNCED, ClockQuality.SYNCED, 2) == (early, late, kernel.asked)


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        (0, 0x2001, True),  # TIME_OK, disciplined by a daemon
        (1, 0x2011, True),  # a leap second is announced: still synchronised
        (5, 0x0040, False),  # TIME_ERROR, as at boot
        (0, 0x0040, False),  # STA_UNSYNC alone
        (5, 0x0000, False),  # TIME_ERROR alone
        (-1, 0x0000, False),  # the call was refused
    ],
)
def test_reads_the_kernels_answer(state: int, status: int, expected: bool) -> None:
    """Either sign of a free-running clock means unsynced."""
    assert expected == is_synced(state, status)


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex is Linux's")
def test_the_real_kernel_answers() -> None:
    """The call through the C library works here without privileges."""
    assert kernel_synced() in (True, False)
