"""Zeros that stand for a refusal are never published."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.devices.doubt import MAX_DOUBT_CLOSINGS, MAX_DOUBT_FAILURES, MAX_DOUBTS_PER_POLL
from server.devices.driver import Driver, Polled
from server.devices.profile import Profile, load_profiles
from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    LinkClosed,
    ProtocolError,
    RegisterRefused,
)
from server.model.device import Space
from server.model.snapshot import Refusal
from server_unit_test.contracts.fake_transport import FakeTransport

HEAD = """
name = "acme"
maker = "Acme"
title = "Acme inverter"
document = "Acme manual"
"""
REGISTERS = """
[registers]
input = [
    { at = 1, as = "u16", unit = "W", is = "grid_power" },
    { at = 2, as = "i32", unit = "W", is = "load_power" },
    { at = 4, as = "u16", bits = "faults", is = "faults" },
    { at = 5, as = "u16", bits = "faults", is = "faults" },
    { at = 6, as = "u16", unit = "W", is = "pv_power" },
    { at = 7, as = "u16", unit = "W", is = "pv_power", prefer = 1 },
]
[bits.faults]
"""
DOORS = "[doors.told]\nunknown = [1]\n[doors.wary]\ndoubts_zeros = true\n"
WORDS = {1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 70, 7: 0}


class Dongle(FakeTransport):
    """Refuses some registers asked for alone, and answers them inside a block."""

    def __init__(self, words: dict[int, int], hidden: dict[int, Exception]) -> None:
        super().__init__(words)
        self.hidden = hidden

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """A block of one register is refused."""
        words = super().read(unit_id, space, address, count)
        if count <= 2 and address in self.hidden:
            raise self.hidden[address]
        return words


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """Six registers, three doors."""
    folder = tmp_path_factory.mktemp("profiles")
    (folder / "acme.toml").write_text(HEAD + REGISTERS + DOORS, encoding="utf-8")
    return load_profiles(folder).profiles["acme"]


def refused(*addresses: int, code: int = 2) -> dict[int, Exception]:
    """What a dongle hides."""
    return dict.fromkeys(addresses, RegisterRefused(code, "hidden"))


def polled(driver: Driver, device: FakeTransport, preempted: bool = False) -> Polled:
    """One poll."""
    result = driver.poll(device, lambda: preempted, None, 9)
    assert isinstance(result, Polled)
    return result


def test_without_a_door_every_zero_is_believed(acme: Profile) -> None:
    """As most devices deserve; nothing is asked for alone."""
    device = FakeTransport(WORDS)

    result = polled(Driver(acme, 1), device)

    expected = {"grid_power": 0, "load_power": 0, "faults": "", "pv_power": 0}
    assert (expected, 1) == (result.values, len(device.requests))


def test_a_register_that_a_door_cannot_know_is_never_zero(acme: Profile) -> None:
    """What the profile tells needs no asking; another number is believed."""
    driver = Driver(acme, 1, scheme="told")
    device = FakeTransport(WORDS)

    silent = polled(driver, device)
    device.input[1] = 5
    speaking = polled(driver, device)

    assert "grid_power" not in silent.values and 1 not in silent.words
    assert (5, 2) == (speaking.values["grid_power"], len(device.requests))


def test_a_register_that_is_not_known_is_not_asked_for_alone(tmp_path: Path) -> None:
    """A request for nothing else is left out."""
    alone = REGISTERS.replace("at = 1,", "at = 99,")
    doors = "[doors.told]\nunknown = [99]\n"
    (tmp_path / "acme.toml").write_text(HEAD + alone + doors, encoding="utf-8")
    driver = Driver(load_profiles(tmp_path).profiles["acme"], 1, scheme="told")

    assert [2] == [block.address for block in driver.plan]


def test_zeros_that_answer_alone_are_measurements(acme: Profile) -> None:
    """Each is asked for once, and published in the same poll."""
    driver = Driver(acme, 1, scheme="wary")
    device = FakeTransport(WORDS)

    first = polled(driver, device)
    asked = len(device.requests)
    polled(driver, device)

    assert {"grid_power": 0, "load_power": 0, "faults": "", "pv_power": 0} == first.values
    assert (6, 7) == (asked, len(device.requests))


def test_zeros_that_are_refused_alone_are_not(acme: Profile) -> None:
    """They are shown as refused, the lesser register takes their place, and nobody asks again."""
    driver = Driver(acme, 1, scheme="wary")
    device = Dongle(WORDS, refused(1, 7))

    results = [polled(driver, device) for _ in range(3)]

    expected = {"load_power": 0, "faults": "", "pv_power": 70}
    assert [expected] * 3 == [each.values for each in results]
    assert {1, 7}.isdisjoint(results[0].words)
    assert (
        Refusal(Space.INPUT, 1, 1, 2, 9),
        Refusal(Space.INPUT, 7, 1, 2, 9),
    ) == driver.refused
    assert 6 + 2 == len(device.requests)


def test_flags_stay_while_one_of_their_registers_is_believed(acme: Profile) -> None:
    """No fault is a statement: with none of them known it is not made."""
    some = polled(Driver(acme, 1, scheme="wary"), Dongle(WORDS, refused(4)))
    none = polled(Driver(acme, 1, scheme="wary"), Dongle(WORDS, refused(4, 5)))

    assert "" == some.values["faults"]
    assert "faults" not in none.values


def test_busy_settles_nothing(acme: Profile) -> None:
    """The zero is withheld, and asked for again."""
    driver = Driver(acme, 1, scheme="wary")
    device = Dongle(WORDS, refused(1, code=6))

    withheld = polled(driver, device)
    device.hidden.clear()
    known = polled(driver, device)

    assert ("grid_power" in withheld.values, known.values["grid_power"]) == (False, 0)
    assert () == driver.refused


def test_a_closed_connection_is_a_refusal_the_second_time(acme: Profile) -> None:
    """MAX_DOUBT_CLOSINGS: some firmwares refuse that way; the poll itself is kept."""
    driver = Driver(acme, 1, scheme="wary")
    device = Dongle(WORDS, {1: LinkClosed("closed")})

    counts = []
    for _ in range(MAX_DOUBT_CLOSINGS):
        assert "grid_power" not in polled(driver, device).values
        counts.append(len(driver.refused))

    assert [0, 1] == counts


@pytest.mark.parametrize(
    "failure",
    [DeviceTimeout("silent"), ProtocolError("garbled", b"x"), RegisterRefused(11, "no answer")],
)
def test_what_settles_nothing_costs_no_reading(acme: Profile, failure: EgretError) -> None:
    """Once a poll, behind all others; after MAX_DOUBT_FAILURES the zero stays withheld.

    The register came with its block just now: that it is not had alone says nothing of the link.
    """
    driver = Driver(acme, 1, scheme="wary")
    device = Dongle(WORDS, {1: failure, 2: failure})

    results = [polled(driver, device) for _ in range(2 * MAX_DOUBT_FAILURES + 4)]

    expected = {"faults": "", "pv_power": 0}
    assert expected == results[-1].values
    alone = [address for _, _, address, count in device.requests if count <= 2]
    assert [MAX_DOUBT_FAILURES] * 2 + [1] * 3 == [alone.count(each) for each in (1, 2, 4, 5, 7)]
    assert [1, 2] == [each.address for each in driver.refused]
    assert all("pv_power" in each.values for each in results)


def test_a_link_that_is_gone_is_the_links_concern(acme: Profile) -> None:
    """Somebody else may hold the session: it is not fought for."""
    device = Dongle(WORDS, {1: DeviceUnreachable("taken")})

    with pytest.raises(DeviceUnreachable):
        polled(Driver(acme, 1, scheme="wary"), device)


@given(st.data())
def test_no_zero_is_published_that_is_not_known(acme: Profile, data: st.DataObject) -> None:
    """Whatever a door hides, and however: a zero that is published was answered alone."""
    words = {address: data.draw(st.sampled_from([0, 7])) for address in WORDS}
    failures = st.sampled_from(
        [RegisterRefused(2, "x"), RegisterRefused(6, "x"), LinkClosed("x"), DeviceTimeout("x")]
    )
    hidden = data.draw(st.dictionaries(st.sampled_from([*WORDS]), failures))
    driver = Driver(acme, 1, scheme="wary")
    device = Dongle(words, hidden)

    for _ in range(data.draw(st.integers(1, 12))):
        result = polled(driver, device)
        known = {address for address in words if words[address] or address not in hidden}
        assert ("grid_power" in result.values) <= (1 in known)
        assert ("load_power" in result.values) <= (2 in known or words[3] != 0)
        if result.values.get("pv_power") == 0:
            assert known & {6, 7}
        assert {address for address, word in result.words.items() if word == 0} <= known | {2, 3}


def test_what_is_more_important_goes_first(acme: Profile) -> None:
    """A poll of one frame is not made longer; its zeros wait."""
    device = FakeTransport(WORDS)

    result = polled(Driver(acme, 1, scheme="wary"), device, preempted=True)

    assert ({"pv_power": 70}, 1) == (result.values, len(device.requests))


def test_a_poll_asks_for_a_few(tmp_path: Path) -> None:
    """MAX_DOUBTS_PER_POLL bounds what the first polls cost."""
    lines = [
        f'{{ at = {n}, as = "u16", unit = "A", is = "mppt{n}_current" }},'
        for n in range(1, MAX_DOUBTS_PER_POLL + 3)
    ]
    registers = "[registers]\ninput = [\n" + "\n".join(lines) + "\n]\n"
    doors = "[doors.wary]\ndoubts_zeros = true\n"
    (tmp_path / "acme.toml").write_text(HEAD + registers + doors, encoding="utf-8")
    driver = Driver(load_profiles(tmp_path).profiles["acme"], 1, scheme="wary")
    device = FakeTransport(dict.fromkeys(range(1, MAX_DOUBTS_PER_POLL + 3), 0))

    first, second = polled(driver, device), polled(driver, device)

    wanted = (MAX_DOUBTS_PER_POLL, MAX_DOUBTS_PER_POLL + 2)
    assert wanted == (len(first.values), len(second.values))
