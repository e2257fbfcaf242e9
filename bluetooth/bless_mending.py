"""bless 0.3.0 on BlueZ, with what is wrong in it kept from whoever is connected. Linux only.

What is put right, each on the objects of one server and nowhere else:

- Long reads: its ReadValue ignores the offset, so that every part of a value longer than MTU - 1 is
  its beginning again. Ours serves snapshots, per central, and tells who asks.
- Services: only the first is primary, so that a phone does not find the others
  (https://github.com/kevincar/bless/issues/174). Ours all are.
- The adapter's name: it is overwritten at start, emptied at stop, and left overwritten by a process
  that is killed. Ours is not touched; the advertisement carries the name.
- A restart of bluetoothd goes unnoticed, and so does a central that leaves. Ours is told.
- Notifications: some 170 at once break its connection to the message bus, and nobody hears of it.
  Ours are handed over one by one while the bus is seen to read, and the end of the connection is
  a loss.
- Its calls may wait for ever, and its connection to the message bus is never closed. Ours end.

`system_test/test_bluez_bus.py` shows the first two without this module; when that test fails, bless
has been put right and this can go.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from bless.backends.bluezdbus.dbus import service as bless_service
from bless.backends.bluezdbus.dbus.characteristic import BlueZGattCharacteristic
from dbus_next.errors import DBusError
from dbus_next.message import Message
from dbus_next.service import method
from dbus_next.signature import Variant

from bluetooth.bluez import words
from bluetooth.bluez.adapter import BluezAdapter
from bluetooth.bluez.bus import (
    CALL_TIMEOUT_S,
    CLOSE_TIMEOUT_S,
    SIGNALS_BETWEEN_ANSWERS,
    Bus,
    Connect,
    SystemBus,
)
from bluetooth.errors import AdapterMissing, PeripheralLost, Refused
from bluetooth.gatt import Service
from bluetooth.served_values import ServedValues

MENDED_VERSION = "0.3.0"
"""The version whose insides this was written against; another may not need it, or not bear it."""


def _refusing(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Refused as refused:
        name = words.ERROR_OF.get(refused.code, words.UNLIKELY)
        raise DBusError(name, refused.text) from refused  # type: ignore[no-untyped-call]


def _option(options: dict[str, Any], name: str, default: Any) -> Any:
    return getattr(options.get(name), "value", default)


def _read_value(self: Any, options: Any) -> Any:
    client, offset = _option(options, "device", ""), _option(options, "offset", 0)
    return _refusing(lambda: self._service.app.served.read(client, self.UUID, offset))


def _write_value(self: Any, value: Any, options: Any) -> None:
    if _option(options, "prepare-authorize", False):
        return
    client, offset = _option(options, "device", ""), _option(options, "offset", 0)
    served = self._service.app.served
    _refusing(lambda: served.write(client, self.UUID, bytes(value), offset))


# dbus-next takes the signature of a method from its annotations.
_read_value.__annotations__ = {"options": "a{sv}", "return": "ay"}
_write_value.__annotations__ = {"value": "ay", "options": "a{sv}"}


class MendedCharacteristic(BlueZGattCharacteristic):
    """A characteristic of bless that reads from an offset and knows who asks."""

    ReadValue = method(name="ReadValue")(_read_value)
    WriteValue = method(name="WriteValue")(_write_value)


@contextmanager
def _mended_characteristics() -> Iterator[None]:
    """Whatever is added meanwhile is mended; bless itself stays as it is."""
    module: Any = bless_service
    module.BlueZGattCharacteristic = MendedCharacteristic
    try:
        yield
    finally:
        module.BlueZGattCharacteristic = BlueZGattCharacteristic


async def _keep_the_name(adapter: Any, name: str) -> None:
    """In place of setting the adapter's alias."""


class MendedBluez:
    """`bless_peripheral.System` on BlueZ. `adapter` as in `hci0`; "" is the first able one."""

    def __init__(self, adapter: str, connect: Connect = SystemBus.connect) -> None:
        self._name = adapter
        self._connect = connect
        self._bus: Bus | None = None
        self._adapter: BluezAdapter | None = None
        self._server: Any = None
        self._registered = False
        self._follower: asyncio.Task[None] | None = None
        self._signals = 0

    async def prepare(self, left: Callable[[str], None]) -> dict[str, Any]:
        """Wait for the adapter; what BlessServer is to be made with. Raises AdapterMissing."""
        self._bus = await self._connect()
        self._adapter = BluezAdapter(self._bus, self._name, left)
        self._bus.attend(lambda heard: None, self._adapter.hear)
        await self._adapter.wait_ready()
        return {"adapter": self._adapter.path.rpartition("/")[2]}

    async def build(
        self, server: Any, services: Sequence[Service], served: ServedValues, add: Any
    ) -> None:
        """Add the services and register them. Raises AdapterMissing."""
        self._server = server
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await server.setup_task
            self._follower = asyncio.create_task(self._follow(server.bus))
            server.app.served = served
            server.app.set_name = _keep_the_name
            with _mended_characteristics():
                await add(server, services)
            for service in server.app.services:
                service._primary = True
            server.bus.export(server.app.path, server.app)
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await server.app.register(server.adapter)
        except Exception as error:  # bless raises bare Exceptions, and those of dbus-next.
            raise AdapterMissing(f"bless cannot serve: {error}") from error
        self._registered = True

    async def advertise(self, server: Any, name: str) -> None:
        """Send the first service's UUID and `name`. Raises PeripheralLost."""
        server.app.app_name = name
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await server.app.start_advertising(server.adapter)
        except Exception as error:
            raise PeripheralLost(f"bluetoothd takes no advertisement: {error}") from error

    async def silence(self, server: Any) -> None:
        """Send nothing. Raises PeripheralLost."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await server.app.stop_advertising(server.adapter)
        except Exception as error:
            raise PeripheralLost(f"bluetoothd is gone: {error}") from error

    async def notify(self, server: Any, service: str, uuid: str, value: bytes) -> None:
        """Send a value to whoever subscribed; returns when the bus has taken it."""
        path = server.get_service(service).get_characteristic(uuid).gatt.path
        changed = {"Value": Variant("ay", bytes(value))}
        body = [words.CHARACTERISTIC, changed, []]
        signal: Any = Message.new_signal(
            path, words.PROPERTIES, "PropertiesChanged", "sa{sv}as", body
        )
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await server.bus.send(signal)
                self._signals += 1
                if self._signals % SIGNALS_BETWEEN_ANSWERS == 0:
                    question: Any = Message(words.DBUS, words.DBUS_PATH, words.DBUS, "GetId")
                    await server.bus.call(question)
        except (OSError, EOFError) as error:
            raise PeripheralLost(f"the message bus takes no signal: {error}") from error

    async def wait_lost(self) -> None:
        """Return when bluetoothd or the adapter has gone."""
        if self._adapter is not None:
            await self._adapter.lost.wait()

    def is_lost(self) -> bool:
        """Whether it has."""
        return self._adapter is None or self._adapter.lost.is_set()

    async def disconnect(self, client: str) -> None:
        """Send a central away. Never raises."""
        if self._adapter is not None:
            await self._adapter.disconnect(client)

    async def close(self) -> None:
        """Give back what bless does not. Never raises."""
        server, self._server = self._server, None
        follower, self._follower = self._follower, None
        if server is not None:
            with suppress(Exception):
                if self._registered and not self.is_lost():
                    async with asyncio.timeout(CLOSE_TIMEOUT_S):
                        await server.app.unregister(server.adapter)
            with suppress(Exception):
                server.bus.disconnect()
            if follower is not None:
                await asyncio.wait({follower}, timeout=CLOSE_TIMEOUT_S)
                follower.cancel()
            with suppress(Exception):  # dbus-next leaves its socket to the garbage collector.
                server.bus._stream.close()
                server.bus._sock.close()
        if self._adapter is not None:
            self._adapter.lost.set()
        if self._bus is not None:
            await self._bus.close()

    async def _follow(self, connection: Any) -> None:
        """bless's own connection may end by itself; without it nothing is served."""
        with suppress(Exception):
            await connection.wait_for_disconnect()
        if self._adapter is not None:
            self._adapter.lost.set()
