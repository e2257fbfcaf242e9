"""The board of snapshots: written by the engine thread, read by anybody, without waiting.

A snapshot is immutable, so handing it over is one assignment. Subscribers are woken after each
new one, from the engine thread, and fetch the newest when they get to it: a slow one skips.
"""

import threading
from collections.abc import Callable

from server.model.snapshot import Snapshot

MAX_SUBSCRIBERS = 64
"""Each is an open page or stream, and costs a wake-up per snapshot."""


class Board:
    """See the module's docstring."""

    def __init__(self, first: Snapshot) -> None:
        self._newest = first
        self._guard = threading.Lock()
        self._subscribers: dict[int, Callable[[], None]] = {}
        self._next = 0

    def snapshot(self) -> Snapshot:
        """The newest one."""
        return self._newest

    @property
    def watched(self) -> bool:
        """Whether anybody is subscribed."""
        return bool(self._subscribers)

    def show(self, snapshot: Snapshot) -> None:
        """Publish a snapshot; engine thread."""
        self._newest = snapshot
        if not self._subscribers:
            return
        with self._guard:
            wakes = [*self._subscribers.values()]
        for wake in wakes:
            wake()

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Be woken after each snapshot; returns what ends it. Raises BufferError when full."""
        with self._guard:
            if len(self._subscribers) >= MAX_SUBSCRIBERS:
                raise BufferError(f"{MAX_SUBSCRIBERS} subscribers at most")
            self._next += 1
            key = self._next
            self._subscribers[key] = wake

        def unsubscribe() -> None:
            with self._guard:
                self._subscribers.pop(key, None)

        return unsubscribe
