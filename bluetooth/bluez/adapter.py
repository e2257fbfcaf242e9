"""One adapter of bluetoothd: waits for it, powers it, and notices who and what goes away.

Its name (Alias) is the owner's: it is neither read nor set here. No pairing agent is registered and
no setting of the adapter but its power is touched; what we serve needs no bond, its privacy is the
session's. Source: BlueZ 5.66, doc/adapter-api.txt, device-api.txt.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from dbus_fast import Variant

from bluetooth.bluez import words
from bluetooth.bluez.bus import Bus, DbusRefused, Heard, add_match
from bluetooth.errors import AdapterMissing, BluetoothError, PeripheralLost

log = logging.getLogger(__name__)

READY_TIMEOUT_S = 10.0
"""How long `wait_ready` waits for bluetoothd and the adapter: a restart of bluetoothd, or the
start of the box, fits. Whoever wants to wait longer asks again, and can say so meanwhile."""

LOOK_AGAIN_S = 1.0
"""How often it looks while it waits, should the signal that something changed have been missed."""

FORGET_TIMEOUT_S = 2.0
"""For a courtesy that must not hold up anybody: sending a central away."""


class BluezAdapter:
    """`name` as in `hci0`; "" is the first that can serve. `left` hears of departing centrals."""

    def __init__(self, bus: Bus, name: str, left: Callable[[str], None]) -> None:
        self.path = ""
        self.owner = ""
        self.lost = asyncio.Event()
        self._bus = bus
        self._name = name
        self._left = left
        self._changed = asyncio.Event()

    async def wait_ready(self, timeout_s: float | None = None) -> None:
        """Return once bluetoothd runs and the adapter has power. Raises AdapterMissing; without
        a timeout after READY_TIMEOUT_S."""
        missing = "bluetoothd was not asked"
        try:
            await self._subscribe()
            async with asyncio.timeout(READY_TIMEOUT_S if timeout_s is None else timeout_s):
                while missing := await self._look():
                    await self._wait_changed()
        except TimeoutError:
            raise AdapterMissing(missing) from None
        except (PeripheralLost, DbusRefused) as error:
            raise AdapterMissing(f"{missing}; {error}") from error
        self.lost.clear()

    async def disconnect(self, client: str) -> None:
        """Send a central away. Never raises."""
        if not client.startswith(f"{self.path}/"):
            return
        with contextlib.suppress(BluetoothError, TimeoutError):
            async with asyncio.timeout(FORGET_TIMEOUT_S):
                await self._bus.call(words.BLUEZ, client, words.DEVICE, "Disconnect")

    def hear(self, heard: Heard) -> None:
        """A signal of the bus or of bluetoothd."""
        match heard.member, heard.body:
            case "NameOwnerChanged", (words.BLUEZ, _, str(owner)) if heard.sender == words.DBUS:
                self._changed.set()
                if self.owner and owner != self.owner:
                    self._lose("bluetoothd ended")
            case _ if heard.sender != self.owner:
                self._changed.set()  # While it is looked for: worth another look.
            case "PropertiesChanged", (str(interface), dict(changed), *_):
                self._hear_change(heard.path, interface, changed)
            case "InterfacesRemoved", (str(path), list(interfaces)):
                self._hear_removal(path, interfaces)

    def _hear_change(self, path: str, interface: str, changed: dict[str, Variant]) -> None:
        self._changed.set()
        if interface == words.ADAPTER and path == self.path and _is_false(changed, "Powered"):
            self._lose("the adapter was switched off")
        if interface == words.DEVICE and _is_false(changed, "Connected"):
            self._left(path)

    def _hear_removal(self, path: str, interfaces: list[str]) -> None:
        self._changed.set()
        if path == self.path and {words.ADAPTER, words.GATT_MANAGER} & set(interfaces):
            self._lose("the adapter was removed")
        if words.DEVICE in interfaces:
            self._left(path)

    def _lose(self, why: str) -> None:
        if not self.lost.is_set():
            log.warning("the bluetooth adapter is lost", extra={"why": why})
        self.lost.set()

    async def _subscribe(self) -> None:
        sender = f"type='signal',sender='{words.BLUEZ}'"
        for rule in (
            f"type='signal',sender='{words.DBUS}',member='NameOwnerChanged',arg0='{words.BLUEZ}'",
            f"{sender},interface='{words.OBJECT_MANAGER}'",
            f"{sender},interface='{words.PROPERTIES}',arg0='{words.ADAPTER}'",
            f"{sender},interface='{words.PROPERTIES}',arg0='{words.DEVICE}'",
        ):
            await add_match(self._bus, rule)

    async def _wait_changed(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN_S):
                await self._changed.wait()

    async def _look(self) -> str:
        """What is missing, in words; "" if nothing is."""
        self._changed.clear()
        try:
            # The call itself starts bluetoothd where the bus may start it.
            (objects,) = await self._bus.call(
                words.BLUEZ, "/", words.OBJECT_MANAGER, "GetManagedObjects"
            )
            (self.owner,) = await self._bus.call(
                words.DBUS, words.DBUS_PATH, words.DBUS, "GetNameOwner", "s", (words.BLUEZ,)
            )
        except DbusRefused as refused:
            return f"bluetoothd does not answer ({refused}); see: systemctl status bluetooth"
        able = _able_adapters(objects)
        wanted = [path for path in able if not self._name or path.endswith(f"/{self._name}")]
        if not wanted:
            there = ", ".join(path.rpartition("/")[2] for path in able) or "none"
            return f"no Bluetooth adapter {self._name or 'that can serve'} (there: {there})"
        self.path = wanted[0]
        if objects[self.path][words.ADAPTER]["Powered"].value:
            return ""
        return await self._power_on()

    async def _power_on(self) -> str:
        try:
            await self._bus.call(
                words.BLUEZ,
                self.path,
                words.PROPERTIES,
                "Set",
                "ssv",
                (words.ADAPTER, "Powered", Variant("b", True)),
            )
        except DbusRefused as refused:
            return (
                f"the Bluetooth adapter has no power and takes none ({refused}); "
                "see: rfkill list bluetooth"
            )
        log.info("switched the bluetooth adapter on", extra={"adapter": self.path})
        return ""


def _able_adapters(objects: dict[str, Any]) -> list[str]:
    needed = {words.ADAPTER, words.GATT_MANAGER, words.ADVERTISING_MANAGER}
    return sorted(path for path, interfaces in objects.items() if needed <= set(interfaces))


def _is_false(changed: dict[str, Variant], name: str) -> bool:
    return name in changed and changed[name].value is False
