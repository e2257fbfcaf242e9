"""Route B as a stage: a peripheral under test, a fake bluetoothd, phones on a virtual radio."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from bumble import att

from bluetooth.gatt import Advertisement
from bluetooth.ports import Peripheral
from bluetooth_unit_test.contracts.peripheral import AttRefused
from virtual_radio.bluez_bus.bus_room import BusRoom
from virtual_radio.central import NotFound
from virtual_radio.gatt import Disconnected, GattError
from virtual_radio.session import Notifications, Session

HEAR_TIMEOUT_S = 2.0
"""Adverts come every 20 ms, two in turn every 100 ms; so long without is silence."""


class PhoneOnRadio:
    """`contracts.peripheral.Central` over a session of the virtual radio."""

    def __init__(self, session: Session, client: str) -> None:
        self.client = client
        self.session = session
        self._forwards: list[asyncio.Task[None]] = []

    def services(self) -> Sequence[str]:
        """As Central."""
        return list(self.session.services)

    async def read(self, uuid: str) -> bytes:
        """As Central."""
        try:
            return await self.session.read(uuid)
        except GattError as error:
            raise AttRefused(error.code) from error

    async def read_part(self, uuid: str, offset: int) -> bytes:
        """As Central."""
        handle = self.session.find(uuid).handle
        request: att.ATT_PDU = att.ATT_Read_Request(attribute_handle=handle)
        if offset:
            request = att.ATT_Read_Blob_Request(attribute_handle=handle, value_offset=offset)
        answer = await self.session.ask(self.session.peer.gatt_client.send_request(request))
        if isinstance(answer, att.ATT_Error_Response):
            raise AttRefused(answer.error_code)
        return bytes(answer.part_attribute_value if offset else answer.attribute_value)

    async def write(self, uuid: str, value: bytes) -> None:
        """As Central."""
        try:
            await self.session.write(uuid, value)
        except GattError as error:
            raise AttRefused(error.code) from error

    async def subscribe(self, uuid: str) -> "asyncio.Queue[bytes]":
        """As Central."""
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        notifications = await self.session.subscribe(uuid)
        self._forwards.append(asyncio.create_task(self._forward(notifications, queue)))
        return queue

    async def _forward(self, source: Notifications, target: "asyncio.Queue[bytes]") -> None:
        while True:
            target.put_nowait(await source.next())

    async def leave(self) -> None:
        """As Central."""
        for task in self._forwards:
            task.cancel()
        await asyncio.gather(*self._forwards, return_exceptions=True)
        with suppress(Disconnected):
            await self.session.disconnect()

    async def wait_sent_away(self) -> None:
        """As Central."""
        await self.session.wait_disconnected()


class BluezStage:
    """`contracts.peripheral.Stage` on a fake bluetoothd."""

    def __init__(self, peripheral: Peripheral, room: BusRoom) -> None:
        self.peripheral = peripheral
        self.room = room
        self.radio = room.radio
        self.daemon = room.daemon
        self._phones: list[PhoneOnRadio] = []

    async def visit(self, mtu: int = 23) -> PhoneOnRadio:
        """As Stage."""
        central = await self.radio.central()
        session = await central.connect(self.room.box, mtu=mtu if mtu > 23 else None)
        client = f"{self.daemon.path}/dev_{central.address.replace(':', '_')}"
        self._phones.append(PhoneOnRadio(session, client))
        return self._phones[-1]

    async def hear(self, service_uuid: str) -> Advertisement | None:
        """As Stage."""
        central = await self.radio.central()
        try:
            seen = await central.find(service=service_uuid, timeout_s=HEAR_TIMEOUT_S)
        except NotFound:
            return None
        if seen.name is None:  # The scan response comes after the advertisement.
            for each in await central.scan(HEAR_TIMEOUT_S):
                if service_uuid in each.service_uuids:
                    seen = each
        return Advertisement(seen.service_uuids, seen.name or "", seen.service_data)

    async def lose(self) -> None:
        """As Stage."""
        await self.daemon.stop()

    async def restore(self) -> None:
        """As Stage."""
        await self.daemon.start()

    async def close(self) -> None:
        """Everybody goes home."""
        for phone in self._phones:
            await phone.leave()
        await self.peripheral.close()
        await self.room.close()
        await self.radio.close()
