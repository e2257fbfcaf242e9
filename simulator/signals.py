"""Waiting for the end: SIGTERM and SIGINT as one event."""

import signal
import threading
from collections.abc import Callable
from types import FrameType


def run_until_stopped(beat: Callable[[], None], period_s: float) -> None:
    """Call `beat` about every `period_s` seconds until the process is told to stop."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while not stopped.wait(period_s):
            beat()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
