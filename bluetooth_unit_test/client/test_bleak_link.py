"""bleak behind our ports: the contract over a virtual radio, tries, timeouts, errors in words."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bumble import hci

from bluetooth import clock
from bluetooth.client import finding
from bluetooth.client.bleak_link import (
    CLOSE_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    CONNECT_TRIES,
    MAX_WRITE_BYTES,
    MIN_WRITE_BYTES,
    OPERATION_TIMEOUT_S,
    RETRY_PAUSE_S,
    BleakRadio,
    translated,
)
from bluetooth.client.errors import (
    AttRefused,
    BoxNotFound,
    ClientError,
    LinkLost,
    NoBluetooth,
    NotLetIn,
    TooSlow,
)
from bluetooth.client.finding import Wanted
from bluetooth.client.link import Link, Sighting
from bluetooth.gatt import RESPONSE_UUID, SERVICES, AttError
from bluetooth_unit_test.client.link_contract import LinkContract
from virtual_radio.bleak_backend.client import RadioClient
from virtual_radio.bleak_backend.install import backends
from virtual_radio.central import Central
from virtual_radio.gatt import GattError, VirtualCharacteristic, VirtualService
from virtual_radio.peripheral import Peripheral
from virtual_radio.radio import Radio

NAME = "Egret TEST01"


def table() -> dict[str, VirtualCharacteristic]:
    """The box's characteristics, by UUID."""
    return {
        one.uuid: VirtualCharacteristic(one.uuid, frozenset(map(str, one.properties)))
        for each in SERVICES
        for one in each.characteristics
    }


async def box_in(radio: Radio, values: dict[str, VirtualCharacteristic]) -> Peripheral:
    """A box of ours, as far as its table goes."""
    services = [
        VirtualService(each.uuid, tuple(values[one.uuid] for one in each.characteristics))
        for each in SERVICES
    ]
    return await radio.peripheral(NAME, services)


class RadioStage:
    """A BleakLink over a radio, and a peripheral at its other end."""

    def __init__(self, radio: Radio) -> None:
        self.radio = radio
        self.values = table()
        self.written: list[tuple[str, bytes]] = []
        self.link: Link
        self.box: Peripheral
        for uuid, each in self.values.items():
            each.on_write = lambda _, value, uuid=uuid: self.written.append((uuid, value))

    @classmethod
    async def make(cls) -> "RadioStage":
        """Connected."""
        stage = cls(Radio())
        stage.box = await box_in(stage.radio, stage.values)
        phone = BleakRadio("", clock.wait, *backends(await stage.radio.central(), 185))
        sighting = await finding.find(phone, clock.wait, Wanted(name=NAME))
        stage.link = await phone.connect(sighting)
        return stage

    def hold(self, uuid: str, value: bytes) -> None:
        """See Stage."""
        self.values[uuid].value = value

    def refuse(self, uuid: str, code: AttError) -> None:
        """See Stage."""

        def refused(*_: Any) -> bytes:
            raise GattError(code)

        self.values[uuid].on_read = refused
        self.values[uuid].on_write = refused  # type: ignore[assignment]  # It only raises.

    async def notify(self, uuid: str, value: bytes) -> None:
        """See Stage."""
        await self.box.notify(uuid, value)

    async def end(self) -> None:
        """See Stage."""
        await self.box.disconnect()


class TestBleakLink(LinkContract):
    """It keeps the contract."""

    @pytest.fixture
    async def stage(self) -> AsyncIterator[RadioStage]:
        """Over a radio of its own."""
        stage = await RadioStage.make()
        yield stage
        await stage.link.close()
        await stage.radio.close()


class Waits:
    """`ports.Wait` that remembers, and waits for nothing."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)


class Racing(RadioClient):
    """bleak on BlueZ, whose reply to Connect came before the signal, so many times."""

    left: ClassVar[int] = 0
    tried: ClassVar[int] = 0

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """As often as it was told."""
        type(self).tried += 1
        if type(self).left:
            type(self).left -= 1
            raise BleakError("failed to discover services, device disconnected")
        await super().connect(pair, **kwargs)


class Deaf(RadioClient):
    """Nothing that is asked of it is ever answered."""

    async def read_gatt_char(self, *args: Any, **kwargs: Any) -> bytearray:
        """For ever."""
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


class Clinging(RadioClient):
    """A system that hangs when it is to disconnect."""

    async def disconnect(self) -> None:
        """For ever."""
        await asyncio.Event().wait()


async def seen(radio: BleakRadio) -> Sighting:
    """The box."""
    return await finding.find(radio, asyncio.sleep, Wanted(name=NAME))


def phone_of(central: Central, kind: type[RadioClient], wait: Any, **more: Any) -> BleakRadio:
    """A radio on which bleak behaves like that."""
    client = type("Client", (kind,), {"central": central, **more})
    return BleakRadio("", wait, client, backends(central)[1])


@pytest.mark.parametrize("failures", [0, 1, CONNECT_TRIES - 1])
async def test_a_connection_that_fails_is_tried_again(
    radio: Radio, central: Central, failures: int
) -> None:
    """Each time after a longer pause."""
    await box_in(radio, table())
    waits = Waits()
    phone = phone_of(central, Racing, waits, left=failures)

    link = await phone.connect(await seen(phone))
    services = link.service_uuids
    await link.close()

    assert {each.uuid for each in SERVICES} <= services
    assert [RETRY_PAUSE_S * (each + 1) for each in range(failures)] == waits.waited


async def test_it_is_not_tried_for_ever(radio: Radio, central: Central) -> None:
    """In the end it says what to do."""
    await box_in(radio, table())
    phone = phone_of(central, Racing, Waits(), left=99)

    with pytest.raises(LinkLost, match=f"{CONNECT_TRIES} connections failed: go nearer"):
        await phone.connect(await seen(phone))

    assert phone._client_backend is not None
    assert CONNECT_TRIES == vars(phone._client_backend)["tried"]


async def test_a_box_that_has_gone_is_given_up(radio: Radio, central: Central) -> None:
    """Each try ends by itself."""
    box = await box_in(radio, table())
    phone = phone_of(central, RadioClient, Waits())
    sighting = await seen(phone)
    radio.out_of_range(box)
    began = asyncio.get_running_loop().time()

    with pytest.raises(LinkLost):
        await phone.connect(sighting)

    took_s = asyncio.get_running_loop().time() - began
    assert CONNECT_TRIES * CONNECT_TIMEOUT_S <= took_s <= 2 * CONNECT_TRIES * CONNECT_TIMEOUT_S


async def test_a_read_that_nobody_answers_ends(radio: Radio, central: Central) -> None:
    """After what the attribute protocol allows."""
    await box_in(radio, table())
    phone = phone_of(central, Deaf, Waits())
    link = await phone.connect(await seen(phone))
    began = asyncio.get_running_loop().time()

    with pytest.raises(TooSlow):
        await link.read(RESPONSE_UUID)

    took_s = asyncio.get_running_loop().time() - began
    await link.close()
    assert OPERATION_TIMEOUT_S == pytest.approx(took_s, abs=0.1)


async def test_a_system_that_does_not_disconnect_is_not_waited_for(
    radio: Radio, central: Central
) -> None:
    """It ends the connection with the program."""
    await box_in(radio, table())
    phone = phone_of(central, Clinging, Waits())
    link = await phone.connect(await seen(phone))
    began = asyncio.get_running_loop().time()

    await link.close()

    assert CLOSE_TIMEOUT_S == pytest.approx(asyncio.get_running_loop().time() - began, abs=0.1)


async def test_a_read_ends_with_the_connection(radio: Radio, central: Central) -> None:
    """Though bleak would wait on."""
    box = await box_in(radio, table())
    phone = phone_of(central, Deaf, Waits())
    link = await phone.connect(await seen(phone))

    reading = asyncio.ensure_future(link.read(RESPONSE_UUID))
    await box.disconnect()

    with pytest.raises(LinkLost, match="Press the button"):
        await reading


@pytest.mark.parametrize(
    ("mtu", "room"), [(23, MIN_WRITE_BYTES), (185, 182), (517, MAX_WRITE_BYTES)]
)
async def test_the_room_of_a_write(radio: Radio, central: Central, mtu: int, room: int) -> None:
    """What the connection carries, but never more than BlueZ takes."""
    await box_in(radio, table())
    phone = phone_of(central, RadioClient, Waits(), mtu=mtu)
    link = await phone.connect(await seen(phone))

    found = link.write_bytes
    await link.close()

    assert room == found


async def test_a_refused_connection(radio: Radio, central: Central) -> None:
    """Is tried as often, and told."""
    box = await box_in(radio, table())
    phone = phone_of(central, RadioClient, Waits())
    sighting = await seen(phone)
    radio.refuse(box, hci.HCI_ErrorCode.CONNECTION_REJECTED_DUE_TO_LIMITED_RESOURCES_ERROR)

    with pytest.raises(LinkLost, match="no other phone"):
        await phone.connect(sighting)


_Reason = BleakBluetoothNotAvailableReason


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (BleakGATTProtocolError(0x08), AttRefused, "0x08"),
        (BleakGATTProtocolError(0x11), NotLetIn, "another phone"),
        (BleakBluetoothNotAvailableError("", _Reason.NO_BLUETOOTH), NoBluetooth, "plug one in"),
        (BleakBluetoothNotAvailableError("", _Reason.POWERED_OFF), NoBluetooth, "turn it on"),
        (BleakBluetoothNotAvailableError("", _Reason.DENIED_BY_USER), NoBluetooth, "allow it"),
        (BleakDeviceNotFoundError("A", "gone"), BoxNotFound, "press the button"),
        (
            BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", ["no"]),
            NoBluetooth,
            "group bluetooth",
        ),
        (
            BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["no"]),
            NoBluetooth,
            "systemctl start bluetooth",
        ),
        (BleakDBusError("org.bluez.Error.NotReady", []), NoBluetooth, "power on"),
        (BleakDBusError("org.bluez.Error.NotPermitted", ["Not paired"]), NotLetIn, "paired"),
        (BleakDBusError("org.bluez.Error.Failed", ["Not connected"]), LinkLost, "Not connected"),
        (BleakDBusError("org.freedesktop.DBus.Error.UnknownObject", []), NoBluetooth, "hci9"),
        (BleakError("adapter 'hci9' not found"), NoBluetooth, "bluetoothctl list"),
        (BleakError("Not connected"), LinkLost, "Not connected"),
        (FileNotFoundError(2, "No such file"), NoBluetooth, "no system message bus"),
        (EOFError(), NoBluetooth, "message bus"),
    ],
    ids=str,
)
def test_every_error_says_what_to_do(error: Exception, kind: type[ClientError], words: str) -> None:
    """In our words, with the code that belongs to it."""
    found = translated(error, "hci9")

    assert kind is type(found)
    assert words in str(found)


@pytest.mark.parametrize("reason", BleakBluetoothNotAvailableReason)
def test_every_reason_of_bleak_has_words(reason: BleakBluetoothNotAvailableReason) -> None:
    """Also one that a later bleak adds gets bleak's own."""
    error = BleakBluetoothNotAvailableError("bleak's words", reason)

    assert "bleak's words" != str(translated(error))
