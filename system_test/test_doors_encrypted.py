"""The driver of the encrypted door against the door itself: two witnesses of one scheme."""

from collections.abc import Iterator, Mapping

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
)
from server.model.device import Space
from server.ports import RegisterReader
from server.transports.modbus_tcp import ModbusTcp
from server.transports.sungrow_tcp import SungrowTcp
from server_unit_test.contracts.fake_clock import FakeClock
from simulator.clock import ManualClock
from simulator.encrypted_door import Keys
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Quirk, Trouble

PROFILES = load_profiles().profiles
NOON_S = 1_782_043_200
DAY_S = 86_400.0
PATIENCE_S = 0.5
"""The driver's, for one answer; LATE_S is beyond it, SOON_S well within."""
SOON_S = 0.02
LATE_S = 1.0


@pytest.fixture
def clock() -> ManualClock:
    """Plant time in the test's hands: what a register holds can be foretold."""
    return ManualClock(NOON_S)


@pytest.fixture
def plant(clock: ManualClock) -> Iterator[VirtualPlant]:
    """A hybrid with both Modbus doors."""
    with VirtualPlant(doors={"modbus": 0, "encrypted": 0}, seed=3, clock=clock) as running:
        yield running


@pytest.fixture
def transport(plant: VirtualPlant) -> Iterator[SungrowTcp]:
    """The driver under test, with little patience."""
    opened = _to(plant)
    yield opened
    opened.close()


def _to(plant: VirtualPlant, reconnects: bool = True, clock: FakeClock | None = None) -> SungrowTcp:
    host, port = plant.doors["encrypted"].split(":")
    return SungrowTcp(host, int(port), timeout_s=PATIENCE_S, reconnects=reconnects, clock=clock)


def _polled(reader: RegisterReader) -> Polled:
    polled = Driver(PROFILES["sungrow_hybrid"], 1).poll(reader, lambda: False)
    assert isinstance(polled, Polled)
    return polled


def _pass_a_day(plant: VirtualPlant, clock: ManualClock) -> None:
    """And let the plant live through it here, so that no request has to wait for that."""
    clock.advance(DAY_S)
    plant.moment()


def _plain_words(plant: VirtualPlant) -> Mapping[int, int]:
    """What the plain door shows at this moment."""
    plain = ModbusTcp(plant.host, plant.port)
    try:
        return _polled(plain).words
    finally:
        plain.close()


@pytest.mark.parametrize("reconnects", [True, False])
def test_values_are_the_plants(plant: VirtualPlant, reconnects: bool) -> None:
    """Both kinds of client see every word that the plain door shows, and the plant's truth."""
    transport = _to(plant, reconnects)
    polled, truth = _polled(transport), plant.truth()
    transport.close()

    assert _plain_words(plant) == polled.words
    assert () == polled.refused
    assert truth["battery_power"] == polled.values["battery_power"]
    assert round(truth["battery_soc"] * 1000) == round(float(polled.values["battery_soc"]) * 10)
    assert truth["load_power"] == polled.values["load_power"]


def test_an_address_is_all_it_takes(plant: VirtualPlant, transport: SungrowTcp) -> None:
    """Profile, model and serial are found through the cipher as through the plain door."""
    identity = probe(transport, 1, PROFILES)

    assert ("sungrow_hybrid", "SH10RT", plant.serial) == (
        identity.profile,
        identity.model,
        identity.serial,
    )


@pytest.mark.parametrize("keys", [Keys.ZEROS, Keys.ONES, Keys.SHORT])
def test_a_device_without_a_key_is_read_plainly(
    plant: VirtualPlant, transport: SungrowTcp, keys: Keys
) -> None:
    """The same scheme serves it, on one connection."""
    plant.door("encrypted").hand_out(keys)

    assert _plain_words(plant) == _polled(transport).words
    assert 1 == plant.door("encrypted").exchanges


def test_the_battery_answers_too(transport: SungrowTcp) -> None:
    """A unit behind the same door, over the same connection and key."""
    transport.read(1, Space.INPUT, 4999, 1)

    assert 1 == len(transport.read(200, Space.INPUT, 10743, 1))


def test_what_is_written_is_there(plant: VirtualPlant, transport: SungrowTcp) -> None:
    """One word and several, read back through the other door."""
    transport.write(1, 13073, (4000,))
    transport.write(1, 13049, (2, 0xAA, 1500))
    plain = ModbusTcp(plant.host, plant.port)
    read = plain.read(1, Space.HOLDING, 13049, 3), plain.read(1, Space.HOLDING, 13073, 1)
    plain.close()

    assert ((2, 0xAA, 1500), (4000,)) == read


@pytest.mark.parametrize("garbage", [False, True])
def test_the_key_rolls_over_at_midnight(
    plant: VirtualPlant, clock: ManualClock, transport: SungrowTcp, garbage: bool
) -> None:
    """The device's midnight costs one read, whether it hangs up or answers garbage."""
    plant.door("encrypted").answers_garbage = garbage
    transport.read(1, Space.INPUT, 4999, 1)
    _pass_a_day(plant, clock)
    with pytest.raises((LinkClosed, ProtocolError)):
        transport.read(1, Space.INPUT, 4999, 1)

    assert _plain_words(plant) == _polled(transport).words
    assert 2 == plant.door("encrypted").exchanges


def test_a_midnight_that_both_know_costs_nothing(plant: VirtualPlant, clock: ManualClock) -> None:
    """A gateway and a device that share their day renew the key before it fails."""
    ours = FakeClock(utc_ms=NOON_S * 1000)
    transport = _to(plant, clock=ours)
    for _ in range(3):
        assert (0x0E03,) == transport.read(1, Space.INPUT, 4999, 1)
        ours.advance(DAY_S)
        _pass_a_day(plant, clock)
    transport.close()

    assert 3 == plant.door("encrypted").exchanges


RAISED: Mapping[Trouble, tuple[float, tuple[type[EgretError], ...]]] = {
    Trouble.LATENCY: (LATE_S, (DeviceTimeout,)),
    Trouble.DROP: (0, (DeviceTimeout,)),
    Trouble.CLOSE: (0, (LinkClosed,)),
    Trouble.GARBLE: (0, (ProtocolError, DeviceTimeout)),
    Trouble.LATE_REPLY: (LATE_S, (DeviceTimeout,)),
    Trouble.EXCEPTION: (2, (RegisterRefused,)),
    Trouble.SHORT_FRAME: (0, (DeviceTimeout, ProtocolError)),
    Trouble.SLOW_DRIP: (LATE_S, (DeviceTimeout,)),
    Trouble.BUSY: (0, (RegisterRefused,)),
    Trouble.LOCKED: (0, (LinkClosed,)),
    Trouble.CLOCK_WRONG: (DAY_S, (LinkClosed,)),
}
"""Trouble -> its value, and what may be raised. A wrong number alone is none: the scheme has no
other correlation than the order."""


def test_no_trouble_is_forgotten() -> None:
    """Each has its row, but for the one that no client can see."""
    assert set(Trouble) - set(RAISED) == {Trouble.WRONG_TRANSACTION}


@pytest.mark.parametrize("trouble", RAISED)
def test_recovery_takes_one_read(plant: VirtualPlant, trouble: Trouble) -> None:
    """A trouble in the middle of a session raises what it should; the next poll is complete."""
    value, raised = RAISED[trouble]
    transport = _to(plant, clock=_Ticking())
    transport.read(1, Space.INPUT, 4999, 1)
    number = plant.troubles.set(Order(trouble, door="encrypted", value=value))
    with pytest.raises(raised):
        transport.read(1, Space.INPUT, 13000, 40)
    plant.troubles.clear(number)
    polled = _polled(_Patient(transport))
    transport.close()

    assert _plain_words(plant) == polled.words


@pytest.mark.parametrize("trouble", Trouble)
def test_a_third_of_all_requests_in_trouble(plant: VirtualPlant, trouble: Trouble) -> None:
    """Exchanges and reads alike: what arrives is right, and something always arrives again."""
    late = trouble in (Trouble.LATENCY, Trouble.LATE_REPLY, Trouble.SLOW_DRIP)
    value = SOON_S if late else 0.0
    transport = _to(plant)
    truth = transport.read(1, Space.INPUT, 13000, 40)
    plant.troubles.set(Order(trouble, door="encrypted", rate=0.33, value=value))
    seen, failed = [], 0
    for _ in range(20):
        try:
            seen.append(transport.read(1, Space.INPUT, 13000, 40))
        except EgretError:
            failed += 1
    plant.troubles.clear()
    with_patience = _Patient(transport).read(1, Space.INPUT, 13000, 40)
    transport.close()

    assert {truth} == {*seen, with_patience}
    assert failed < 20


@pytest.mark.parametrize("quirk", Quirk)
def test_no_quirk_invents_a_value(plant: VirtualPlant, transport: SungrowTcp, quirk: Quirk) -> None:
    """What is read under a quirk is what the plain door shows under it."""
    plant.troubles.switch(quirk)
    words = _polled(transport).words

    assert _plain_words(plant) == words


class _Ticking(FakeClock):
    """A clock that moves a little with each look, so that limits over a whole answer end."""

    def monotonic(self) -> float:
        """Fifty milliseconds later each time."""
        self.advance(0.05)
        return super().monotonic()


class _Patient:
    """A reader that asks once more after an error, as the link's next poll would."""

    def __init__(self, transport: SungrowTcp) -> None:
        self._transport = transport

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """As RegisterReader."""
        try:
            return self._transport.read(unit_id, space, address, count)
        except (LinkClosed, DeviceTimeout, DeviceUnreachable, ProtocolError):
            return self._transport.read(unit_id, space, address, count)
