"""Notifications on their way out: in order, one at a time, never more than fit. Knows no system.

One at a time, because a message bus that is handed hundreds at once may lose the connection over
it (dbus-next does), and because whoever notifies must not wait.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bluetooth.errors import BluetoothError, PeripheralLost

log = logging.getLogger(__name__)

MAX_WAITING_NOTIFICATIONS = 256
"""Notifications not yet taken by the system. It takes a thousand a second; if it stops, the oldest
are dropped, and counted in the log."""

Send = Callable[[str, bytes], Awaitable[None]]
"""Sends a characteristic's value; returns when the system has it. Raises BluetoothError."""


class Notifications:
    """Hands them to `send` until it is closed or `send` says that the peripheral is lost."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MAX_WAITING_NOTIFICATIONS)
        self._dropped = 0
        self._task = self._started()

    def put(self, uuid: str, value: bytes) -> None:
        """One more. Never blocks, never raises."""
        if self._waiting.full():
            self._waiting.get_nowait()
            self._dropped += 1
            if self._dropped == 1:
                log.warning("notifications are not taken in time; the oldest are dropped")
        self._waiting.put_nowait((uuid, value))

    async def close(self) -> None:
        """What waits is dropped. Idempotent; never raises."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _started(self) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._run())
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """A bug behind one notification is logged, and must not silence all that follow."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a notification failed", exc_info=error)
            self._task = self._started()

    async def _run(self) -> None:
        while True:
            uuid, value = await self._waiting.get()
            try:
                await self._send(uuid, value)
            except PeripheralLost:
                return  # wait_lost says so.
            except BluetoothError as error:  # The next one may be taken.
                log.warning("cannot notify", extra={"uuid": uuid, "why": str(error)})
            if self._dropped and self._waiting.empty():
                log.warning("notifications were dropped", extra={"count": self._dropped})
                self._dropped = 0
