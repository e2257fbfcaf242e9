"""The watchdog over the engine: when nothing at all comes to an end any more, the process ends.

It watches progress, not life: how many tasks have had an outcome, success or failure. The gateway
always has tasks that are due within seconds, so a count that stands still means that the one
thread which owns all state is caught somewhere. Nothing can be saved then from inside: every
thread's stack goes to the log, and the process ends for its supervisor to start it again. What was
accepted is on disk.

A supervisor that has a watchdog of its own (systemd) is fed from here, by the same progress.
"""

import faulthandler
import os
import sys
import threading
from collections.abc import Callable

SILENT_S = 60.0
"""No task has had an outcome for this long. The slowest settle takes milliseconds, and a snapshot
is due each second; a Raspberry Pi that swaps is still a hundred times faster."""

LOOK_EVERY_S = 5.0
"""Between two looks."""

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h: an internal error."""


class Watchdog:
    """Asks for the count of outcomes; knows nothing of the engine."""

    def __init__(
        self,
        outcomes: Callable[[], int],
        monotonic: Callable[[], float],
        alive: Callable[[], None],
        end: Callable[[float], None],
        silent_s: float = SILENT_S,
    ) -> None:
        """`alive` is called at each look that saw progress, `end` once, with the seconds of
        silence, when there was none for `silent_s`."""
        self._outcomes = outcomes
        self._monotonic = monotonic
        self._alive = alive
        self._end = end
        self._silent_s = silent_s
        self._seen = outcomes()
        self._looked_at = monotonic()
        self._silence_s = 0.0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on, on a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more. Idempotent."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(LOOK_EVERY_S)

    def look(self) -> None:
        """One look."""
        now, outcomes = self._monotonic(), self._outcomes()
        passed_s, self._looked_at = now - self._looked_at, now
        if outcomes != self._seen:
            self._seen, self._silence_s = outcomes, 0.0
            self._alive()
            return
        # A late look means that this whole process stood still (docker pause, Ctrl-Z, a frozen
        # machine), and with it the engine: that counts for no more than two looks.
        self._silence_s += min(passed_s, 2 * LOOK_EVERY_S)
        if self._silence_s >= self._silent_s:
            self._stopped.set()
            self._end(self._silence_s)

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            self.look()


def end_process(silent_s: float) -> None:
    """Write every thread's stack to the log and end at once, with EXIT_CODE."""
    # Not through logging: the thread that is caught may hold its lock.
    sys.stderr.write(
        f"no task has come to an end for {silent_s:.0f} s; the stacks of all threads follow, then"
        " the process ends to be started again\n"
    )
    sys.stderr.flush()
    faulthandler.dump_traceback(sys.stderr, all_threads=True)
    os._exit(EXIT_CODE)
