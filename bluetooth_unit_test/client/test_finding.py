"""Which of all that advertises is the box."""

import asyncio

import pytest

from bluetooth.client.errors import BoxNotFound
from bluetooth.client.finding import (
    FIND_TIMEOUT_S,
    MAX_SIGHTINGS,
    SCAN_S,
    SETTLE_S,
    Crowd,
    Wanted,
    find,
    scan,
)
from bluetooth.client.link import Sighting
from bluetooth.gatt import EGRET, IMPROV, NATIVE
from bluetooth_unit_test.client.fake_link import FakeRadio
from bluetooth_unit_test.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio

OURS = frozenset({EGRET.uuid})
BOX = Sighting("AA:01", "Egret 1", -60, OURS)
OTHER = Sighting("AA:02", "Egret 2", -50, OURS)
LAMP = Sighting("AA:03", "Lamp", -40)


async def found(
    radio: FakeRadio, wanted: Wanted, *steps: float | Sighting
) -> tuple[Sighting, VirtualTime]:
    """What `find` finds while time passes and things are heard."""
    time = VirtualTime()
    finding = asyncio.ensure_future(find(radio, time.wait, wanted))
    for step in steps:
        if isinstance(step, Sighting):
            await time.settle()
            radio.say(step)
        else:
            await time.advance(step)
    await time.settle()
    return await finding, time


async def test_the_only_box_in_range_is_the_one() -> None:
    """Whatever else advertises."""
    sighting, _ = await found(FakeRadio(LAMP, BOX), Wanted(), SETTLE_S)

    assert BOX == sighting


async def test_of_several_somebody_must_choose() -> None:
    """They are named, also the one that showed itself a little later."""
    with pytest.raises(BoxNotFound, match="choose one with --address: AA:02.*Egret 2.*AA:01"):
        await found(FakeRadio(BOX), Wanted(), SETTLE_S / 2, OTHER, SETTLE_S)


@pytest.mark.parametrize("wanted", [Wanted(name="egret 2"), Wanted("aa:02"), Wanted("AA:02", "x")])
async def test_the_one_that_was_named(wanted: Wanted) -> None:
    """By name or address, capitals or not; at once, because nothing can be mistaken."""
    sighting, time = await found(FakeRadio(BOX, OTHER), wanted)

    assert OTHER == sighting
    assert 1000.0 == time.monotonic()


async def test_its_name_is_waited_for() -> None:
    """It comes in a scan response, and labels are kept under it."""
    nameless = Sighting("AA:01", "", -60, OURS)

    sighting, _ = await found(FakeRadio(nameless), Wanted("AA:01"), BOX)

    assert "Egret 1" == sighting.name


async def test_its_name_is_not_waited_for_for_ever() -> None:
    """A box without one is a box."""
    nameless = Sighting("AA:01", "", -60, OURS)

    sighting, _ = await found(FakeRadio(nameless), Wanted("AA:01"), SETTLE_S)

    assert nameless == sighting


async def test_nobody_is_said_with_what_to_do() -> None:
    """After a while that has a name."""
    with pytest.raises(BoxNotFound, match="press the button at the box"):
        await found(FakeRadio(LAMP), Wanted(), FIND_TIMEOUT_S)


async def test_another_box_is_not_the_one() -> None:
    """Those that are there are named."""
    with pytest.raises(BoxNotFound, match="no box Egret 9 .* AA:01"):
        await found(FakeRadio(BOX), Wanted(name="Egret 9"), FIND_TIMEOUT_S)


async def test_a_scan_lists_boxes_by_loudness() -> None:
    """And stops to listen."""
    radio, time = FakeRadio(BOX, LAMP, OTHER), VirtualTime()
    scanning = asyncio.ensure_future(scan(radio, time.wait))
    await time.advance(SCAN_S)

    assert [OTHER, BOX] == await scanning
    assert 0 == radio.listeners


def test_what_one_address_says_is_taken_together() -> None:
    """Three advertisements in turn, and the name in one of them; the loudness is the newest."""
    crowd = Crowd()
    crowd.add(Sighting("A", "", -60, frozenset({NATIVE.uuid})))
    crowd.add(Sighting("A", "Egret 1", -70, OURS))

    known = crowd.add(Sighting("A", "", -65, frozenset({IMPROV.uuid}), {"x": b"1"}))

    assert ("native", "improv", "egret") == known.ways
    assert ("Egret 1", -65, {"x": b"1"}) == (known.name, known.rssi_dbm, known.service_data)


def test_a_crowd_is_bounded_and_forgets_strangers_first() -> None:
    """A thousand phones that pass by do not push a box out."""
    crowd = Crowd()
    crowd.add(BOX)
    for number in range(MAX_SIGHTINGS + 10):
        crowd.add(Sighting(f"phone {number}", "", -80))

    assert [BOX] == crowd.boxes()
    with pytest.raises(KeyError):
        crowd.known("phone 0")
    assert -80 == crowd.known(f"phone {MAX_SIGHTINGS + 9}").rssi_dbm
