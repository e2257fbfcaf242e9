"""The applications that are registered, and what goes between them and the centrals."""

import asyncio
import logging
from typing import Any

from bumble.core import BaseBumbleError
from bumble.device import Device
from dbus_fast import Message
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from virtual_radio.bluez_bus.asking import sender
from virtual_radio.bluez_bus.attributes import BluezServer
from virtual_radio.bluez_bus.mirror import DevicePath, Mirror

log = logging.getLogger(__name__)


MAX_NOTIFICATIONS = 1024
"""Heard and not yet sent. They are sent within milliseconds; more at once is a peripheral that
floods, and a test should see it lose."""


class Applications:
    """Serves every registered application on one host; theirs end with their connection."""

    def __init__(self, device: Device, device_path: DevicePath) -> None:
        self._server = BluezServer(device)
        self._device_path = device_path
        self._bus: MessageBus | None = None
        self._mirrors: dict[tuple[str, str], Mirror] = {}
        self._subscribers: dict[str, int] = {}
        self._notifications: asyncio.Queue[tuple[Any, bytes]] = asyncio.Queue(MAX_NOTIFICATIONS)
        self._tasks: set[asyncio.Task[None]] = set()

    def registered(self) -> list[tuple[str, str]]:
        """On which connection each lives, and its root there."""
        return list(self._mirrors)

    def start(self, bus: MessageBus) -> None:
        """Serve those that register on this bus."""
        self._bus = bus
        self._spawn(self._notify())

    async def stop(self) -> None:
        """Forget all of them."""
        self.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def clear(self) -> None:
        """Serve nobody; who wants to be served registers again."""
        self._mirrors.clear()
        self._serve()

    async def register(self, path: str) -> None:
        """RegisterApplication. Raises DBusError."""
        key = (sender.get(), path)
        if key in self._mirrors:
            raise DBusError("org.bluez.Error.AlreadyExists", "Already Exists")
        assert self._bus is not None
        mirror = Mirror(self._bus, *key, self._device_path)
        await mirror.load()
        self._mirrors[key] = mirror
        self._serve()

    async def unregister(self, path: str) -> None:
        """UnregisterApplication. Raises DBusError."""
        if self._mirrors.pop((sender.get(), path), None) is None:
            raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist")
        self._serve()

    def forget(self, owner: str) -> None:
        """A connection has ended."""
        gone = [key for key in self._mirrors if key[0] == owner]
        for key in gone:
            del self._mirrors[key]
        if gone:
            self._serve()

    def hear_value(self, message: Message) -> None:
        """An application says that a value has changed: whoever subscribed is notified."""
        for mirror in self._mirrors.values():
            characteristic = mirror.characteristic_at.get(message.path or "")
            if mirror.owner == message.sender and characteristic is not None:
                value = bytes(message.body[1]["Value"].value)
                if self._notifications.full():
                    log.warning("too many notifications; the oldest is dropped")
                    self._notifications.get_nowait()
                self._notifications.put_nowait((characteristic, value))

    def subscribed(self, mirror: Mirror, path: str, wanted: bool) -> None:
        """A central wants notifications of the characteristic at `path`, or no longer."""
        before = self._subscribers.get(path, 0)
        after = self._subscribers[path] = max(before + (1 if wanted else -1), 0)
        if bool(before) != bool(after):
            self._spawn(mirror.subscribe(path, wanted))

    def _serve(self) -> None:
        self._server.serve([pair for mirror in self._mirrors.values() for pair in mirror.services])
        self._subscribers.clear()
        for mirror in self._mirrors.values():
            for path, characteristic in mirror.characteristic_at.items():
                characteristic.remove_all_listeners()
                characteristic.on("subscription", _Subscription(self, mirror, path))

    async def _notify(self) -> None:
        while True:
            characteristic, value = await self._notifications.get()
            try:
                await self._server.notify_subscribers(characteristic, value)
                await self._server.indicate_subscribers(characteristic, value)
            except (BaseBumbleError, TimeoutError):  # A central left meanwhile.
                log.info("a notification failed", exc_info=True)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Subscription:
    """Passes on what one characteristic's centrals want."""

    def __init__(self, applications: Applications, mirror: Mirror, path: str) -> None:
        self._applications = applications
        self._mirror = mirror
        self._path = path

    def __call__(self, bearer: Any, notify: bool, indicate: bool) -> None:
        self._applications.subscribed(self._mirror, self._path, notify or indicate)
