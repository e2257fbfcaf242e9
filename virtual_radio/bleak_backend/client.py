"""bleak's client on a central of the radio."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakDeviceNotFoundError, BleakError
from bumble import core, hci

from virtual_radio.bleak_backend import errors
from virtual_radio.bleak_backend.table import service_collection
from virtual_radio.central import Central, ConnectFailed, NotFound
from virtual_radio.gatt import Disconnected, GattError
from virtual_radio.seen import Seen
from virtual_radio.session import SUBSCRIBABLE, WRITE_HEAD_BYTES, Session

logger = logging.getLogger(__name__)

MTU = 517
"""What BlueZ asks for."""

T = TypeVar("T")


class RadioClient(BaseBleakClient):
    """Made by `install`, which gives each radio a class of its own."""

    central: ClassVar[Central]
    mtu: ClassVar[int] = MTU
    """What it asks for."""

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        services: set[str] | None = None,
        *,
        disconnected_callback: Callable[[], None] | None = None,
        timeout: float = 30.0,
        **_: Any,
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout
        )
        self._seen: Seen | None = None
        if isinstance(address_or_ble_device, BLEDevice):
            self._seen = address_or_ble_device.details
        self._wanted = services
        self._session: Session | None = None
        self._callbacks: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """What it calls itself; its address with dashes where it does not say."""
        if self._seen is None:
            raise errors.not_connected()
        return self._seen.name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """What both agreed on. BlueZ says 23 until it is asked in its own way."""
        return self._session.mtu if self._session else 23

    @property
    def is_connected(self) -> bool:
        """Whether a connection lives and its services are known."""
        return self._session is not None and self._session.connected

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Raises BleakDeviceNotFoundError, BleakDBusError, TimeoutError."""
        if self.is_connected:
            raise BleakError("Client is already connected")
        if pair:
            logger.warning("the radio does not pair")
        timeout_s = kwargs.get("timeout", self._timeout)
        if self._seen is None:
            self._seen = await self._discover(timeout_s)
        async with asyncio.timeout(timeout_s):
            session = await self._connected(self._seen)
            try:
                await session.discover()
            except (Disconnected, GattError, TimeoutError) as failed:
                await session.disconnect()
                text = "failed to discover services, device disconnected"
                raise BleakError(text) from failed
            except asyncio.CancelledError:
                await session.disconnect()
                raise
        self._session = session
        self.services = service_collection(session, self._wanted)
        session.when_gone(self._on_gone)

    async def disconnect(self) -> None:
        """End the connection; the callback is called, as on BlueZ."""
        if self._session is not None:
            await self._session.disconnect()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """Raises BleakDBusError: pairing is not modelled."""
        raise BleakDBusError(errors.NOT_SUPPORTED, ["the virtual radio does not pair"])

    async def unpair(self) -> None:
        """Nothing is ever paired."""

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """The whole value."""
        return bytearray(await self._ask(lambda: characteristic.obj.read_value()))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """The whole value."""
        return bytearray(await self._ask(lambda: descriptor.obj.read_value()))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: Any, response: bool
    ) -> None:
        """In pieces where it does not fit into one write and a response is wanted."""
        await self._write(characteristic.obj, bytes(data), response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: Any) -> None:
        """With response."""
        await self._write(descriptor.obj, bytes(data), True)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        """Notifications where there are both, else indications."""
        if not characteristic.obj.properties & SUBSCRIBABLE:
            raise BleakDBusError(errors.NOT_SUPPORTED, ["Operation is not supported"])

        def brought(value: bytes) -> None:
            callback(bytearray(value))

        await self._ask(lambda: characteristic.obj.subscribe(brought))
        self._callbacks[characteristic.handle] = brought

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Want no more."""
        brought = self._callbacks.pop(characteristic.handle, None)
        if brought is not None:
            await self._ask(lambda: characteristic.obj.unsubscribe(brought))

    async def _discover(self, timeout_s: float) -> Seen:
        try:
            return await self.central.find(address=self.address.upper(), timeout_s=timeout_s)
        except NotFound as nobody:
            text = f"Device with address {self.address} was not found."
            raise BleakDeviceNotFoundError(self.address, text) from nobody

    async def _connected(self, seen: Seen) -> Session:
        """Again after a connection that failed to be established: so does bleak on BlueZ."""
        while True:
            try:
                return await self.central.connect(
                    seen, mtu=self.mtu, timeout_s=None, discover=False
                )
            except ConnectFailed as failed:
                if failed.status != hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR:
                    raise errors.connect_failed(failed.status) from failed

    def _on_gone(self) -> None:
        self._session = None
        self.services = None
        self._callbacks.clear()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _write(self, target: Any, data: bytes, response: bool) -> None:
        if not response and len(data) > self.mtu_size - WRITE_HEAD_BYTES:
            raise BleakDBusError(errors.FAILED, ["Failed to initiate write"])
        await self._ask(lambda: target.write_value(data, with_response=response))

    async def _ask(self, work: Callable[[], Awaitable[T]]) -> T:
        if self._session is None:
            raise errors.not_connected()
        try:
            return await self._session.ask(work())
        except GattError as refused:
            raise errors.gatt_refused(refused.code) from refused
        except Disconnected as lost:
            raise errors.gone() from lost
        except core.BaseBumbleError as failed:
            raise BleakDBusError(errors.NOT_SUPPORTED, [str(failed)]) from failed
