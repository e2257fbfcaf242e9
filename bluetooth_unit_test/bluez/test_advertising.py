"""Advertisements, before a bluetoothd that refuses and gives up."""

import asyncio
from typing import Any

import pytest

from bluetooth.bluez import words
from bluetooth.bluez.advertising import (
    AGAIN_AFTER_S,
    INTERVAL_MS,
    MAX_NAME_BYTES,
    TURN_S,
    Advertiser,
    advertised,
)
from bluetooth.bluez.bus import DbusRefused, Heard, Reply
from bluetooth.errors import PeripheralLost
from bluetooth.gatt import IMPROV, IMPROV_DATA_UUID, NATIVE, Advertisement
from bluetooth_unit_test.bluez.fake_bus import HCI0, FakeBus
from bluetooth_unit_test.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio

ONE = Advertisement((NATIVE.uuid,), "Egret")
TWO = Advertisement((IMPROV.uuid,), "Egret", {IMPROV_DATA_UUID: b"\1\2"})


class Bench:
    """An advertiser on a bus, and the time."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.bus = FakeBus()
        self.advertiser = Advertiser(self.bus, HCI0, self.time.wait)
        self.bus.attend(self.advertiser.answer, lambda heard: None)

    def registered(self) -> list[str]:
        """Paths that were registered and not taken back."""
        back = [path for (path,) in self.bus.asked("UnregisterAdvertisement")]
        return [path for path, _ in self.bus.asked("RegisterAdvertisement") if path not in back]

    def release(self, path: str) -> Reply | None:
        """bluetoothd gives one up."""
        return self.advertiser.answer(Heard(":1.7", path, words.ADVERTISEMENT, "Release"))


@pytest.fixture
async def bench() -> Bench:
    """Nothing is advertised."""
    return Bench()


def plain(advertisement: Advertisement) -> dict[str, Any]:
    """Its properties without their types."""
    return {name: value.value for name, value in advertised(advertisement).items()}


def test_an_advertisement_has_what_it_was_given() -> None:
    """A 16-bit UUID in its short form; the box can be found, soon."""
    properties = plain(TWO)

    assert {
        "Type": "peripheral",
        "Discoverable": True,
        "Duration": TURN_S,
        "MinInterval": INTERVAL_MS,
        "MaxInterval": INTERVAL_MS,
        "LocalName": "Egret",
        "ServiceUUIDs": [IMPROV.uuid],
    } == {name: value for name, value in properties.items() if name != "ServiceData"}
    assert {"4677": b"\1\2"} == {
        key: value.value for key, value in properties["ServiceData"].items()
    }


def test_what_is_not_given_is_not_there() -> None:
    """An empty name would be a name."""
    assert not {"LocalName", "ServiceUUIDs", "ServiceData"} & set(plain(Advertisement((), "")))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x" * MAX_NAME_BYTES, "x" * MAX_NAME_BYTES),
        ("x" * 30, "x" * 29),
        ("x" + "é" * 20, "x" + "é" * 14),
        ("é" * 20, "é" * 14),
    ],
)
def test_a_long_name_is_cut_at_a_character(name: str, expected: str) -> None:
    """A scan response has room for 29 bytes of it."""
    assert expected == plain(Advertisement((), name))["LocalName"]


async def test_only_what_changed_is_registered_anew(bench: Bench) -> None:
    """What stays on the air is not interrupted."""
    await bench.advertiser.advertise([ONE, TWO])
    before = bench.registered()
    changed = Advertisement(TWO.service_uuids, "Egret", {IMPROV_DATA_UUID: b"\3"})

    await bench.advertiser.advertise([ONE, changed])

    assert before[0] == bench.registered()[0]
    assert before[1] != bench.registered()[1]
    assert 2 == len(bench.registered())


async def test_none_is_silence(bench: Bench) -> None:
    """All are taken back, and so they are when it closes."""
    await bench.advertiser.advertise([ONE, TWO])
    await bench.advertiser.advertise([])
    silent = bench.registered()
    await bench.advertiser.advertise([ONE])

    await bench.advertiser.close()

    assert [[], []] == [silent, bench.registered()]


async def test_one_that_is_refused_is_missing(bench: Bench) -> None:
    """But if none is taken, the peripheral is of no use."""
    await bench.advertiser.advertise([ONE])
    bench.bus.refusals["RegisterAdvertisement"] = DbusRefused("org.bluez.Error.NotPermitted", "no")

    await bench.advertiser.advertise([ONE, TWO])
    with pytest.raises(PeripheralLost, match="takes no advertisement"):
        await bench.advertiser.advertise([TWO])


async def test_one_that_is_gone_already_needs_no_taking_back(bench: Bench) -> None:
    """That bluetoothd does not know it is as good."""
    await bench.advertiser.advertise([ONE])
    bench.bus.refusals["UnregisterAdvertisement"] = DbusRefused("org.bluez.Error.DoesNotExist", "")

    await bench.advertiser.advertise([TWO])

    assert 2 == len(bench.bus.asked("RegisterAdvertisement"))


async def test_what_is_released_is_registered_again(bench: Bench) -> None:
    """After a pause, all of it, under new paths."""
    await bench.advertiser.advertise([ONE, TWO])
    before = bench.registered()
    for path in before:
        bench.release(path)

    await bench.time.advance(AGAIN_AFTER_S[0] - 0.1)
    too_early = bench.registered()
    await bench.time.advance(0.1)

    assert before == too_early
    assert 4 == len(bench.registered())


async def test_it_tries_again_with_growing_pauses(bench: Bench) -> None:
    """For as long as it takes, and never in a hurry."""
    await bench.advertiser.advertise([ONE])
    bench.bus.refusals["RegisterAdvertisement"] = DbusRefused("org.bluez.Error.Failed", "down")
    bench.release(bench.registered()[0])

    counts = []
    for pause_s in (*AGAIN_AFTER_S, AGAIN_AFTER_S[-1]):
        await bench.time.advance(pause_s)
        counts.append(len(bench.bus.asked("RegisterAdvertisement")))
    del bench.bus.refusals["RegisterAdvertisement"]
    await bench.time.advance(2 * AGAIN_AFTER_S[-1])

    assert [2, 3, 4, 5, 6] == counts
    assert 7 == len(bench.bus.asked("RegisterAdvertisement"))


async def test_a_release_during_the_registration_is_not_lost(bench: Bench) -> None:
    """It is registered once more."""
    await bench.advertiser.advertise([ONE])
    first = bench.registered()[0]
    inner = bench.bus.call

    async def call(*arguments: Any) -> tuple[Any, ...]:
        reply = await inner(*arguments)
        if arguments[3] == "RegisterAdvertisement" and len(bench.registered()) == 2:
            bench.release(bench.registered()[1])
        return reply

    bench.bus.call = call  # type: ignore[method-assign]
    bench.release(first)
    await bench.time.advance(AGAIN_AFTER_S[0])
    await bench.time.advance(AGAIN_AFTER_S[1])

    assert 3 == len(bench.bus.asked("RegisterAdvertisement"))


@pytest.mark.parametrize("end", ["silence", "close", "abandon"])
async def test_nothing_is_registered_again_after_the_end(bench: Bench, end: str) -> None:
    """Whoever wants silence gets it."""
    await bench.advertiser.advertise([ONE])
    bench.release(bench.registered()[0])

    match end:
        case "silence":
            await bench.advertiser.advertise([])
        case "close":
            await bench.advertiser.close()
        case "abandon":
            bench.advertiser.abandon()
    await bench.time.advance(1000)

    assert 1 == len(bench.bus.asked("RegisterAdvertisement"))


async def test_closing_a_lost_one_is_no_error(bench: Bench) -> None:
    """There is nobody to take anything back from."""
    await bench.advertiser.advertise([ONE])
    bench.bus.refusals["UnregisterAdvertisement"] = PeripheralLost("gone")

    async with asyncio.timeout(5):
        await bench.advertiser.close()


@pytest.mark.parametrize(
    ("path", "interface", "member"),
    [
        ("/elsewhere", words.PROPERTIES, "GetAll"),
        ("", words.ADVERTISEMENT, "Frobnicate"),
        ("", words.CHARACTERISTIC, "ReadValue"),
    ],
)
async def test_what_is_not_asked_of_an_advertisement_is_not_answered(
    bench: Bench, path: str, interface: str, member: str
) -> None:
    """Others may know."""
    await bench.advertiser.advertise([ONE])
    heard = Heard(":1.7", path or bench.registered()[0], interface, member)

    assert bench.advertiser.answer(heard) is None


async def test_it_has_no_objects_below(bench: Bench) -> None:
    """bluetoothd asks, and takes an error for a reason to log."""
    await bench.advertiser.advertise([ONE])
    heard = Heard(":1.7", bench.registered()[0], words.OBJECT_MANAGER, "GetManagedObjects")

    assert Reply("a{oa{sa{sv}}}", ({},)) == bench.advertiser.answer(heard)
