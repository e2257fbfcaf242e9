"""A connection as a central sees it: the peer's values, read, written and subscribed to.

Every request ends: with an answer, with GattError, with Disconnected, or with TimeoutError.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bumble import att, core
from bumble.device import Connection, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy

from virtual_radio.gatt import Disconnected, GattError, NoSuchAttribute
from virtual_radio.host import hang_up
from virtual_radio.seen import uuid_text

REQUEST_TIMEOUT_S = 30.0
"""Of the attribute protocol (Bluetooth Core 5.3, Vol 3, Part F, 3.3.3)."""
DISCONNECT_TIMEOUT_S = 40.0
"""Longer than the longest supervision timeout."""
MAX_NOTIFICATIONS = 10_000
"""Values that a subscription keeps for whoever has not asked for them yet; then the oldest go."""
WRITE_HEAD_BYTES = 3
"""Of an ATT write or notification, beside its value."""

SUBSCRIBABLE = Characteristic.Properties.NOTIFY | Characteristic.Properties.INDICATE

T = TypeVar("T")


class Notifications:
    """What a subscription has brought, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(MAX_NOTIFICATIONS)

    def put(self, value: bytes) -> None:
        """One more has come."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(value)

    def __len__(self) -> int:
        return self._queue.qsize()

    async def next(self, timeout_s: float = REQUEST_TIMEOUT_S) -> bytes:
        """The oldest one not yet taken. Raises TimeoutError."""
        return await asyncio.wait_for(self._queue.get(), timeout_s)


class Session:
    """One connection of a central, with everything discovered. Made by `Central.connect()`."""

    def __init__(self, connection: Connection, mtu: int | None) -> None:
        self.connection = connection
        self.peer = Peer(connection)
        self.reason: int | None = None
        """Why it ended, as HCI says it; None while it lives."""
        self._mtu = mtu
        self._gone = asyncio.Event()
        self._when_gone: list[Callable[[], None]] = []
        self._subscribers: dict[str, Callable[[bytes], None]] = {}
        connection.on(connection.EVENT_DISCONNECTION, self._on_gone)

    def _on_gone(self, reason: int) -> None:
        self.reason = reason
        self._gone.set()
        for call in self._when_gone:
            call()

    def when_gone(self, call: Callable[[], None]) -> None:
        """Call this when the connection ends; at once if it has."""
        if self.connected:
            self._when_gone.append(call)
        else:
            call()

    @property
    def connected(self) -> bool:
        """Whether it lives."""
        return not self._gone.is_set()

    @property
    def mtu(self) -> int:
        """Of the attribute protocol, in bytes."""
        return self.connection.att_mtu

    @property
    def services(self) -> dict[str, tuple[str, ...]]:
        """UUIDs of the primary services, each with those of its characteristics."""
        return {
            uuid_text(each.uuid): tuple(uuid_text(one.uuid) for one in each.characteristics)
            for each in self.peer.services
        }

    async def discover(self) -> None:
        """Agree on the MTU, if one was asked for, and learn what the peer has. Raises Disconnected,
        GattError, TimeoutError."""
        if self._mtu is not None:
            await self.ask(self.peer.request_mtu(self._mtu))
        await self.ask(self.peer.discover_services())
        for each in self.peer.services:
            await self.ask(each.discover_characteristics())
            for one in each.characteristics:
                await self.ask(one.discover_descriptors())

    def find(self, uuid: str) -> CharacteristicProxy[bytes]:
        """A characteristic. Raises NoSuchAttribute."""
        found = self.peer.get_characteristics_by_uuid(core.UUID(uuid))
        if not found:
            raise NoSuchAttribute(f"the peer has no characteristic {uuid}")
        return found[0]

    async def read(self, uuid: str) -> bytes:
        """The whole value, in as many reads as it takes. Raises GattError, Disconnected,
        NoSuchAttribute, TimeoutError; so do all of these."""
        return await self.ask(self.find(uuid).read_value())

    async def read_once(self, uuid: str) -> bytes:
        """The first MTU - 1 bytes."""
        return await self.ask(self.find(uuid).read_value(no_long_read=True))

    async def write(self, uuid: str, value: bytes) -> None:
        """With response; in pieces (prepare and execute) where it does not fit into one write."""
        await self.ask(self.find(uuid).write_value(value, with_response=True))

    async def write_long(self, uuid: str, value: bytes) -> None:
        """With prepare and execute, however short."""
        handle = self.find(uuid).handle
        await self.ask(self.peer.gatt_client.write_long_value(handle, value))

    async def write_without_response(self, uuid: str, value: bytes) -> None:
        """Nobody says whether it arrived. Raises ValueError for more than MTU - 3 bytes."""
        if len(value) > self.mtu - WRITE_HEAD_BYTES:
            raise ValueError(f"{len(value)} bytes do not fit: MTU {self.mtu}")
        await self.ask(self.find(uuid).write_value(value, with_response=False))

    async def subscribe(self, uuid: str, indicate: bool = False) -> Notifications:
        """To notifications, or to indications where `indicate` is set or there is nothing else.
        Raises ValueError where there is neither."""
        one = self.find(uuid)
        if not one.properties & SUBSCRIBABLE:
            raise ValueError(f"{uuid} has neither notifications nor indications")
        brought = Notifications()
        self._subscribers[uuid] = brought.put
        await self.ask(one.subscribe(brought.put, prefer_notify=not indicate))
        return brought

    async def unsubscribe(self, uuid: str) -> None:
        """Want no more. Nothing happens without a subscription."""
        subscriber = self._subscribers.pop(uuid, None)
        if subscriber is not None:
            await self.ask(self.find(uuid).unsubscribe(subscriber))

    async def disconnect(self) -> None:
        """End it. Idempotent."""
        if self.connected:
            await hang_up(self.connection)
            await self.wait_disconnected()

    async def wait_disconnected(self, timeout_s: float = DISCONNECT_TIMEOUT_S) -> int:
        """The reason, once it has ended. Raises TimeoutError."""
        await asyncio.wait_for(self._gone.wait(), timeout_s)
        assert self.reason is not None
        return self.reason

    async def ask(self, work: Awaitable[T]) -> T:
        """Wait for the peer, but not beyond the end of the connection."""
        if not self.connected:
            if asyncio.iscoroutine(work):
                work.close()
            raise Disconnected("not connected")
        asked = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait(
                {asked, gone}, timeout=REQUEST_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
            return self._outcome(asked)
        finally:
            for each in (asked, gone):
                each.cancel()
            await asyncio.wait({asked, gone})

    def _outcome(self, asked: "asyncio.Future[T]") -> T:
        if not asked.done() or asked.cancelled():
            if self.connected:
                raise TimeoutError(f"no answer within {REQUEST_TIMEOUT_S:.0f} s")
            raise Disconnected("the connection ended before the answer")
        try:
            return asked.result()
        except att.ATT_Error as refused:
            raise GattError(refused.error_code) from refused
        except core.TimeoutError as late:
            raise TimeoutError(str(late)) from late
