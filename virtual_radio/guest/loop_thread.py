"""An event loop on a thread of its own, for tests that are ordinary functions.

The radio beside a guest must go on whatever the test does: a guest gives an adapter up that does
not answer for two seconds.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

JOIN_TIMEOUT_S = 10.0
"""Until the thread has ended, once its loop was told to stop."""


class LoopThread:
    """A running loop. Close it."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """What `work` returns, or raises. It is cancelled when it takes longer than `timeout_s`
        (raises TimeoutError), or when the test is broken off."""
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result(timeout_s)
        except BaseException:
            running.cancel()
            raise

    def close(self) -> None:
        """End all tasks and the thread. Idempotent."""
        if self._loop.is_closed():
            return
        self.run(_cancel_others(), JOIN_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(JOIN_TIMEOUT_S)
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
