"""BlueZ's D-Bus interfaces as a peripheral sees them; what they do is done by who owns them.

Names and signatures: BlueZ 5.66, doc/adapter-api.txt, device-api.txt, gatt-api.txt,
advertising-api.txt. D-Bus names are not Python's, hence the capitals.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from dbus_fast.annotations import (
    DBusBool,
    DBusByte,
    DBusDict,
    DBusObjectPath,
    DBusSignature,
    DBusStr,
)
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

Strings = Annotated[list[str], DBusSignature("as")]
READ = PropertyAccess.READ

Register = Callable[[str], Awaitable[None]]
"""Takes an object path of the caller. Raises DBusError."""


class AgentManager(ServiceInterface):
    """At /org/bluez; at / it is what makes a path of ours visible at all."""

    def __init__(self) -> None:
        super().__init__("org.bluez.AgentManager1")

    @dbus_method()
    def RegisterAgent(self, agent: DBusObjectPath, capability: DBusStr) -> None:  # noqa: N802
        """Takes any agent, and never asks it."""


class Adapter(ServiceInterface):
    """org.bluez.Adapter1."""

    def __init__(self, address: str, alias: str, power: Callable[[bool], None]) -> None:
        super().__init__("org.bluez.Adapter1")
        self.address = address
        self.alias = alias
        self._name = alias  # The machine's own; an empty alias gives it back.
        self.powered = True
        self._power = power

    @dbus_property(access=READ)
    def Address(self) -> DBusStr:  # noqa: N802
        """AA:BB:CC:DD:EE:FF."""
        return self.address

    @dbus_property()
    def Alias(self) -> DBusStr:  # noqa: N802
        """The name that the whole machine goes by."""
        return self.alias

    @Alias.setter  # type: ignore[no-redef]
    def Alias(self, value: DBusStr) -> None:  # noqa: N802
        self.alias = value or self._name
        self.emit_properties_changed({"Alias": self.alias})

    @dbus_property()
    def Powered(self) -> DBusBool:  # noqa: N802
        """Whether the radio is on."""
        return self.powered

    @Powered.setter  # type: ignore[no-redef]
    def Powered(self, value: DBusBool) -> None:  # noqa: N802
        self._power(value)


class Device(ServiceInterface):
    """org.bluez.Device1: a central, connected or not."""

    def __init__(self, address: str, disconnect: Callable[[], Awaitable[None]]) -> None:
        super().__init__("org.bluez.Device1")
        self.address = address
        self.connected = True
        self._disconnect = disconnect

    @dbus_method()
    async def Disconnect(self) -> None:  # noqa: N802
        """Send it away."""
        await self._disconnect()

    @dbus_property(access=READ)
    def Address(self) -> DBusStr:  # noqa: N802
        """AA:BB:CC:DD:EE:FF."""
        return self.address

    @dbus_property(access=READ)
    def Connected(self) -> DBusBool:  # noqa: N802
        """Whether it is."""
        return self.connected

    def set_connected(self, connected: bool) -> None:
        """Say so on the bus."""
        self.connected = connected
        self.emit_properties_changed({"Connected": connected})


class GattManager(ServiceInterface):
    """org.bluez.GattManager1."""

    def __init__(self, register: Register, unregister: Register) -> None:
        super().__init__("org.bluez.GattManager1")
        self._register = register
        self._unregister = unregister

    @dbus_method()
    async def RegisterApplication(  # noqa: N802
        self, application: DBusObjectPath, options: DBusDict
    ) -> None:
        """Serve what lies below that path on the caller's connection."""
        await self._register(application)

    @dbus_method()
    async def UnregisterApplication(self, application: DBusObjectPath) -> None:  # noqa: N802
        """No longer."""
        await self._unregister(application)


class AdvertisingManager(ServiceInterface):
    """org.bluez.LEAdvertisingManager1."""

    def __init__(
        self, instances: int, register: Register, unregister: Register, active: Callable[[], int]
    ) -> None:
        super().__init__("org.bluez.LEAdvertisingManager1")
        self._instances = instances
        self._register = register
        self._unregister = unregister
        self._active = active

    @dbus_method()
    async def RegisterAdvertisement(  # noqa: N802
        self, advertisement: DBusObjectPath, options: DBusDict
    ) -> None:
        """Send it from now on."""
        await self._register(advertisement)

    @dbus_method()
    async def UnregisterAdvertisement(self, service: DBusObjectPath) -> None:  # noqa: N802
        """No longer."""
        await self._unregister(service)

    @dbus_property(access=READ)
    def ActiveInstances(self) -> DBusByte:  # noqa: N802
        """How many are being sent."""
        return self._active()

    @dbus_property(access=READ)
    def SupportedInstances(self) -> DBusByte:  # noqa: N802
        """How many more may be."""
        return self._instances - self._active()

    @dbus_property(access=READ)
    def SupportedIncludes(self) -> Strings:  # noqa: N802
        """What else the daemon puts in by itself."""
        return ["tx-power", "appearance", "local-name"]
