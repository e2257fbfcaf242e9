"""The radio as a whole: everybody in one air, and chance from one seed."""

import asyncio
import subprocess
import sys

import pytest

from virtual_radio.bare_host import BareHost
from virtual_radio.central import NotFound
from virtual_radio.clock import VirtualLoop, elapse
from virtual_radio.gatt import Disconnected
from virtual_radio.radio import MAX_BEACONS, MAX_CENTRALS, Radio, address_of
from virtual_radio_unit_test.lamp import STATE, Lamp

SOME_RADIO_LIFE = """
import sys
from virtual_radio_unit_test.test_radio import digest
print(digest(int(sys.argv[1])))
"""


async def busy(seed: int) -> str:
    """A little of everything, with chance; what went over every HCI."""
    async with Radio(seed) as radio:
        radio.advertisers(30)
        radio.loss = 0.2
        lamp = await radio.peripheral("Lamp", Lamp().services)
        phones = [await radio.central(f"phone {number}") for number in range(2)]
        await phones[0].scan(2.0)
        for phone in phones:
            session = await phone.connect(await phone.find(name="Lamp"), mtu=247)
            brought = await session.subscribe(STATE)
            await lamp.notify(STATE, b"on")
            await brought.next()
            await session.disconnect()
        return radio.capture.digest()


def digest(seed: int) -> str:
    """Of a run on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(busy(seed))


def test_the_same_seed_gives_the_same_run() -> None:
    """Every packet on every HCI, at the same microsecond; in another process too."""
    elsewhere = subprocess.run(
        [sys.executable, "-c", SOME_RADIO_LIFE, "7"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert digest(7) == digest(7) == elsewhere.stdout.strip()


def test_another_seed_gives_another_run() -> None:
    """Chance is in it."""
    assert digest(7) != digest(8)


async def test_two_radios_hear_nothing_of_each_other(radio: Radio) -> None:
    """Each is an air of its own."""
    async with Radio() as other:
        other.advertisers(3)
        phone = await radio.central()

        assert [] == await phone.scan(1.0)


async def test_everybody_has_an_address_of_their_own(radio: Radio) -> None:
    """Without being told."""
    things = [await radio.central(), await radio.peripheral(), *radio.advertisers(2)]
    things += [await radio.central(), await radio.peripheral()]

    assert len(things) == len({bytes(address_of(each)) for each in things})


async def test_addresses_can_be_chosen(radio: Radio) -> None:
    """For tests of code that knows addresses by heart."""
    phone = await radio.central(address="C0:FF:EE:00:00:01")
    lamp = await radio.peripheral(address="F0:0D:00:00:00:01")
    controller = radio.controller(public_address="00:1A:7D:00:00:01")

    assert ["C0:FF:EE:00:00:01", "F0:0D:00:00:00:01", "00:1A:7D:00:00:01"] == [
        address_of(each).to_string(False) for each in (phone, lamp, controller)
    ]
    assert b"\xef" == bytes(address_of("C0:FF:EE:00:00:EF"))[:1]
    assert address_of(phone.device.random_address) == phone.device.random_address


async def test_a_radio_holds_so_many_advertisers(radio: Radio) -> None:
    """As many as the limit says, and not one more."""
    made = radio.advertisers(MAX_BEACONS)

    with pytest.raises(ValueError, match=f"at most {MAX_BEACONS}"):
        radio.advertisers(1)
    assert MAX_BEACONS == len(made)


async def test_a_peripheral_lets_in_so_many(radio: Radio) -> None:
    """One more central finds nobody to connect to."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    phones = [await radio.central() for _ in range(MAX_CENTRALS + 1)]
    for phone in phones[:-1]:
        await phone.connect(lamp.address)

    with pytest.raises(NotFound):
        await phones[-1].connect(lamp.address, timeout_s=2.0)


async def test_what_loses_its_power_is_missed(radio: Radio) -> None:
    """Its peer is told after the supervision timeout."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    session = await (await radio.central()).connect(lamp.address)

    radio.remove(lamp.controller)

    with pytest.raises(Disconnected):
        await session.read(STATE)
    assert 0x08 == session.reason


def test_nothing_is_left_after_close() -> None:
    """No timer and no task: a loop with nothing to do has nothing to wait for."""

    async def main() -> tuple[int, int]:
        radio = Radio()
        radio.advertisers(10)
        lamp = await radio.peripheral("Lamp", Lamp().services)
        await (await radio.central()).connect(lamp.address)
        await radio.close()
        await radio.close()
        before = len(radio.capture)
        await elapse(60.0)
        return len(asyncio.all_tasks()), len(radio.capture) - before

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert (1, 0) == runner.run(main())


async def test_a_controller_may_have_no_name(radio: Radio) -> None:
    """It is numbered then, like those of Linux."""
    assert ["hci0", "dut"] == [radio.controller().name, radio.controller("dut").name]


async def test_a_bare_host_shares_the_air(radio: Radio) -> None:
    """Bytes on one side, a phone on the other."""
    host = BareHost(radio.controller())
    host.send(b"\x01\x05\x20\x06\x07\x00\x00\x00\x00\xf0")
    host.send(b"\x01\x06\x20\x0f\xa0\x00\xa0\x00\x00\x01\x00" + bytes(6) + b"\x07\x00")
    host.send(b"\x01\x0a\x20\x01\x01")

    seen = await (await radio.central()).scan(1.0)

    assert ["F0:00:00:00:00:07"] == [each.address_text for each in seen]
