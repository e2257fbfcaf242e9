"""The one way in: everything from outside the engine thread passes through here.

Two kinds of items: completions of lanes, which are always taken (there is at most one a lane,
so they are bounded by MAX_LANES), and tasks from outside, which are refused with Busy beyond
MAX_INBOX. Any thread may put; only the engine thread waits.
"""

import threading
from collections import deque
from dataclasses import dataclass

from server.engine.task import Outcome, Task
from server.errors import Busy

MAX_INBOX = 1_000
"""Requests from outside that may wait at once; the API answers 503 beyond."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A lane's thread came back with the outcome of the call of that generation."""

    lane: str
    generation: int
    outcome: Outcome


class Inbox:
    """See the module's docstring."""

    def __init__(self, limit: int = MAX_INBOX) -> None:
        self._limit = limit
        self._guard = threading.Lock()
        self._bell = threading.Lock()
        self._bell.acquire()
        self._completions: deque[Completion] = deque()  # bounded by MAX_LANES
        self._tasks: deque[Task] = deque()  # bounded by MAX_INBOX
        self.refused = 0

    def put(self, task: Task) -> None:
        """Hand in a task from outside; raises Busy when MAX_INBOX wait already."""
        with self._guard:
            if len(self._tasks) >= self._limit:
                self.refused += 1
                raise Busy(f"{self._limit} requests wait already; try again shortly")
            self._tasks.append(task)
        self.ring()

    def complete(self, completion: Completion) -> None:
        """Hand in a lane's outcome; never refused."""
        with self._guard:
            self._completions.append(completion)
        self.ring()

    def ring(self) -> None:
        """Wake the engine thread. Takes no lock that it holds, so signal handlers may call it."""
        try:
            self._bell.release()
        except RuntimeError:
            pass  # It is ringing already.

    def wait(self, timeout_s: float | None) -> tuple[list[Completion], list[Task]]:
        """Wait for the bell at most `timeout_s` (None: for ever) and take everything out.

        A lock's timed acquire waits as precisely as the kernel's own nanosleep does, where
        epoll, and with it asyncio, rounds up to a millisecond.
        """
        if timeout_s is None or timeout_s > 0:
            limit = -1 if timeout_s is None else min(timeout_s, threading.TIMEOUT_MAX)
            self._bell.acquire(timeout=limit)
        else:
            self._bell.acquire(blocking=False)
        if not self._completions and not self._tasks:
            return [], []
        with self._guard:
            completions, tasks = [*self._completions], [*self._tasks]
            self._completions.clear()
            self._tasks.clear()
        return completions, tasks

    def __len__(self) -> int:
        return len(self._tasks) + len(self._completions)
