"""A phone that scans and connects."""

import asyncio

import pytest

from virtual_radio.central import Central, ConnectFailed, NotFound
from virtual_radio.clock import elapse
from virtual_radio.controller import RadioController
from virtual_radio.faults import HANG, times
from virtual_radio.gatt import Disconnected
from virtual_radio.peripheral import Peripheral, advertising_data
from virtual_radio.radio import Radio
from virtual_radio_unit_test.lamp import LAMP, STATE, Lamp


async def test_a_scan_tells_who_is_there(radio: Radio, central: Central) -> None:
    """Names come from scan responses, service UUIDs from the advertisement."""
    await radio.peripheral("Lamp", Lamp().services)
    radio.advertisers(2)

    seen = await central.scan(1.0)

    assert {"Lamp", "Beacon 0", "Beacon 1"} == {each.name for each in seen}
    assert [(LAMP,)] == [each.service_uuids for each in seen if each.name == "Lamp"]


async def test_a_passive_scan_knows_no_names(radio: Radio, central: Central) -> None:
    """They are in the scan response, which nobody asked for."""
    radio.advertisers(2)

    seen = await central.scan(1.0, active=False)

    assert [None, None] == [each.name for each in seen]


async def test_hundreds_of_advertisers_are_heard(radio: Radio, central: Central) -> None:
    """Three hundred at 100 ms: every one within the second."""
    radio.advertisers(300)

    assert 300 == len(await central.scan(1.0))


@pytest.mark.parametrize("by", ["name", "service", "address"])
async def test_one_is_found_among_many(radio: Radio, central: Central, by: str) -> None:
    """By name, by service, by address."""
    radio.advertisers(20)
    lamp = await radio.peripheral("Lamp", Lamp().services)
    asked = {"name": "Lamp", "service": LAMP, "address": lamp.address}

    found = await central.find(**{by: asked[by]})  # type: ignore[arg-type]  # one of three texts

    assert lamp.address == found.address_text


async def test_looking_for_nobody_ends(central: Central) -> None:
    """NotFound says who was not heard, and for how long."""
    with pytest.raises(NotFound, match="Lamp was not heard within 3 s"):
        await central.find(name="Lamp", timeout_s=3.0)


async def test_two_may_look_at_the_same_time(radio: Radio, central: Central) -> None:
    """They share one scan, and it ends with the last of them."""
    radio.advertisers(2)

    one, two = await asyncio.gather(central.find(name="Beacon 0"), central.find(name="Beacon 1"))

    assert ("Beacon 0", "Beacon 1") == (one.name, two.name)
    assert not central.controller.scanning


@pytest.mark.parametrize("public", [False, True])
async def test_it_connects_by_address_alone(radio: Radio, central: Central, public: bool) -> None:
    """Whether the peripheral uses its public or its random address."""
    lamp = await radio.peripheral("Lamp", Lamp().services, advertise=False)
    await lamp.advertise(advertising_data(), public=public)

    session = await central.connect(lamp.address)

    assert b"off" == await session.read(STATE)


async def test_an_absent_peer_is_given_up_in_time(central: Central) -> None:
    """NotFound at the timeout, and the next attempt is not disallowed."""
    loop = asyncio.get_running_loop()
    for _ in range(2):
        begin = loop.time()
        with pytest.raises(NotFound):
            await central.connect("F0:00:00:00:00:99", timeout_s=2.0)
        assert pytest.approx(2.0) == loop.time() - begin


async def test_a_refused_connection_says_why(radio: Radio, central: Central) -> None:
    """The status is the one that the test gave; afterwards all is well."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    radio.refuse(lamp, 0x0D)

    with pytest.raises(ConnectFailed) as failed:
        await central.connect(lamp.address)
    radio.refuse(lamp, None)
    session = await central.connect(lamp.address)

    assert 0x0D == failed.value.status
    assert session.connected


async def test_a_command_that_fails_fails_the_connection(radio: Radio, central: Central) -> None:
    """And the next attempt succeeds."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    create_connection = 0x200D
    central.controller.faults[create_connection] = times(1, 0x07)

    with pytest.raises(ConnectFailed) as failed:
        await central.connect(lamp.address)
    session = await central.connect(lamp.address)

    assert 0x07 == failed.value.status
    assert session.connected


async def test_a_controller_that_hangs_ends_the_waiting(radio: Radio, central: Central) -> None:
    """The host's patience ends after ten seconds; well again, it connects."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    create_connection = 0x200D
    central.controller.faults[create_connection] = times(1, HANG)

    with pytest.raises(NotFound):
        await central.connect(lamp.address, timeout_s=2.0)

    assert asyncio.get_running_loop().time() <= 15.0
    assert (await central.connect(lamp.address)).connected


async def test_several_centrals_share_a_peripheral(radio: Radio) -> None:
    """Each has its own connection; one that leaves makes room."""
    lamp = await radio.peripheral("Lamp", Lamp().services, max_centrals=2)
    one, two, three = [await radio.central(f"phone {number}") for number in range(3)]
    first, second = await one.connect(lamp.address), await two.connect(lamp.address)

    with pytest.raises(NotFound):
        await three.connect(lamp.address, timeout_s=1.0)
    await first.disconnect()
    third = await three.connect(lamp.address)

    assert [two.address, three.address] == lamp.centrals
    assert [b"off", b"off"] == [await each.read(STATE) for each in (second, third)]


async def test_a_central_keeps_several_connections(radio: Radio, central: Central) -> None:
    """Two lamps, one phone."""
    lamps = [Lamp(), Lamp()]
    lamps[1].state.value = b"on"
    peripherals = [await radio.peripheral("Lamp", each.services) for each in lamps]

    sessions = [await central.connect(each.address) for each in peripherals]

    assert [b"off", b"on"] == [await each.read(STATE) for each in sessions]


async def test_a_connect_that_is_given_up_leaves_nothing(radio: Radio, central: Central) -> None:
    """Cancelled while it waits: the next connect is not disallowed."""
    waiting = asyncio.ensure_future(central.connect("F0:00:00:00:00:99", timeout_s=60.0))
    await elapse(1.0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    lamp = await radio.peripheral("Lamp", Lamp().services)

    assert (await central.connect(lamp.address)).connected


async def test_close_ends_all_connections(radio: Radio, central: Central) -> None:
    """As a phone that is switched off with care."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(lamp.address)

    await central.close()

    assert not session.connected


async def test_a_peer_that_goes_during_discovery_leaves_nothing_behind(
    radio: Radio, central: Central, controller: RadioController
) -> None:
    """Disconnected, and no connection is left."""
    lamp: Peripheral = await radio.peripheral("Lamp", Lamp().services)
    radio.latency_s = 0.05
    connecting = asyncio.ensure_future(central.connect(lamp.address))
    while not lamp.centrals:
        await elapse(0.01)
    radio.out_of_range(lamp)

    with pytest.raises(Disconnected):
        await connecting
    assert {} == central.controller.le_connections
    assert {} == controller.le_connections
