"""A virtual peripheral."""

import pytest

from virtual_radio.central import Central, NotFound
from virtual_radio.clock import elapse
from virtual_radio.peripheral import Peripheral, advertising_data, name_data
from virtual_radio.radio import Radio
from virtual_radio_unit_test.lamp import LAMP, STATE, Lamp


def test_an_advertisement_is_at_most_31_bytes() -> None:
    """More is refused, with the number."""
    assert 31 == len(name_data("x" * 29))
    with pytest.raises(ValueError, match="32 bytes do not fit into 31"):
        name_data("x" * 30)


def test_a_128_bit_uuid_takes_18_bytes() -> None:
    """Beside the flags there is room for one."""
    assert 3 + 18 == len(advertising_data([LAMP]))
    with pytest.raises(ValueError):
        advertising_data([LAMP, LAMP])


async def test_it_can_be_silent(radio: Radio, central: Central, peripheral: Peripheral) -> None:
    """Nobody finds it any more, and it does not begin again when a central leaves."""
    session = await central.connect(peripheral.address)
    await peripheral.stop_advertising()
    await session.disconnect()
    await elapse(1.0)

    assert [] == await central.scan(2.0)
    with pytest.raises(NotFound):
        await central.connect(peripheral.address, timeout_s=1.0)


async def test_it_advertises_again_after_a_connection(
    central: Central, peripheral: Peripheral
) -> None:
    """As often as somebody comes and goes."""
    for _ in range(3):
        session = await central.connect(peripheral.address)
        await session.disconnect()

    assert ["Peripheral"] == [each.name for each in await central.scan(1.0)]


async def test_its_advertisement_can_change(central: Central, peripheral: Peripheral) -> None:
    """At once."""
    await peripheral.advertise(advertising_data([LAMP]), name_data("Lamp"), interval_ms=20.0)

    found = await central.find(service=LAMP)

    assert "Lamp" == found.name


async def test_services_may_come_late(central: Central, peripheral: Peripheral) -> None:
    """Before somebody connects."""
    peripheral.serve(Lamp().services)

    session = await central.connect(peripheral.address)

    assert b"off" == await session.read(STATE)


async def test_it_knows_its_centrals(central: Central, peripheral: Peripheral) -> None:
    """By their addresses."""
    session = await central.connect(peripheral.address)
    connected = peripheral.centrals
    await session.disconnect()
    await elapse(0.1)

    assert ([central.address], []) == (connected, peripheral.centrals)
