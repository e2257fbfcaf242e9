"""A clock that a test moves, and the waiting and the spawned work that go with it."""

import asyncio
import heapq
from collections.abc import Awaitable

from bluetooth.ports import Spawn, Wait

MAX_TURNS = 50
"""Turns of the event loop in which everything that can go on without time has gone on."""


class VirtualTime:
    """`ports.Clock`, `ports.Wait` and `ports.Spawn` in one. Nothing happens until `advance`."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._sequence = 0
        self.tasks: list[asyncio.Future[None]] = []
        """What was spawned and has not ended."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return self._now_s

    async def wait(self, seconds: float) -> None:
        """Return when a test has advanced so far."""
        future = asyncio.get_running_loop().create_future()
        self._sequence += 1
        heapq.heappush(self._waiting, (self._now_s + max(0.0, seconds), self._sequence, future))
        await future

    def spawn(self, work: Awaitable[None]) -> None:
        """Start it; what it raises, `settle` raises."""
        self.tasks.append(asyncio.ensure_future(work))

    async def settle(self) -> None:
        """Let everything go on that needs no time. Raises what spawned work raised."""
        for _ in range(MAX_TURNS):
            turn = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(turn.set_result, None)
            await turn
        for task in [each for each in self.tasks if each.done()]:
            self.tasks.remove(task)
            task.result()

    async def advance(self, seconds: float) -> None:
        """Let time pass, from one waiting to the next."""
        until_s = self._now_s + seconds
        await self.settle()
        while self._waiting and self._waiting[0][0] <= until_s:
            self._now_s, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
            await self.settle()
        self._now_s = until_s
        await self.settle()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing that was spawned is left."""
        return not self.tasks


def _keeps_the_ports(time: VirtualTime) -> tuple[Wait, Spawn]:
    return time.wait, time.spawn
