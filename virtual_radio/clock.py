"""Time that costs nothing: an event loop which jumps to its next timer instead of waiting for it.

Every timer of the radio goes through the loop, so nothing else in this package reads a clock. The
jump happens in the selector, where a loop would sleep. Do not mix it with sockets that somebody
outside answers (a guest, a message bus): their answers would come hours late. Use an ordinary loop
there; the radio runs on either.
"""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

MAX_VIRTUAL_S = 86_400.0
"""A day: a test that is still waiting then waits for what will never come."""

REAL_WAIT_S = 5.0
"""How long a loop without any timer waits for a helper thread before it says that nothing is left
to wait for."""


FileObject = Any
"""A file descriptor, or whatever has one: the selectors module keeps the type to itself."""


class NothingLeft(RuntimeError):
    """The loop has no timer and nobody will wake it: what the test waits for cannot happen."""


class TooLong(RuntimeError):
    """Virtual time has passed the loop's limit: what the test waits for does not happen."""


class _JumpingSelector(selectors.BaseSelector):
    """Asks the real selector without waiting, and lets the time go by that was to be waited."""

    def __init__(self, limit_s: float) -> None:
        self.now_s = 0.0
        self._limit_s = limit_s
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            ready = self._real.select(REAL_WAIT_S)
            if not ready:
                raise NothingLeft("no timer is set and nothing can wake this loop")
            return ready
        ready = self._real.select(0)
        if not ready and timeout > 0:
            self.now_s += timeout
            if self.now_s > self._limit_s:
                raise TooLong(f"{self._limit_s:.0f} virtual seconds have passed")
        return ready

    def register(
        self, fileobj: FileObject, events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileObject) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(
        self, fileobj: FileObject, events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[FileObject, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time starts at 0 and jumps. Raises TooLong after `limit_s`, and
    NothingLeft where an ordinary loop would hang."""

    def __init__(self, limit_s: float = MAX_VIRTUAL_S) -> None:
        self._jumping = _JumpingSelector(limit_s)
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since the loop was made, all of them virtual."""
        return self._jumping.now_s


async def elapse(seconds: float) -> None:
    """Let virtual time pass. Raises RuntimeError where it would really have to be waited for."""
    if not isinstance(asyncio.get_running_loop(), VirtualLoop):
        raise RuntimeError("time passes at once on a VirtualLoop only; wait for an event here")
    await asyncio.sleep(seconds)
