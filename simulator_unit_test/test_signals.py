"""Either signal ends the wait, and what was there before comes back."""

import os
import signal

import pytest

from simulator.signals import run_until, stop_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_wait(number: signal.Signals) -> None:
    """The beat goes on until a signal comes, and the old handler is back afterwards."""
    before, beats = signal.getsignal(number), []

    def beat() -> None:
        beats.append(1)
        if len(beats) == 3:
            os.kill(os.getpid(), number)

    with stop_signals() as stopped:
        run_until(stopped, beat, 0.001)

    assert (True, before) == (3 <= len(beats) <= 4, signal.getsignal(number))
