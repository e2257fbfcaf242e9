"""The driver of the WiNet-S dongle against the virtual dongle: two witnesses of one device."""

from collections.abc import Iterator

import pytest

from server.devices.driver import Driver, Polled
from server.devices.probe import probe
from server.devices.profile import load_profiles
from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    LinkClosed,
    ProtocolError,
    RegisterRefused,
    WrongDevice,
)
from server.model.device import Space
from server.ports import RegisterReader
from server.transports.winet import Winet
from server.transports.winet_lockout import LOCK_S
from server.transports.winet_patience import MAX_REFUSED_TRIES
from server.transports.winet_pins import MemoryPins
from server.transports.winet_session import Door
from server_unit_test.contracts.fake_clock import FakeClock
from simulator.clock import ManualClock
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Quirk, Trouble
from simulator.winet_sessions import TOKEN_LIFE_S

PROFILES = load_profiles().profiles
NOON_S = 1_782_043_200
TYPE_CODE = (1, Space.INPUT, 4999, 1)
PATIENCE_S = 0.8
"""The driver's, for one answer; LATE_S is beyond it, SOON_S well within."""
SOON_S = 0.02
LATE_S = 2.0
BATTERY_UNIT = 2


@pytest.fixture(params=["winet", "winet-tls"])
def door(request: pytest.FixtureRequest) -> str:
    """Each generation of firmware."""
    return str(request.param)


@pytest.fixture
def clock() -> ManualClock:
    """Plant time in the test's hands: what a register holds can be foretold."""
    return ManualClock(NOON_S)


@pytest.fixture
def plant(clock: ManualClock) -> Iterator[VirtualPlant]:
    """A hybrid with a dongle of each generation."""
    doors = {"winet": (0, 0), "winet-tls": 0}
    with VirtualPlant(doors=doors, seed=3, clock=clock) as running:
        yield running


@pytest.fixture
def pins() -> MemoryPins:
    """What has been pinned so far."""
    return MemoryPins()


@pytest.fixture
def time() -> FakeClock:
    """The gateway's own time."""
    return FakeClock()


@pytest.fixture
def transport(plant: VirtualPlant, door: str, pins: MemoryPins, time: FakeClock) -> Iterator[Winet]:
    """The driver under test, with little patience."""
    opened = _to(plant, door, pins, time)
    yield opened
    opened.close()


def _to(plant: VirtualPlant, door: str, pins: MemoryPins, time: FakeClock | None = None) -> Winet:
    host, *ports = plant.doors[door].split(":")
    http, websocket = int(ports[0]), int(ports[-1])
    return Winet(
        host,
        [Door(door == "winet-tls", websocket, http)],
        pins=pins,
        clock=time,
        timeout_s=PATIENCE_S,
        busy_pause_s=0.01,
    )


def _polled(reader: RegisterReader, door: str) -> Polled:
    driver = Driver(PROFILES["sungrow_hybrid"], 1, scheme="winet")
    for _ in range(8):  # What a door refuses is found out poll by poll.
        polled = driver.poll(reader, lambda: False)
        assert isinstance(polled, Polled)
    return polled


def test_values_are_the_plants(plant: VirtualPlant, transport: Winet, door: str) -> None:
    """Every word is what the plant itself holds, and the physics agree."""
    polled, truth = _polled(transport, door), plant.truth()
    held = {
        block.address + offset: word
        for block in Driver(PROFILES["sungrow_hybrid"], 1).plan
        for offset, word in enumerate(
            plant.face.read(door, 1, block.space, block.address, block.count)
        )
    }

    assert {address: held[address] for address in polled.words} == polled.words
    assert truth["battery_power"] == polled.values["battery_power"]
    assert truth["load_power"] == polled.values["load_power"]
    assert round(truth["battery_soc"] * 1000) == round(float(polled.values["battery_soc"]) * 10)


def test_an_address_is_all_it_takes(plant: VirtualPlant, transport: Winet) -> None:
    """Profile, model and serial are found through the dongle."""
    identity = probe(transport, 1, PROFILES)

    assert ("sungrow_hybrid", "SH10RT", plant.serial) == (
        identity.profile,
        identity.model,
        identity.serial,
    )


def test_the_battery_answers_on_its_forwarded_unit(
    plant: VirtualPlant, transport: Winet, door: str
) -> None:
    """Through a dongle it is unit 2, and its words are its own."""
    words = transport.read(BATTERY_UNIT, Space.INPUT, 10740, 4)

    assert tuple(plant.face.read(door, BATTERY_UNIT, "input", 10740, 4)) == words


def test_a_unit_that_is_not_there_is_refused(transport: Winet) -> None:
    """And the session stays."""
    with pytest.raises(RegisterRefused):
        transport.read(9, Space.INPUT, 10740, 4)

    assert (0x0E03,) == transport.read(*TYPE_CODE)


def test_a_token_dies_of_age_unnoticed(
    plant: VirtualPlant, clock: ManualClock, transport: Winet
) -> None:
    """The reading after an hour is one like any other."""
    before = transport.read(*TYPE_CODE)
    plant.advance(TOKEN_LIFE_S)

    assert before == transport.read(*TYPE_CODE)


def test_a_locked_dongle_is_left_alone_until_it_opens(
    plant: VirtualPlant, door: str, transport: Winet, time: FakeClock
) -> None:
    """Not one request reaches it meanwhile; then the reading goes on."""
    transport.read(*TYPE_CODE)
    number = plant.troubles.set(Order(Trouble.LOCKED, door=door))
    with pytest.raises(DeviceUnreachable, match="locked"):
        transport.read(*TYPE_CODE)
    plant.troubles.clear(number)
    asked = plant.door(door).requests
    time.advance(LOCK_S - 1)
    with pytest.raises(DeviceUnreachable, match="before"):
        transport.read(*TYPE_CODE)
    silent = asked == plant.door(door).requests
    time.advance(1)

    assert silent
    assert (0x0E03,) == transport.read(*TYPE_CODE)


def test_a_busy_dongle_keeps_its_session(plant: VirtualPlant, door: str, transport: Winet) -> None:
    """Busy for all it is asked: exception 6; afterwards the same session answers."""
    transport.read(*TYPE_CODE)
    number = plant.troubles.set(Order(Trouble.BUSY, door=door))
    with pytest.raises(RegisterRefused) as caught:
        transport.read(1, Space.INPUT, 5000, 2)
    plant.troubles.clear(number)

    assert 6 == caught.value.code
    assert plant.face.read(door, 1, "input", 5000, 2) == list(
        transport.read(1, Space.INPUT, 5000, 2)
    )


def test_registers_that_are_never_forwarded_are_refused_at_once(
    plant: VirtualPlant, door: str, transport: Winet
) -> None:
    """As an illegal address, told from a busy dongle within a few requests."""
    plant.troubles.switch(Quirk.NOT_FORWARDED)
    before = plant.door(door).requests
    with pytest.raises(RegisterRefused) as caught:
        transport.read(1, Space.INPUT, 6099, 10)
    asked = plant.door(door).requests - before

    assert 2 == caught.value.code
    assert asked <= 2 * MAX_REFUSED_TRIES + 4  # connect, login, devicelist, and the questions.


def test_another_certificate_is_refused_in_words(plant: VirtualPlant, pins: MemoryPins) -> None:
    """Both fingerprints are named, and no password is sent behind the new one."""
    transport = _to(plant, "winet-tls", pins)
    transport.read(*TYPE_CODE)
    transport.close()
    dongle = plant.door("winet-tls")
    before, after = dongle.certificate.fingerprint(), dongle.certificate.regenerate()
    asked = dongle.requests
    with pytest.raises(WrongDevice) as caught:
        transport.read(*TYPE_CODE)
    transport.close()

    assert before in str(caught.value) and after in str(caught.value)
    assert asked == dongle.requests


def test_one_session_is_given_back(plant: VirtualPlant, door: str, pins: MemoryPins) -> None:
    """Where a second one is refused, the next client gets in after we have closed."""
    first = _to(plant, door, pins)
    first.read(*TYPE_CODE)
    first.close()
    second = _to(plant, door, pins)
    words = second.read(*TYPE_CODE)
    second.close()

    assert (0x0E03,) == words


def test_a_write_takes_the_newer_firmware(plant: VirtualPlant, door: str, transport: Winet) -> None:
    """Document 13052 (forced power) is written and read back, or refused in words."""
    if door == "winet-tls":
        transport.write(1, 13051, (1500,))
        words = transport.read(1, Space.HOLDING, 13051, 1)

        assert (1500,) == words
        return
    with pytest.raises(RegisterRefused, match="writes no registers"):
        transport.write(1, 13051, (1500,))


TROUBLES = {
    Trouble.DROP: (0.0, DeviceTimeout),
    Trouble.CLOSE: (0.0, LinkClosed),
    Trouble.GARBLE: (0.0, ProtocolError),
    Trouble.LATE_REPLY: (LATE_S, DeviceTimeout),
    Trouble.SLOW_DRIP: (LATE_S, DeviceTimeout),
    Trouble.SHORT_FRAME: (0.0, EgretError),
}


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_what_a_trouble_spoils_is_an_error_and_not_a_value(
    plant: VirtualPlant, door: str, transport: Winet, trouble: Trouble
) -> None:
    """Each has its meaning, and the first request after it is right again."""
    value, kind = TROUBLES[trouble]
    before = transport.read(*TYPE_CODE)
    number = plant.troubles.set(Order(trouble, door=door, value=value))
    with pytest.raises(kind):
        transport.read(1, Space.INPUT, 5000, 2)
    plant.troubles.clear(number)

    assert before == transport.read(*TYPE_CODE)


def test_a_slow_answer_is_waited_for(plant: VirtualPlant, door: str, transport: Winet) -> None:
    """Within its patience, a late answer is an answer."""
    plant.troubles.set(Order(Trouble.LATENCY, door=door, value=SOON_S))

    assert (0x0E03,) == transport.read(*TYPE_CODE)
