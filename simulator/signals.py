"""Waiting for the end: SIGTERM and SIGINT as one event."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that either signal sets. Enter it before anybody is told that we run."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_until(stopped: threading.Event, beat: Callable[[], None], period_s: float) -> None:
    """Call `beat` about every `period_s` seconds until the event is set."""
    while not stopped.wait(period_s):
        beat()
