"""Work that was started on the event loop and must not outlive the service."""

import asyncio
import logging
from collections.abc import Awaitable

log = logging.getLogger(__name__)

MAX_SPAWNED = 64
"""Pieces of work at once; the door itself never has more than a dozen."""


class Spawned:
    """`ports.Spawn`, and the end of all that it started."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Awaitable[None]) -> None:
        """Start `work` on the running loop; a fault in it is logged and ends nothing else."""
        if len(self._tasks) >= MAX_SPAWNED:
            if asyncio.iscoroutine(work):
                work.close()
            log.error("too much work is under way; a piece of it is not begun")
            return
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Cancel everything and wait for it; what takes more than the loop's turns is not ours."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a piece of work failed", exc_info=error)
