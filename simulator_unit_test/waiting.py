"""Waiting for what happens in another thread, without keeping that thread from happening."""

import threading
from collections.abc import Callable

from simulator.clock import monotonic_s

PATIENCE_S = 60.0
"""For what takes milliseconds on a machine that has nothing else to do."""

LOOK_S = 0.005
"""Between two looks: a loop without a pause would hold the interpreter that the other needs."""


def until(happened: Callable[[], bool]) -> None:
    """Return as soon as it has happened; fails when it does not."""
    deadline_s = monotonic_s() + PATIENCE_S
    pause = threading.Event()
    while not happened():
        assert monotonic_s() < deadline_s, "it has not happened"
        pause.wait(LOOK_S)
