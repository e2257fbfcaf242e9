"""The centrals that are connected, as bluetoothd shows them: an object Device1 each."""

import asyncio
import contextlib
from collections.abc import Callable

from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device
from dbus_fast.aio import MessageBus

from virtual_radio.bluez_bus import interfaces

DISCONNECT_TIMEOUT_S = 2.0
"""For a central to be gone; out of range it is gone after its supervision timeout."""


class Centrals:
    """Those of one host; `changed` is called when one has connected."""

    def __init__(self, device: Device, adapter_path: str, changed: Callable[[], None]) -> None:
        self._device = device
        self._adapter_path = adapter_path
        self._changed = changed
        self._bus: MessageBus | None = None
        self._shown: dict[str, interfaces.Device] = {}
        device.on("connection", self._on_connection)

    def start(self, bus: MessageBus) -> None:
        """Show them there."""
        self._bus = bus

    async def stop(self) -> None:
        """Send everybody away, and show nobody."""
        await self.send_away()
        for path in self._shown:
            if self._bus is not None:
                self._bus.unexport(path)
        self._shown.clear()

    async def send_away(self) -> None:
        """End every connection."""
        for connection in list(self._device.connections.values()):
            await _disconnect(connection)

    def path_of(self, connection: Connection) -> str:
        """The object that stands for a central."""
        address = connection.peer_address.to_string(False).replace(":", "_")
        return f"{self._adapter_path}/dev_{address}"

    def _on_connection(self, connection: Connection) -> None:
        if self._bus is None:
            return

        async def disconnect() -> None:
            await _disconnect(connection)

        path = self.path_of(connection)
        if path in self._shown:
            self._bus.unexport(path)
        address = connection.peer_address.to_string(False)
        self._shown[path] = interfaces.Device(address, disconnect)
        self._bus.export(path, self._shown[path])
        connection.on("disconnection", lambda reason: self._on_disconnection(path))
        self._changed()

    def _on_disconnection(self, path: str) -> None:
        shown = self._shown.get(path)
        if shown is not None:
            shown.set_connected(False)


async def _disconnect(connection: Connection) -> None:
    with contextlib.suppress(BaseBumbleError, TimeoutError):
        async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
            await connection.disconnect(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)
