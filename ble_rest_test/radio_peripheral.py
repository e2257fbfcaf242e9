"""The service's Peripheral port on a virtual radio: no bluetoothd, no message bus, no package.

What a central sees is the attribute server of route B, which reads as bluetoothd does; there the
offset of a long read comes through, so that the service's own snapshots are under test here too.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from bumble import att, core
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, Descriptor
from bumble.gatt import Service as HostService

from bluetooth.errors import AdapterMissing, PeripheralLost, Refused
from bluetooth.gatt import Advertisement, Property, Service
from bluetooth.ports import Values
from bluetooth.served_values import ServedValues
from virtual_radio.bluez_bus.advertisements import Advertisements, compose
from virtual_radio.bluez_bus.attributes import BluezServer, Remote
from virtual_radio.peripheral import Peripheral as Host

MAX_NOTIFICATIONS = 256
"""Not yet sent; then the oldest are dropped, as the service's own peripherals do."""

_PROPERTIES = {
    Property.READ: Characteristic.Properties.READ,
    Property.WRITE: Characteristic.Properties.WRITE,
    Property.WRITE_WITHOUT_RESPONSE: Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    Property.NOTIFY: Characteristic.Properties.NOTIFY,
    Property.INDICATE: Characteristic.Properties.INDICATE,
}
_WRITES = frozenset((Property.WRITE, Property.WRITE_WITHOUT_RESPONSE))
_USER_DESCRIPTION = core.UUID.from_16_bits(0x2901)


class RadioPeripheral:
    """`ports.Peripheral` on one host of a radio. A client is named by its address."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._server = BluezServer(host.device)
        self._characteristics: dict[str, Characteristic[bytes]] = {}
        self._served: ServedValues | None = None
        self._advertisements = Advertisements(host.device)
        self._sending: asyncio.Task[None] | None = None
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MAX_NOTIFICATIONS)
        self._lost = asyncio.Event()
        self.is_missing = False
        """Whether the adapter is pulled out."""
        host.device.on(Device.EVENT_CONNECTION, self._connected)

    async def open(self, services: Sequence[Service], values: Values) -> None:
        """See the port."""
        if self.is_missing:
            raise AdapterMissing("the adapter is pulled out")
        if self._served is not None:
            self._served.values = values
            return
        self._lost.clear()
        self._served = ServedValues(values)
        self._server.serve([self._host_service(each) for each in services])
        self._sending = asyncio.create_task(self._send())

    async def advertise(self, advertisements: Sequence[Advertisement]) -> None:
        """See the port."""
        if self._served is None:
            raise PeripheralLost("not open")
        for key in self._advertisements.keys():
            self._advertisements.remove(key)
        for number, each in enumerate(advertisements):
            sent = compose(
                {
                    "ServiceUUIDs": each.service_uuids,
                    "ServiceData": each.service_data,
                    "LocalName": each.name,
                }
            )
            self._advertisements.add(str(number), sent)
        self._advertisements.refresh()

    def notify(self, uuid: str, value: bytes) -> None:
        """See the port."""
        if self._served is None or uuid not in self._characteristics:
            return
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait((uuid, bytes(value)))

    async def wait_lost(self) -> None:
        """See the port."""
        if self._served is not None:
            await self._lost.wait()

    async def disconnect(self, client: str) -> None:
        """See the port."""
        for connection in list(self._host.device.connections.values()):
            if _client(connection) == client:
                await connection.disconnect()

    async def close(self) -> None:
        """See the port."""
        await self.lose()

    async def lose(self) -> None:
        """The adapter goes, and everybody with it."""
        served, self._served = self._served, None
        self._lost.set()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
            self._sending = None
        await self._advertisements.close()
        if served is not None:
            await self._host.disconnect()
            served.all_left()
            self._server.serve([])
            self._characteristics.clear()

    async def _send(self) -> None:
        while True:
            uuid, value = await self._waiting.get()
            await self._server.notify_subscribers(self._characteristics[uuid], value)

    def _connected(self, connection: Connection) -> None:
        connection.on(connection.EVENT_DISCONNECTION, lambda _: self._left(_client(connection)))
        self._advertisements.refresh()

    def _left(self, client: str) -> None:
        if self._served is not None:
            self._served.left(client)
            self._advertisements.refresh()

    def _host_service(self, service: Service) -> tuple[HostService, dict[Any, Remote]]:
        remotes: dict[Any, Remote] = {}
        made = []
        for each in service.characteristics:
            properties = Characteristic.Properties(0)
            for one in each.properties:
                properties |= _PROPERTIES[one]
            permissions = att.Attribute.Permissions(0)
            if Property.READ in each.properties:
                permissions |= att.Attribute.READABLE
            if _WRITES & each.properties:
                permissions |= att.Attribute.WRITEABLE
            remote = self._remote(each.uuid)
            described = Descriptor(_USER_DESCRIPTION, att.Attribute.READABLE, each.name.encode())
            characteristic: Characteristic[bytes] = Characteristic(
                core.UUID(each.uuid), properties, permissions, _value(remote), [described]
            )
            remotes[characteristic] = remote
            self._characteristics[each.uuid] = characteristic
            made.append(characteristic)
        return HostService(core.UUID(service.uuid), made), remotes

    def _remote(self, uuid: str) -> Remote:
        async def read_at(connection: Connection, offset: int) -> bytes:
            return self._answered(lambda served: served.read(_client(connection), uuid, offset))

        async def write_as(connection: Connection, value: bytes, how: str) -> None:
            self._answered(lambda served: served.write(_client(connection), uuid, value) or b"")

        return Remote(read_at, write_as)

    def _answered(self, work: Any) -> bytes:
        if self._served is None:
            raise att.ATT_Error(att.ATT_UNLIKELY_ERROR_ERROR)
        try:
            return bytes(work(self._served))
        except Refused as refused:
            raise att.ATT_Error(refused.code) from refused


def _value(remote: Remote) -> att.AttributeValue[bytes]:
    """For what the host asks by itself."""

    async def read(connection: Connection) -> bytes:
        return await remote.read_at(connection, 0)

    async def write(connection: Connection, value: bytes) -> None:
        await remote.write_as(connection, value, "request")

    return att.AttributeValue(read=read, write=write)


def _client(connection: Connection) -> str:
    return str(connection.peer_address).removesuffix("/P")
