"""A virtual peripheral: a GATT server that advertises, for tests of centrals."""

import asyncio
import logging
from collections.abc import Iterable, Mapping

from bumble import core, hci
from bumble.core import AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic

from virtual_radio.adverts import MAX_DATA_BYTES
from virtual_radio.controller import RadioController
from virtual_radio.gatt import VirtualService, bumble_services
from virtual_radio.host import hang_up

logger = logging.getLogger(__name__)

FLAGS = b"\x06"
"""General discoverable, no BR/EDR."""
ADVERTISING_INTERVAL_MS = 100.0


def advertising_data(
    service_uuids: Iterable[str] = (),
    service_data: Mapping[str, bytes] | None = None,
    manufacturer_data: Mapping[int, bytes] | None = None,
) -> bytes:
    """The bytes of an advertisement. Raises ValueError when they are more than 31."""
    fields: list[tuple[int, bytes]] = [(AdvertisingData.FLAGS, FLAGS)]
    for uuid in service_uuids:
        short = core.UUID(uuid).to_bytes()
        kind = {
            2: AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
            4: AdvertisingData.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS,
            16: AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
        }[len(short)]
        fields.append((kind, short))
    for uuid, content in (service_data or {}).items():
        short = core.UUID(uuid).to_bytes()
        kind = {
            2: AdvertisingData.SERVICE_DATA_16_BIT_UUID,
            4: AdvertisingData.SERVICE_DATA_32_BIT_UUID,
            16: AdvertisingData.SERVICE_DATA_128_BIT_UUID,
        }[len(short)]
        fields.append((kind, short + content))
    for company, content in (manufacturer_data or {}).items():
        kind = AdvertisingData.MANUFACTURER_SPECIFIC_DATA
        fields.append((kind, company.to_bytes(2, "little") + content))
    return _checked(bytes(AdvertisingData(fields)))


def name_data(name: str) -> bytes:
    """The bytes of a scan response that gives a name. Raises ValueError when too long."""
    return _checked(bytes(AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, name.encode())])))


def _checked(data: bytes) -> bytes:
    if len(data) > MAX_DATA_BYTES:
        raise ValueError(f"{len(data)} bytes do not fit into {MAX_DATA_BYTES}: advertise less")
    return data


class Peripheral:
    """One peripheral. Made by `Radio.peripheral()`; `device` is Bumble's own, for all the rest."""

    def __init__(self, device: Device, controller: RadioController, max_centrals: int) -> None:
        self.device = device
        self.controller = controller
        self._max_centrals = max_centrals
        self._wanted = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._interval_ms = ADVERTISING_INTERVAL_MS
        self._own = hci.OwnAddressType.RANDOM
        self._characteristics: dict[str, Characteristic[bytes]] = {}
        device.on(Device.EVENT_CONNECTION, self._on_connection)

    @property
    def address(self) -> str:
        """Its own, as text: the one that it advertises."""
        return self.bumble_address.to_string(False)

    @property
    def bumble_address(self) -> hci.Address:
        """As a value of Bumble's."""
        public = self._own == hci.OwnAddressType.PUBLIC
        return self.controller.public_address if public else self.device.random_address

    @property
    def centrals(self) -> list[str]:
        """Who is connected."""
        return [each.peer_address.to_string(False) for each in self.device.connections.values()]

    def serve(self, services: Iterable[VirtualService]) -> None:
        """Add services to its GATT table."""
        made, by_uuid = bumble_services(services)
        self._characteristics |= by_uuid
        self.device.add_services(made)

    async def advertise(
        self,
        data: bytes,
        scan_response: bytes = b"",
        interval_ms: float = ADVERTISING_INTERVAL_MS,
        public: bool = False,
    ) -> None:
        """From now on, again after every connection while there is room for another central."""
        self.device.advertising_data = data
        self.device.scan_response_data = scan_response
        self._interval_ms = interval_ms
        self._own = hci.OwnAddressType.PUBLIC if public else hci.OwnAddressType.RANDOM
        self._wanted = True
        await self._start()

    async def stop_advertising(self) -> None:
        """Be silent; connections stay."""
        self._wanted = False
        await self.device.stop_advertising()

    async def notify(self, uuid: str, value: bytes) -> None:
        """To all that subscribed to notifications; cut to MTU - 3."""
        await self.device.notify_subscribers(self._characteristics[uuid], value)

    async def indicate(self, uuid: str, value: bytes) -> None:
        """To all that subscribed to indications; returns when each has confirmed."""
        await self.device.indicate_subscribers(self._characteristics[uuid], value)

    async def disconnect(self) -> None:
        """Send everybody away."""
        for connection in list(self.device.connections.values()):
            await hang_up(connection)

    async def close(self) -> None:
        """Stop what runs in the background. Idempotent."""
        self._wanted = False
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _start(self) -> None:
        if self.device.is_advertising:
            await self.device.stop_advertising()
        await self.device.start_advertising(
            own_address_type=self._own,
            advertising_interval_min=self._interval_ms,
            advertising_interval_max=self._interval_ms,
        )

    def _on_connection(self, connection: Connection) -> None:
        connection.on(connection.EVENT_DISCONNECTION, lambda _reason: self._go_on())
        self._go_on()

    def _go_on(self) -> None:
        room = len(self.device.connections) < self._max_centrals
        if self._wanted and room and not self.device.is_advertising:
            task = asyncio.get_running_loop().create_task(self._start(), name="advertise again")
            self._tasks.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            logger.warning("could not advertise again", extra={"reason": str(task.exception())})
