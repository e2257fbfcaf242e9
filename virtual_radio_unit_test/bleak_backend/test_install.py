"""The radio below bleak."""

import bleak
import pytest

from virtual_radio.bleak_backend.install import BACKEND_ID, backends, installed
from virtual_radio.central import Central
from virtual_radio.radio import Radio
from virtual_radio_unit_test.bleak_backend.production import switch_on
from virtual_radio_unit_test.lamp import STATE, Lamp


async def test_code_that_uses_bleak_runs_unchanged(radio: Radio, bleak_over_radio: Central) -> None:
    """It imported bleak before the radio was there, and knows nothing of it."""
    lamp = Lamp()
    await radio.peripheral("Lamp", lamp.services)

    assert b"on" == await switch_on()
    assert b"on" == lamp.state.value


async def test_an_empty_air_is_an_empty_air(bleak_over_radio: Central) -> None:
    """The code under test finds out by itself."""
    assert b"no lamp" == await switch_on()


async def test_the_system_comes_back(central: Central) -> None:
    """After the block bleak has its own backends again, after a failure too."""
    hooks = ("get_platform_client_backend_type", "get_platform_scanner_backend_type")
    before = [getattr(bleak, each) for each in hooks]

    with pytest.raises(KeyError), installed(central):
        raise KeyError

    assert before == [getattr(bleak, each) for each in hooks]


async def test_bleak_says_where_it_is(bleak_over_radio: Central) -> None:
    """The backend has a name of its own."""
    assert BACKEND_ID == bleak.BleakClient("F0:00:00:00:00:01").backend_id


async def test_two_phones_in_one_process(radio: Radio) -> None:
    """Code that takes `backend=` can be given one central each."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    values = []
    for _ in range(2):
        client, _scanner = backends(await radio.central())
        phone = bleak.BleakClient(lamp.address, backend=client, timeout=5.0)
        await phone.connect()
        values.append(bytes(await phone.read_gatt_char(STATE)))

    assert [b"off", b"off"] == values
    assert 2 == len(lamp.centrals)


@pytest.mark.parametrize("mtu", [23, 48, 185, 517])
async def test_a_phone_asks_for_the_mtu_that_it_has(radio: Radio, mtu: int) -> None:
    """Not every system asks for what BlueZ does."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    client, _scanner = backends(await radio.central(), mtu)
    phone = bleak.BleakClient(lamp.address, backend=client, timeout=5.0)

    await phone.connect()

    assert mtu == phone.mtu_size
