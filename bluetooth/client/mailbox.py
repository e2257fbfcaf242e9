"""Notifications waiting to be taken, and the end of the connection that brings them."""

import asyncio

from bluetooth.client.errors import LinkLost, TooSlow
from bluetooth.client.link import Link

MAX_MAIL = 512
"""Notifications that nobody has taken yet. A session has 16 on their way, and progress a dozen."""


class Mailbox:
    """What came for one conversation, in order. Full, it loses the oldest."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MAX_MAIL)

    async def subscribe(self, uuid: str) -> None:
        """Have notifications of this characteristic put here. Raises what Link raises."""
        await self._link.subscribe(uuid, lambda value: self.put(uuid, value))

    def put(self, uuid: str, value: bytes) -> None:
        """One more has come."""
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait((uuid, value))

    def clear(self) -> None:
        """Forget what was not taken."""
        while not self._waiting.empty():
            self._waiting.get_nowait()

    async def next(self, timeout_s: float) -> tuple[str, bytes]:
        """The oldest one: characteristic and value. Raises TooSlow, and LinkLost once the
        connection has ended and all that it brought was taken."""
        if not self._waiting.empty():
            return self._waiting.get_nowait()
        brought = asyncio.ensure_future(self._waiting.get())
        ended = asyncio.ensure_future(self._link.wait_gone())
        try:
            await asyncio.wait(
                {brought, ended}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            if brought.done():
                return brought.result()
            if ended.done():
                raise LinkLost("the box ended the connection before it answered: try again")
            raise TooSlow(f"the box said nothing for {timeout_s:g} s: go nearer, and try again")
        finally:
            for each in (brought, ended):
                each.cancel()
            await asyncio.gather(brought, ended, return_exceptions=True)
