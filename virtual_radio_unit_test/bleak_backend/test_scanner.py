"""bleak's scanner over the radio."""

import asyncio
from typing import Literal

import pytest
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from virtual_radio.central import Central
from virtual_radio.clock import elapse
from virtual_radio.peripheral import Peripheral, advertising_data, name_data
from virtual_radio.radio import Radio
from virtual_radio_unit_test.lamp import LAMP, Lamp

IMPROV = "00004677-0000-1000-8000-00805f9b34fb"


async def test_everything_in_the_air_is_discovered(radio: Radio, bleak_over_radio: Central) -> None:
    """Names are those of the scan responses."""
    radio.advertisers(3)

    devices = await BleakScanner.discover(timeout=2.0)

    assert {"Beacon 0", "Beacon 1", "Beacon 2"} == {each.name for each in devices}


async def test_an_advertisement_arrives_with_all_it_holds(
    radio: Radio, bleak_over_radio: Central, peripheral: Peripheral
) -> None:
    """Service data, manufacturer data, strength, address."""
    data = advertising_data(service_data={IMPROV: b"\x01"}, manufacturer_data={0x59: b"abc"})
    await peripheral.advertise(data, name_data("Lamp"))
    radio.hear_at(peripheral, -71)

    found = await BleakScanner.discover(timeout=2.0, return_adv=True)

    device, advertisement = found[peripheral.address]
    assert ("Lamp", "Lamp") == (device.name, advertisement.local_name)
    assert {IMPROV: b"\x01"} == advertisement.service_data
    assert {0x59: b"abc"} == advertisement.manufacturer_data
    assert -71 == advertisement.rssi


async def test_a_filter_lets_only_its_services_through(
    radio: Radio, bleak_over_radio: Central
) -> None:
    """Beacons have none."""
    radio.advertisers(3)
    await radio.peripheral("Lamp", Lamp().services)

    devices = await BleakScanner.discover(timeout=2.0, service_uuids=[LAMP.upper()])

    assert ["Lamp"] == [each.name for each in devices]


@pytest.mark.parametrize(("mode", "name"), [("active", "Beacon 0"), ("passive", None)])
async def test_a_passive_scan_asks_for_nothing(
    radio: Radio,
    bleak_over_radio: Central,
    mode: Literal["active", "passive"],
    name: str | None,
) -> None:
    """And so learns no names."""
    radio.advertisers(1)

    devices = await BleakScanner.discover(timeout=2.0, scanning_mode=mode)

    assert [name] == [each.name for each in devices]


async def test_callbacks_hear_every_advertisement(radio: Radio, bleak_over_radio: Central) -> None:
    """Until the scanner stops; it can start again."""
    radio.advertisers(1)
    heard: list[float] = []
    loop = asyncio.get_running_loop()

    def detected(_device: BLEDevice, _advertisement: AdvertisementData) -> None:
        heard.append(loop.time())

    scanner = BleakScanner(detected)
    for _ in range(2):
        await scanner.start()
        await elapse(1.0)
        await scanner.stop()
        await elapse(1.0)

    assert 16 <= len(heard) <= 40
    assert {0, 2} == {int(each) for each in heard}


async def test_a_device_is_found_by_its_address(
    bleak_over_radio: Central, peripheral: Peripheral
) -> None:
    """And not found in time when it is not there."""
    assert await BleakScanner.find_device_by_address(peripheral.address, timeout=2.0)
    assert await BleakScanner.find_device_by_address("F0:00:00:00:00:99", timeout=2.0) is None
