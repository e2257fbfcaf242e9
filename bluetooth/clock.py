"""This process's clock: the only place in it that reads time or lets it pass."""

import asyncio
import time


class SystemClock:
    """`ports.Clock` over the operating system."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never steps."""
        return time.monotonic()


async def wait(seconds: float) -> None:
    """`ports.Wait`: let so many seconds pass on the event loop."""
    await asyncio.sleep(max(0.0, seconds))
