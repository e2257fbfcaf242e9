"""`link.Radio` and `link.Link` on bleak: BlueZ, Core Bluetooth and Windows alike.

The only file here that knows bleak. Its errors become ours, in words that say what to do; a
connection is tried CONNECT_TRIES times: on BlueZ the reply to Connect may be handled before the
signal that the device is connected, and bleak then says that it has disconnected (bleak issue
1489 has that message).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TypeVar

from bleak import BleakClient, BleakScanner
from bleak.args.bluez import BlueZClientArgs, BlueZScannerArgs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from bluetooth import clock
from bluetooth.client.errors import (
    BoxNotFound,
    ClientError,
    LinkLost,
    NoAnswer,
    NoBluetooth,
    NotLetIn,
    TooSlow,
    att_refused,
)
from bluetooth.client.finding import NONE_FOUND
from bluetooth.client.link import Heard, Sighting
from bluetooth.gatt import IMPROV_COMMAND_UUID, REQUEST_UUID, SESSION_UUID
from bluetooth.ports import Wait

log = logging.getLogger(__name__)

CONNECT_TRIES = 5
"""One in four fails on BlueZ by the race above, on a good link; five in a row fail once in 1000."""

RETRY_PAUSE_S = 0.3
"""Before the second try, and so much longer before each further one: BlueZ must have seen the end
of the last one."""

CONNECT_TIMEOUT_S = 20.0
"""One try: a connection takes a second, reading the table of a slow link five."""

OPERATION_TIMEOUT_S = 30.0
"""One read or write: the attribute protocol gives up then (Core 5.3, Vol 3, Part F, 3.3.3)."""

CLOSE_TIMEOUT_S = 5.0
"""For a disconnection; the system ends the connection with the program all the same."""

MIN_WRITE_BYTES = 20
"""What every connection carries (MTU 23)."""

MAX_WRITE_BYTES = 508
"""BlueZ 5.66 counts the head of a request when it compares a write with the longest value, 512
bytes (src/shared/gatt-server.c, check_length)."""

_WRITABLE = (SESSION_UUID, REQUEST_UUID, IMPROV_COMMAND_UUID)
_GONE = (
    "the box ended the connection: its door may have closed, or another phone is there. Press the"
    " button at the box and try again"
)
_NO_BUS = (
    "there is no system message bus: start D-Bus and BlueZ (systemctl start dbus bluetooth); in a"
    " container, mount /run/dbus/system_bus_socket"
)

_Reason = BleakBluetoothNotAvailableReason
_UNAVAILABLE = {
    _Reason.NO_BLUETOOTH: "this computer has no Bluetooth adapter: plug one in",
    _Reason.NO_BLE_CENTRAL_ROLE: "this computer's Bluetooth adapter cannot do Bluetooth LE",
    _Reason.POWERED_OFF: "Bluetooth is off: turn it on (on Linux: bluetoothctl power on)",
    _Reason.DENIED_BY_USER: "this program may not use Bluetooth: allow it in the system's settings",
    _Reason.DENIED_BY_SYSTEM: "the system's rules do not let this program use Bluetooth",
    _Reason.DENIED_BY_UNKNOWN: "this program may not use Bluetooth: see the system's settings",
    _Reason.UNKNOWN: "Bluetooth is not available; the system does not say why",
}
_DBUS = {
    "org.freedesktop.DBus.Error.AccessDenied": (
        "your user may not use Bluetooth: add it to the group bluetooth, log in anew, try again"
    ),
    "org.freedesktop.DBus.Error.ServiceUnknown": (
        "bluetoothd does not run: systemctl start bluetooth"
    ),
    "org.bluez.Error.NotReady": "the Bluetooth adapter is off: bluetoothctl power on",
}
"""BlueZ's errors that are about this computer."""

T = TypeVar("T")


class BleakRadio:
    """`link.Radio`. The backends are for tests: bleak chooses the system's own."""

    def __init__(
        self,
        adapter: str = "",
        wait: Wait = clock.wait,
        client_backend: type[BaseBleakClient] | None = None,
        scanner_backend: type[BaseBleakScanner] | None = None,
    ) -> None:
        """`adapter` as in hci0, on Linux; "" is the first one that is on."""
        self._adapter = adapter
        self._wait = wait
        self._client_backend = client_backend
        self._scanner_backend = scanner_backend

    @asynccontextmanager
    async def listening(self, heard: Heard) -> AsyncIterator[None]:
        """See the port."""

        def detected(device: BLEDevice, data: AdvertisementData) -> None:
            heard(_sighting(device, data))

        options = BlueZScannerArgs(adapter=self._adapter) if self._adapter else BlueZScannerArgs()
        scanner = BleakScanner(detected, bluez=options, backend=self._scanner_backend)
        with _in_our_words(self._adapter):
            async with asyncio.timeout(OPERATION_TIMEOUT_S):
                await scanner.start()
        try:
            yield
        finally:
            with suppress(BleakError, OSError, EOFError, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await scanner.stop()

    async def connect(self, sighting: Sighting) -> "BleakLink":
        """See the port."""
        assert isinstance(sighting.handle, BLEDevice)
        failed: ClientError | None = None
        for number in range(CONNECT_TRIES):
            if failed is not None:
                log.info("connecting failed, once more", extra={"why": failed, "tries": number})
                await self._wait(RETRY_PAUSE_S * number)
            try:
                return await self._connect(sighting.handle)
            except (LinkLost, TooSlow, NoAnswer) as error:
                failed = error
        raise LinkLost(
            f"the box was heard, but {CONNECT_TRIES} connections failed: go nearer, and see that no"
            f" other phone is connected to it ({failed})"
        ) from failed

    async def _connect(self, device: BLEDevice) -> "BleakLink":
        gone = asyncio.Event()
        options = BlueZClientArgs(adapter=self._adapter) if self._adapter else BlueZClientArgs()
        client = BleakClient(
            device,
            lambda _: gone.set(),
            timeout=CONNECT_TIMEOUT_S,
            bluez=options,
            backend=self._client_backend,
        )
        with _in_our_words(self._adapter):
            async with asyncio.timeout(2 * CONNECT_TIMEOUT_S):
                await client.connect()
        return BleakLink(client, gone)


class BleakLink:
    """`link.Link`. `gone` is set when the connection has ended."""

    def __init__(self, client: BleakClient, gone: asyncio.Event) -> None:
        self._client = client
        self._gone = gone
        self._is_ours = False

    @property
    def write_bytes(self) -> int:
        """See the port. On BlueZ before 5.62 nobody says it, and the least is taken."""
        sizes = [
            found.max_write_without_response_size
            for uuid in _WRITABLE
            if (found := self._client.services.get_characteristic(uuid)) is not None
        ]
        return min(max([MIN_WRITE_BYTES, *sizes]), MAX_WRITE_BYTES)

    @property
    def service_uuids(self) -> frozenset[str]:
        """See the port."""
        return frozenset(each.uuid.lower() for each in self._client.services)

    async def read(self, uuid: str) -> bytes:
        """See the port."""
        found = self._find(uuid)
        return bytes(await self._bounded(lambda: self._client.read_gatt_char(found)))

    async def write(self, uuid: str, value: bytes) -> None:
        """See the port."""
        found = self._find(uuid)
        await self._bounded(lambda: self._client.write_gatt_char(found, value, response=True))

    async def subscribe(self, uuid: str, heard: Callable[[bytes], None]) -> None:
        """See the port."""
        found = self._find(uuid)

        def brought(_: BleakGATTCharacteristic, value: bytearray) -> None:
            heard(bytes(value))

        await self._bounded(lambda: self._client.start_notify(found, brought))

    async def wait_gone(self) -> None:
        """See the port."""
        await self._gone.wait()

    async def close(self) -> None:
        """See the port."""
        with suppress(BleakError, OSError, EOFError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._client.disconnect()
        self._gone.set()

    def _find(self, uuid: str) -> BleakGATTCharacteristic:
        if self._gone.is_set():
            raise LinkLost(_GONE)
        found = self._client.services.get_characteristic(uuid)
        if found is None:
            raise NoAnswer(f"this box has no characteristic {uuid}: it is none of ours")
        return found

    async def _bounded(self, work: Callable[[], Awaitable[T]]) -> T:
        """`work` within OPERATION_TIMEOUT_S, and not beyond the end of the connection."""
        with _in_our_words():
            asked = asyncio.ensure_future(work())
            ended = asyncio.ensure_future(self._gone.wait())
            try:
                await asyncio.wait(
                    {asked, ended},
                    timeout=OPERATION_TIMEOUT_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not asked.done():
                    raise LinkLost(_GONE) if self._gone.is_set() else TimeoutError
                return asked.result()
            finally:
                for each in (asked, ended):
                    each.cancel()
                await asyncio.gather(asked, ended, return_exceptions=True)


def _sighting(device: BLEDevice, data: AdvertisementData) -> Sighting:
    return Sighting(
        device.address,
        data.local_name or "",
        data.rssi,
        frozenset(uuid.lower() for uuid in data.service_uuids),
        {uuid.lower(): bytes(value) for uuid, value in data.service_data.items()},
        device,
    )


@contextmanager
def _in_our_words(adapter: str = "") -> Iterator[None]:
    """bleak's errors become ours."""
    try:
        yield
    except ClientError:
        raise
    except TimeoutError as error:
        raise TooSlow("the box did not answer in time: go nearer, and try again") from error
    except (BleakError, OSError, EOFError) as error:
        raise translated(error, adapter) from error


def translated(error: Exception, adapter: str = "") -> ClientError:
    """Our error for one of bleak's, or of the message bus beneath it."""
    if isinstance(error, BleakGATTProtocolError):
        return att_refused(int(error.code))
    if isinstance(error, BleakBluetoothNotAvailableError):
        return NoBluetooth(_UNAVAILABLE.get(error.reason, str(error)))
    if isinstance(error, BleakDeviceNotFoundError):
        return BoxNotFound(NONE_FOUND)
    if isinstance(error, BleakDBusError):
        return _dbus_trouble(error, adapter)
    if not isinstance(error, BleakError):
        return NoBluetooth(f"{_NO_BUS} ({error})")
    if adapter and "adapter" in str(error).lower():
        return NoBluetooth(f"there is no Bluetooth adapter {adapter}: see bluetoothctl list")
    return LinkLost(f"the connection is lost: {error}")


def _dbus_trouble(error: BleakDBusError, adapter: str) -> ClientError:
    if error.dbus_error in _DBUS:
        return NoBluetooth(_DBUS[error.dbus_error])
    if adapter and error.dbus_error == "org.freedesktop.DBus.Error.UnknownObject":
        return NoBluetooth(f"there is no Bluetooth adapter {adapter}: see bluetoothctl list")
    if error.dbus_error == "org.bluez.Error.NotPermitted":
        return NotLetIn("the box asks this computer to be paired with it, which no Egret does")
    return LinkLost(f"the connection is lost: {error}")
