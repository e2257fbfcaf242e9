"""A bluetoothd for tests: org.bluez on a message bus, its radio a Bluetooth host of Bumble.

It can be restarted, lose its adapter and its power, and send centrals away. When the connection
that registered something ends, what was registered goes with it, as with the real one.
"""

import contextlib
from typing import Any

from bumble.device import Device
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from virtual_radio.bluez_bus import interfaces
from virtual_radio.bluez_bus.advertisements import Advertisements, TooLong, compose
from virtual_radio.bluez_bus.applications import Applications
from virtual_radio.bluez_bus.asking import ask, match, sender
from virtual_radio.bluez_bus.centrals import Centrals

MAX_ADVERTISEMENTS = 5
"""The kernel's, where the controller offers none of its own."""

NAME = "the-machine"
"""The adapter's, before anybody changes it."""

_PROPERTIES = "org.freedesktop.DBus.Properties"
_ADVERTISEMENT = "org.bluez.LEAdvertisement1"


class FakeBluetoothd:
    """Owns `org.bluez` on the bus at `address`; `device` is powered on already.

    `start`, `stop` and `restart` are those of the daemon.
    """

    def __init__(self, address: str, device: Device, adapter: str = "hci0") -> None:
        self.path = f"/org/bluez/{adapter}"
        self._address = address
        self._bus: MessageBus | None = None
        self._advertisements = Advertisements(device)
        self._centrals = Centrals(device, self.path, self._advertisements.refresh)
        self._applications = Applications(device, self._centrals.path_of)
        own = device.public_address or device.random_address
        self._adapter = interfaces.Adapter(own.to_string(False), NAME, self._set_powered)

    @property
    def alias(self) -> str:
        """The adapter's name, which outlives a restart of the daemon."""
        return self._adapter.alias

    @property
    def applications(self) -> int:
        """How many are registered."""
        return len(self.registered())

    def registered(self) -> list[tuple[str, str]]:
        """On which connection each application lives, and its root there."""
        return self._applications.registered()

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
        self._centrals.start(bus)
        self._applications.start(bus)
        self.return_adapter()
        await match(bus, "type='signal',member='NameOwnerChanged'")
        changed = f"type='signal',interface='{_PROPERTIES}',member='PropertiesChanged'"
        await match(bus, f"{changed},arg0='org.bluez.GattCharacteristic1'")
        await bus.request_name("org.bluez")

    async def stop(self) -> None:
        """Go, and drop every connection with it."""
        bus, self._bus = self._bus, None
        if bus is None:
            return
        await self._drop_everything()
        await self._applications.stop()
        bus.disconnect()
        with contextlib.suppress(OSError, EOFError):  # The bus itself may have ended before.
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
        managers = (
            interfaces.GattManager(self._applications.register, self._applications.unregister),
            interfaces.AdvertisingManager(
                MAX_ADVERTISEMENTS, self._advertise, self._be_silent, self._advertisements.__len__
            ),
        )
        for interface in (self._adapter, *managers):
            self._bus.export(self.path, interface)

    async def power_off(self) -> None:
        """As `bluetoothctl power off`: everybody is sent away, advertisements are released."""
        self._set_powered(False)
        await self.release_advertisements()
        await self._centrals.send_away()

    async def release_advertisements(self) -> None:
        """Give up what was registered, as the daemon does when the kernel drops it."""
        assert self._bus is not None
        for key in self._advertisements.keys():
            owner, _, path = key.partition(" ")
            self._advertisements.remove(key)
            with contextlib.suppress(DBusError):
                await ask(self._bus, owner, path, _ADVERTISEMENT, "Release")

    def _set_powered(self, powered: bool) -> None:
        if powered != self._adapter.powered:
            self._adapter.powered = powered
            self._adapter.emit_properties_changed({"Powered": powered})

    async def _drop_everything(self) -> None:
        self._applications.clear()
        await self._advertisements.close()
        await self._centrals.stop()

    async def _advertise(self, path: str) -> None:
        owner = sender.get()
        key = f"{owner} {path}"
        if key in self._advertisements:
            raise DBusError("org.bluez.Error.AlreadyExists", "Already Exists")
        if len(self._advertisements) >= MAX_ADVERTISEMENTS:
            raise DBusError("org.bluez.Error.NotPermitted", "Maximum advertisements reached")
        if not self._adapter.powered:
            raise DBusError("org.bluez.Error.Failed", "Failed")
        assert self._bus is not None
        properties: dict[str, Any]
        try:
            (properties,) = await ask(
                self._bus, owner, path, _PROPERTIES, "GetAll", "s", _ADVERTISEMENT
            )
            sent = compose({name: value.value for name, value in properties.items()})
        except DBusError as error:
            raise DBusError("org.bluez.Error.Failed", "Failed to parse advertisement.") from error
        except TooLong as error:
            raise DBusError("org.bluez.Error.InvalidLength", str(error)) from error
        self._advertisements.add(key, sent)

    async def _be_silent(self, path: str) -> None:
        try:
            self._advertisements.remove(f"{sender.get()} {path}")
        except KeyError:
            raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist") from None

    def _hear(self, message: Message) -> None:
        if message.message_type is MessageType.METHOD_CALL:
            sender.set(message.sender or "")
        elif message.member == "NameOwnerChanged" and not message.body[2]:
            self._forget(message.body[0])
        elif message.member == "PropertiesChanged" and "Value" in message.body[1]:
            self._applications.hear_value(message)

    def _forget(self, owner: str) -> None:
        """A connection has ended, and with it what it registered."""
        self._applications.forget(owner)
        for key in self._advertisements.keys(lambda key: key.startswith(f"{owner} ")):
            self._advertisements.remove(key)
