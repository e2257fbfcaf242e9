"""bleak's client over the radio, errors as on Linux."""

import asyncio

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import (
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bumble import hci

from virtual_radio.central import Central
from virtual_radio.clock import elapse
from virtual_radio.faults import times
from virtual_radio.peripheral import Peripheral
from virtual_radio.radio import Radio
from virtual_radio_unit_test.lamp import ALARM, APPLICATION_ERROR, BROKEN, LAMP, LOG, STATE
from virtual_radio_unit_test.lamp import SWITCH, Lamp, log_value

ABSENT = "F0:00:00:00:00:99"
FAILED_TO_BE_ESTABLISHED = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR


class House:
    """A lamp in the air, and bleak beside it."""

    def __init__(self, lamp: Lamp, peripheral: Peripheral) -> None:
        self.lamp = lamp
        self.peripheral = peripheral
        self.gone: list[BleakClient] = []

    async def device(self) -> BLEDevice:
        """The lamp as a scan finds it."""
        device = await BleakScanner.find_device_by_name("Lamp", timeout=5.0)
        assert device is not None
        return device

    async def client(self, timeout: float = 5.0) -> BleakClient:
        """For the lamp, not yet connected."""
        return BleakClient(await self.device(), self.gone.append, timeout=timeout)

    async def connected(self) -> BleakClient:
        """A client that is connected."""
        client = await self.client()
        await client.connect()
        return client


@pytest.fixture
def house(radio: Radio, radio_loop: asyncio.AbstractEventLoop, bleak_over_radio: Central) -> House:
    """A lamp that advertises."""
    lamp = Lamp()
    return House(lamp, radio_loop.run_until_complete(radio.peripheral("Lamp", lamp.services)))


async def test_it_reads_and_writes(house: House) -> None:
    """Long values too, and the MTU is the largest there is."""
    client = await house.connected()

    await client.write_gatt_char(LOG, log_value(512), response=True)

    assert log_value(512) == await client.read_gatt_char(LOG)
    assert (517, "Lamp") == (client.mtu_size, client.name)


async def test_it_knows_the_whole_table(house: House) -> None:
    """Services, characteristics with their properties, descriptors."""
    client = await house.connected()

    service = client.services.get_service(LAMP)
    state = client.services.get_characteristic(STATE)
    assert service is not None and state is not None
    assert [STATE, LOG, SWITCH, BROKEN, ALARM] == [each.uuid for each in service.characteristics]
    assert ["read", "write", "notify"] == state.properties
    assert ["00002902-0000-1000-8000-00805f9b34fb"] == [each.uuid for each in state.descriptors]
    assert 514 == state.max_write_without_response_size


async def test_only_the_services_asked_for_are_there(house: House) -> None:
    """As bleak's `services` argument says."""
    async with BleakClient(await house.device(), services=[LAMP]) as client:
        assert [LAMP] == [each.uuid for each in client.services]


async def test_notifications_arrive(house: House) -> None:
    """Until they are stopped."""
    client = await house.connected()
    values: list[bytes] = []
    await client.start_notify(STATE, lambda _sender, value: values.append(bytes(value)))
    await house.peripheral.notify(STATE, b"on")
    await elapse(0.1)
    await client.stop_notify(STATE)
    await house.peripheral.notify(STATE, b"off")
    await elapse(0.1)

    assert [b"on"] == values


async def test_indications_arrive(house: House) -> None:
    """Where a characteristic has no notifications."""
    client = await house.connected()
    values: list[bytes] = []
    await client.start_notify(ALARM, lambda _sender, value: values.append(bytes(value)))

    await house.peripheral.indicate(ALARM, b"fire")

    assert [b"fire"] == values


async def test_descriptors_can_be_read(house: House) -> None:
    """The description for people is one."""
    client = await house.connected()
    log = client.services.get_characteristic(LOG)
    assert log is not None

    assert b"log" == await client.read_gatt_descriptor(log.descriptors[0].handle)


async def test_a_descriptor_that_is_gone_is_an_error(house: House) -> None:
    """Written to a handle that the peer does not know: invalid handle."""
    client = await house.connected()
    log = client.services.get_characteristic(LOG)
    assert log is not None
    log.descriptors[0].obj.handle = 0x7FFF

    with pytest.raises(BleakGATTProtocolError) as refused:
        await client.write_gatt_descriptor(log.descriptors[0].handle, b"x")

    assert 0x01 == refused.value.code


async def test_a_write_without_response_must_fit(house: House) -> None:
    """It arrives, or is refused before it is sent."""
    client = await house.connected()

    await client.write_gatt_char(SWITCH, b"on", response=False)
    with pytest.raises(BleakDBusError):
        await client.write_gatt_char(SWITCH, bytes(515), response=False)
    await elapse(0.1)

    assert [b"on"] == [value for _client, value in house.lamp.switched]


@pytest.mark.parametrize(
    ("uuid", "code"), [(BROKEN, APPLICATION_ERROR), (ALARM, 0x02), (SWITCH, 0x02)]
)
async def test_errors_of_the_peer_keep_their_code(house: House, uuid: str, code: int) -> None:
    """As BleakGATTProtocolError, and the connection lives on."""
    client = await house.connected()

    with pytest.raises(BleakGATTProtocolError) as refused:
        await client.read_gatt_char(uuid)

    assert code == refused.value.code
    assert client.is_connected


async def test_what_cannot_notify_says_so(house: House) -> None:
    """Not supported, in BlueZ's words."""
    client = await house.connected()

    with pytest.raises(BleakError):
        await client.start_notify(LOG, lambda _sender, _value: None)


async def test_an_unknown_characteristic_is_not_found(house: House) -> None:
    """By bleak itself."""
    client = await house.connected()

    with pytest.raises(BleakCharacteristicNotFoundError):
        await client.read_gatt_char("6e4000ff-b5a3-f393-e0a9-e50e24dcca9e")


async def test_an_address_that_nobody_has_is_not_found(bleak_over_radio: Central) -> None:
    """After looking for as long as it was told."""
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient(ABSENT, timeout=3.0).connect()


async def test_an_address_alone_is_enough(house: House) -> None:
    """The client looks for it first."""
    async with BleakClient(house.peripheral.address, timeout=3.0) as client:
        assert b"off" == await client.read_gatt_char(STATE)


async def test_a_device_that_has_left_is_a_timeout(house: House, radio: Radio) -> None:
    """It was seen, so it is no longer looked for; and later it is back."""
    client = await house.client(timeout=3.0)
    radio.out_of_range(house.peripheral)

    with pytest.raises(TimeoutError):
        await client.connect()
    radio.in_range(house.peripheral)
    await client.connect()

    assert client.is_connected


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0x0D, "le-connection-refused"),
        (0x15, "le-connection-abort-by-remote"),
        (0x08, "le-connection-timeout"),
        (0x07, "le-connection-memory-allocation"),
        (0x1F, "le-connection-unknown"),
    ],
)
async def test_a_refused_connection_is_an_error_of_bluez(
    house: House, radio: Radio, status: int, text: str
) -> None:
    """With BlueZ's text for it."""
    client = await house.client()
    radio.refuse(house.peripheral, status)

    with pytest.raises(BleakDBusError, match=text):
        await client.connect()


async def test_a_connection_that_is_not_established_is_tried_again(
    house: House, radio: Radio
) -> None:
    """As bleak does, until the time is up."""
    client = await house.client(timeout=3.0)
    radio.refuse(house.peripheral, FAILED_TO_BE_ESTABLISHED)

    with pytest.raises(TimeoutError):
        await client.connect()


async def test_a_command_that_fails_fails_the_connection(
    house: House, bleak_over_radio: Central
) -> None:
    """And the next attempt succeeds."""
    opcode = hci.HCI_LE_CREATE_CONNECTION_COMMAND
    bleak_over_radio.controller.faults[opcode] = times(1, 0x1F)
    client = await house.client()

    with pytest.raises(BleakError):
        await client.connect()
    await client.connect()

    assert client.is_connected


async def test_a_peer_that_goes_is_told_of_once(house: House) -> None:
    """The callback is called, requests fail, and the client can connect again."""
    client = await house.connected()

    await house.peripheral.disconnect()
    await elapse(0.1)

    assert ([client], False) == (house.gone, client.is_connected)
    with pytest.raises(BleakError, match="Not connected|not been performed"):
        await client.read_gatt_char(STATE)
    await client.connect()
    assert b"off" == await client.read_gatt_char(STATE)


async def test_a_peer_that_vanishes_ends_the_waiting(house: House, radio: Radio) -> None:
    """After the supervision timeout, with BlueZ's words."""
    client = await house.connected()
    radio.out_of_range(house.peripheral)

    with pytest.raises(BleakDBusError, match="Not connected"):
        await client.read_gatt_char(STATE)

    assert [client] == house.gone


async def test_disconnecting_calls_the_callback_once(house: House) -> None:
    """As on BlueZ; twice is once."""
    client = await house.connected()

    await client.disconnect()
    await client.disconnect()

    assert [client] == house.gone


async def test_a_peer_that_goes_during_discovery_is_an_error(house: House, radio: Radio) -> None:
    """The one that bleak gives, and nothing stays connected."""
    client = await house.client()
    radio.latency_s = 0.05
    connecting = asyncio.ensure_future(client.connect())
    while not house.peripheral.centrals:
        await elapse(0.01)
    await house.peripheral.disconnect()

    with pytest.raises(BleakError, match="failed to discover services"):
        await connecting
    assert not client.is_connected


async def test_a_connect_that_is_given_up_leaves_nothing(house: House, radio: Radio) -> None:
    """Cancelled in the middle of discovery, it lets go of the peer."""
    client = await house.client()
    radio.latency_s = 0.05
    connecting = asyncio.ensure_future(client.connect())
    while not house.peripheral.centrals:
        await elapse(0.01)
    connecting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await connecting
    radio.latency_s = 0.0
    await elapse(1.0)

    assert [] == house.peripheral.centrals


async def test_pairing_is_not_modelled(house: House) -> None:
    """And says so."""
    client = await house.connected()

    with pytest.raises(BleakDBusError, match="does not pair"):
        await client.pair()


async def test_connecting_twice_is_an_error(house: House) -> None:
    """As on BlueZ."""
    client = await house.connected()

    with pytest.raises(BleakError, match="already connected"):
        await client.connect()
