"""The gateway's clock: the only place in this process that reads time.

Monotonic seconds for scheduling, UTC milliseconds for timestamps, and what the operating system
says about the wall clock. It knows nothing of readings, tasks or settings; everybody else gets
it passed in as `ports.Clock`.
"""

import ctypes
import sys
import time
from collections.abc import Callable

from server.model.reading import ClockQuality

QUALITY_CACHE_S = 10.0
"""Seconds for which one answer of the kernel counts. A clock that has just been synchronised may
be called unsynced for that long, which is safe; asking for every reading would be a waste."""

_STA_UNSYNC = 0x0040
"""Kernel status bit: nothing disciplines the clock."""
_TIME_ERROR = 5
"""What adjtimex returns when the clock is not synchronised."""


class _Timex(ctypes.Structure):
    """The beginning of `struct timex` (adjtimex(2)); the rest is room that the kernel fills."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_byte * 256),
    ]


def kernel_synced() -> bool:
    """Whether the kernel's clock is disciplined by a time source; False when it will not say.

    Only Linux is asked: boxes run Linux. Elsewhere (a developer's laptop) there is no adjtimex,
    and such machines keep their clocks right.
    """
    if sys.platform != "linux":
        return True
    timex = _Timex()  # `modes` is 0: read, change nothing; needs no privilege.
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    return is_synced(state, timex.status)


def is_synced(state: int, status: int) -> bool:
    """Read adjtimex's answer; a refused call (-1) proves nothing, so it is not synchronised."""
    return state >= 0 and state != _TIME_ERROR and not status & _STA_UNSYNC


class SystemClock:
    """`ports.Clock` over the operating system. Any thread may ask.

    `trust` is the setting `clock.trust`; `synced` asks the kernel, `monotonic` is the time that
    ages its answer. Both are passed in so that a test needs neither.
    """

    def __init__(
        self,
        trust: str = "system",
        synced: Callable[[], bool] = kernel_synced,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._always = trust == "always"
        self._synced = synced
        self._monotonic = monotonic
        # One tuple, replaced as a whole: readers on other threads never see half of it.
        self._answer: tuple[float, ClockQuality] | None = None

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never steps."""
        return self._monotonic()

    def utc_ms(self) -> int:
        """Wall-clock milliseconds since 1970, UTC; may step."""
        return time.time_ns() // 1_000_000

    def quality(self) -> ClockQuality:
        """What the operating system says about the wall clock, at most QUALITY_CACHE_S old."""
        if self._always:
            return ClockQuality.SYNCED
        now = self._monotonic()
        answer = self._answer
        if answer is None or now - answer[0] >= QUALITY_CACHE_S:
            quality = ClockQuality.SYNCED if self._synced() else ClockQuality.UNSYNCED
            answer = self._answer = (now, quality)
        return answer[1]
