"""A bluetoothd for tests: org.bluez on a message bus, its radio a Bluetooth host of Bumble.

It can be restarted, lose its adapter and its power, and send centrals away. When the connection
that registered something ends, what was registered goes with it, as with the real one.
"""

import asyncio
import contextlib
import logging
from contextvars import ContextVar
from typing import Any

from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from virtual_radio.bluez_bus import interfaces
from virtual_radio.bluez_bus.advertisements import Advertisements, TooLong, compose
from virtual_radio.bluez_bus.attributes import BluezServer
from virtual_radio.bluez_bus.mirror import Mirror

log = logging.getLogger(__name__)

MAX_ADVERTISEMENTS = 5
"""The kernel's, where the controller offers none of its own."""

_sender: ContextVar[str] = ContextVar("sender")
"""Who made the call that is being answered. The library does not pass it on; a task inherits it."""


class FakeBluetoothd:
    """Owns `org.bluez` on the bus at `address`; `device` is powered on already.

    `start`, `stop` and `restart` are those of the daemon. Attribute `alias` is the adapter's name.
    """

    def __init__(self, address: str, device: Device, adapter: str = "hci0") -> None:
        self.device = device
        self.path = f"/org/bluez/{adapter}"
        self._address = address
        self._bus: MessageBus | None = None
        self._server = BluezServer(device)
        self._advertisements = Advertisements(device)
        self._mirrors: dict[tuple[str, str], Mirror] = {}
        self._devices: dict[str, interfaces.Device] = {}
        self._notifications: asyncio.Queue[tuple[Any, bytes]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscribed: dict[str, int] = {}
        own = device.public_address or device.random_address
        self._adapter = interfaces.Adapter(own.to_string(False), "the-machine", self._set_powered)
        device.on("connection", self._on_connection)

    @property
    def alias(self) -> str:
        """The adapter's name, which outlives a restart of the daemon."""
        return self._adapter.alias

    @property
    def applications(self) -> int:
        """How many are registered."""
        return len(self._mirrors)

    def registered(self) -> list[tuple[str, str]]:
        """Them: on which connection, and their root there."""
        return list(self._mirrors)

    @property
    def advertisements(self) -> int:
        """How many are being sent."""
        return len(self._advertisements)

    async def start(self) -> None:
        """Come up, adapter and all."""
        bus = self._bus = await MessageBus(bus_address=self._address).connect()
        bus.add_message_handler(self._hear)
        bus.export("/", interfaces.AgentManager())
        bus.export("/org/bluez", interfaces.AgentManager())
        self._adapter.powered = True
        self._export_adapter(bus)
        await self._match(bus, "type='signal',member='NameOwnerChanged'")
        await self._match(
            bus,
            "type='signal',member='PropertiesChanged',"
            "interface='org.freedesktop.DBus.Properties',"
            "arg0='org.bluez.GattCharacteristic1'",
        )
        self._spawn(self._notify())
        await bus.request_name("org.bluez")

    async def stop(self) -> None:
        """Go, and drop every connection with it."""
        bus, self._bus = self._bus, None
        if bus is None:
            return
        await self._drop_everything()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        bus.disconnect()
        with contextlib.suppress(Exception):  # The bus itself may have ended before.
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    async def restart(self) -> None:
        """As `systemctl restart bluetooth`."""
        await self.stop()
        await self.start()

    async def remove_adapter(self) -> None:
        """Pull the stick."""
        assert self._bus is not None
        await self._drop_everything()
        self._bus.unexport(self.path)

    def return_adapter(self) -> None:
        """Put it back."""
        assert self._bus is not None
        self._export_adapter(self._bus)

    async def power_off(self) -> None:
        """As `bluetoothctl power off`: everybody is sent away, advertisements are released."""
        self._set_powered(False)
        for key in self._advertisements.keys():
            owner, _, path = key.partition(" ")
            self._advertisements.remove(key)
            await self._release(owner, path)
        await self._disconnect_all()

    async def release_advertisements(self) -> None:
        """Give up what was registered, as the daemon does when the kernel drops it."""
        for key in self._advertisements.keys():
            owner, _, path = key.partition(" ")
            self._advertisements.remove(key)
            await self._release(owner, path)

    async def _release(self, owner: str, path: str) -> None:
        assert self._bus is not None
        await self._bus.call(
            Message(
                destination=owner,
                path=path,
                interface="org.bluez.LEAdvertisement1",
                member="Release",
            )
        )

    def _export_adapter(self, bus: MessageBus) -> None:
        bus.export(self.path, self._adapter)
        bus.export(self.path, interfaces.GattManager(self._register_application, self._unregister))
        bus.export(
            self.path,
            interfaces.AdvertisingManager(
                MAX_ADVERTISEMENTS, self._advertise, self._be_silent, self._advertisements.__len__
            ),
        )

    def _set_powered(self, powered: bool) -> None:
        if powered != self._adapter.powered:
            self._adapter.powered = powered
            self._adapter.emit_properties_changed({"Powered": powered})

    async def _drop_everything(self) -> None:
        self._mirrors.clear()
        self._server.serve([])
        await self._advertisements.close()
        await self._disconnect_all()
        for path in list(self._devices):
            del self._devices[path]
            if self._bus is not None:
                self._bus.unexport(path)

    async def _disconnect_all(self) -> None:
        for connection in list(self.device.connections.values()):
            await _disconnect(connection)

    # What a peripheral asks for.

    async def _register_application(self, path: str) -> None:
        owner = _sender.get()
        if (owner, path) in self._mirrors:
            raise DBusError("org.bluez.Error.AlreadyExists", "Already Exists")
        assert self._bus is not None
        mirror = Mirror(self._bus, owner, path, self._path_of)
        await mirror.load()
        self._mirrors[owner, path] = mirror
        self._serve()

    async def _unregister(self, path: str) -> None:
        if self._mirrors.pop((_sender.get(), path), None) is None:
            raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist")
        self._serve()

    def _serve(self) -> None:
        self._server.serve([pair for mirror in self._mirrors.values() for pair in mirror.services])
        self._subscribed.clear()
        for mirror in self._mirrors.values():
            for path, characteristic in mirror.characteristic_at.items():
                characteristic.remove_all_listeners()
                characteristic.on("subscription", _Subscription(self, mirror, path))

    async def _advertise(self, path: str) -> None:
        owner = _sender.get()
        key = f"{owner} {path}"
        if key in self._advertisements:
            raise DBusError("org.bluez.Error.AlreadyExists", "Already Exists")
        if len(self._advertisements) >= MAX_ADVERTISEMENTS:
            raise DBusError("org.bluez.Error.NotPermitted", "Maximum advertisements reached")
        if not self._adapter.powered:
            raise DBusError("org.bluez.Error.Failed", "Failed")
        assert self._bus is not None
        reply = await self._bus.call(
            Message(
                destination=owner,
                path=path,
                interface="org.freedesktop.DBus.Properties",
                member="GetAll",
                signature="s",
                body=["org.bluez.LEAdvertisement1"],
            )
        )
        if reply is None or reply.message_type is MessageType.ERROR:
            raise DBusError("org.bluez.Error.Failed", "Failed to parse advertisement.")
        try:
            sent = compose({name: value.value for name, value in reply.body[0].items()})
        except TooLong as error:
            raise DBusError("org.bluez.Error.InvalidLength", str(error)) from error
        self._advertisements.add(key, sent)

    async def _be_silent(self, path: str) -> None:
        try:
            self._advertisements.remove(f"{_sender.get()} {path}")
        except KeyError:
            raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist") from None

    # What comes over the bus beside calls.

    def _hear(self, message: Message) -> None:
        if message.message_type is MessageType.METHOD_CALL:
            _sender.set(message.sender or "")
        elif message.member == "NameOwnerChanged" and not message.body[2]:
            self._forget_owner(message.body[0])
        elif message.member == "PropertiesChanged" and "Value" in message.body[1]:
            self._queue_notification(message)

    def _forget_owner(self, owner: str) -> None:
        gone = [key for key in self._mirrors if key[0] == owner]
        for key in gone:
            del self._mirrors[key]
        if gone:
            self._serve()
        for name in self._advertisements.keys(lambda name: name.startswith(f"{owner} ")):
            self._advertisements.remove(name)

    def _queue_notification(self, message: Message) -> None:
        for mirror in self._mirrors.values():
            characteristic = mirror.characteristic_at.get(message.path or "")
            if mirror.owner == message.sender and characteristic is not None:
                value = bytes(message.body[1]["Value"].value)
                self._notifications.put_nowait((characteristic, value))

    async def _notify(self) -> None:
        while True:
            characteristic, value = await self._notifications.get()
            try:
                await self._server.notify_subscribers(characteristic, value)
                await self._server.indicate_subscribers(characteristic, value)
            except Exception:  # A central that left meanwhile must not end the daemon.
                log.exception("a notification failed")

    def subscribed(self, mirror: Mirror, path: str, wanted: bool) -> None:
        """A central wants notifications of the characteristic at `path`, or no longer."""
        before = self._subscribed.get(path, 0)
        after = self._subscribed[path] = max(before + (1 if wanted else -1), 0)
        if bool(before) != bool(after):
            self._spawn(mirror.subscribe(path, wanted))

    # Centrals.

    def _path_of(self, connection: Connection) -> str:
        address = connection.peer_address.to_string(False).replace(":", "_")
        return f"{self.path}/dev_{address}"

    def _on_connection(self, connection: Connection) -> None:
        path = self._path_of(connection)
        if self._bus is None:
            return

        async def disconnect() -> None:
            await _disconnect(connection)

        known = self._devices.get(path)
        if known is not None:
            self._bus.unexport(path)
        address = connection.peer_address.to_string(False)
        self._devices[path] = interfaces.Device(address, disconnect)
        self._bus.export(path, self._devices[path])
        connection.on("disconnection", lambda reason: self._on_disconnection(path))
        self._advertisements.refresh()

    def _on_disconnection(self, path: str) -> None:
        known = self._devices.get(path)
        if known is not None and self._bus is not None:
            known.set_connected(False)

    # Small things.

    async def _match(self, bus: MessageBus, rule: str) -> None:
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Subscription:
    """Remembers what one characteristic's centrals want."""

    def __init__(self, daemon: FakeBluetoothd, mirror: Mirror, path: str) -> None:
        self._daemon = daemon
        self._mirror = mirror
        self._path = path

    def __call__(self, bearer: Any, notify: bool, indicate: bool) -> None:
        self._daemon.subscribed(self._mirror, self._path, notify or indicate)


async def _disconnect(connection: Connection) -> None:
    with contextlib.suppress(BaseBumbleError, asyncio.TimeoutError):
        async with asyncio.timeout(2.0):
            await connection.disconnect(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)
