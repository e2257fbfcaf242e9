"""An address is asked what it is."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.devices import probe as module
from server.devices.probe import probe
from server.devices.profile import Profile, load_profiles
from server.errors import (
    DeviceTimeout,
    EgretError,
    LinkClosed,
    ProtocolError,
    RegisterRefused,
    UnsupportedDevice,
)
from server.model.device import Space
from server_unit_test.contracts.fake_transport import FakeTransport
from server_unit_test.devices.recorded import Recorded, recorded

PROFILES = load_profiles().profiles
MOODS = [
    RegisterRefused(2, "no such address"),
    RegisterRefused(6, "busy"),
    LinkClosed("closed"),
    DeviceTimeout("silent"),
    ProtocolError("garbled", b"x"),
]


@pytest.mark.parametrize("each", recorded(), ids=lambda each: each.name)
def test_recorded_devices_are_recognised(each: Recorded) -> None:
    """Profile, model, serial and whether the model is known, as recorded."""
    identity = probe(each.device(), each.unit_id, PROFILES)

    assert dict(each.identity) == {key: getattr(identity, key) for key in each.identity}


def test_an_unknown_code_is_told_by_what_answers() -> None:
    """A string inverter answers nothing of a battery; it is served, and not called verified."""
    device = FakeTransport({4999: 0x24FF, 5035: 500, 5037: 0})

    identity = probe(device, 1, PROFILES)

    assert ("sungrow_string", 0x24FF, False) == (
        identity.profile,
        identity.type_code,
        identity.verified,
    )
    assert "Sungrow, type code 0x24FF" == identity.model


def test_implausible_numbers_are_no_evidence() -> None:
    """A state of charge of 6000 % is not one: the next family is looked at."""
    device = FakeTransport({4999: 0x24FF, 5035: 500, 5037: 0, 13000: 9, 13022: 60000})

    assert "sungrow_string" == probe(device, 1, PROFILES).profile


ZEROS = {address: 0 for first in (4980, 12980) for address in range(first, first + 400)}


def test_zeros_alone_are_no_evidence() -> None:
    """Many a device answers every address with zeros; that is no sleeping inverter."""
    with pytest.raises(UnsupportedDevice, match="nothing but zeros.*unit 1"):
        probe(FakeTransport(ZEROS, ZEROS), 1, PROFILES)


@pytest.mark.parametrize("told", [{4999: 0x0EFF}, {4989: 0x4132}, {5035: 499}])
def test_one_word_among_zeros_is_evidence(told: dict[int, int]) -> None:
    """A code, a serial number or a frequency tells a device that has nothing else to say."""
    assert "sungrow_hybrid" == probe(FakeTransport(ZEROS | told), 1, PROFILES).profile


def test_a_device_without_a_type_code_is_served() -> None:
    """Some dongles do not forward the code; evidence is enough."""
    identity = probe(FakeTransport({5035: 500, 13000: 9, 13022: 784}), 1, PROFILES)

    assert ("sungrow_hybrid", None, False) == (
        identity.profile,
        identity.type_code,
        identity.verified,
    )


def test_progress_is_told_in_words() -> None:
    """Whoever waits hears what is being looked at."""
    heard: list[str] = []
    probe(FakeTransport({4999: 0x0E03}), 1, PROFILES, heard.append)

    assert ["Type code 0x0E03: Sungrow SH10RT"] == heard


@pytest.mark.parametrize(
    "served,words",
    [
        ({}, "refuses every register"),
        ({4999: 0x1234}, "not as any known family would"),
    ],
)
def test_what_nobody_serves_says_what_to_check(served: dict[int, int], words: str) -> None:
    """The error names the unit and what a person can look at."""
    with pytest.raises(UnsupportedDevice, match=f"{words}.*unit 3.*Modbus TCP is switched on"):
        probe(FakeTransport(served), 3, PROFILES)


def test_no_profiles_no_device() -> None:
    """Without a profile nothing is asked."""
    device = FakeTransport({4999: 0x0E03})
    none: Mapping[str, Profile] = {}

    with pytest.raises(UnsupportedDevice):
        probe(device, 1, none)

    assert [] == device.requests


def test_a_profile_without_a_type_code_has_its_evidence(tmp_path: Path) -> None:
    """A family that has no type codes is found by what it answers."""
    (tmp_path / "acme.toml").write_text(
        'name="acme"\nmaker="Acme"\ntitle="Acme meter"\ndocument="d"\n'
        'evidence=[{space="holding",at=7,as="u16",least=1,most=9}]\n'
        '[registers]\nholding=[{at=8,as="u16",unit="W",is="grid_power"}]\n',
        encoding="utf-8",
    )
    profiles = load_profiles(tmp_path).profiles

    identity = probe(FakeTransport(holding={7: 5}), 1, profiles)

    assert ("acme", "Acme", "") == (identity.profile, identity.model, identity.serial)


def test_silence_is_not_an_unsupported_device() -> None:
    """Whether it can be reached is another question than what it is."""
    device = FakeTransport()
    device.faults.append(DeviceTimeout("no answer"))

    with pytest.raises(DeviceTimeout):
        probe(device, 1, PROFILES)


def test_a_device_that_hangs_up_at_once_is_not_judged() -> None:
    """Closing on the first question says nothing about registers."""
    device = FakeTransport()
    device.faults.append(LinkClosed("closed"))

    with pytest.raises(LinkClosed):
        probe(device, 1, PROFILES)


def test_hanging_up_later_is_a_refusal() -> None:
    """Some firmwares close instead of refusing; after MAX_PROBE_CLOSINGS the link is dead."""
    device = FakeTransport({4999: 0x24FF, 5035: 500, 5037: 0})
    device.closing |= {(Space.INPUT, 13000), (Space.INPUT, 13022)}

    assert "sungrow_string" == probe(device, 1, PROFILES).profile
    assert 2 < module.MAX_PROBE_CLOSINGS


def test_a_dead_link_ends_the_questions(tmp_path: Path) -> None:
    """However many profiles there are, a device that only hangs up is given up."""
    wanted = module.MAX_PROBE_CLOSINGS + 2
    for number in range(wanted):
        (tmp_path / f"acme{number}.toml").write_text(
            f'name="acme{number}"\nmaker="Acme"\ntitle="t"\ndocument="d"\n'
            f'evidence=[{{space="input",at={number},as="u16",least=1,most=9}}]\n'
            '[registers]\nholding=[{at=8,as="u16",unit="W",is="grid_power"}]\n',
            encoding="utf-8",
        )
    device = FakeTransport({4999: 0x24FF})
    device.closing |= {(Space.INPUT, number) for number in (*range(wanted), 13000, 5035)}

    with pytest.raises(LinkClosed):
        probe(device, 1, load_profiles(tmp_path).profiles)


@given(st.data())
def test_no_answers_make_it_fall(data: st.DataObject) -> None:
    """A device that answers, refuses, hangs up and keeps silent as it likes is something that a
    profile serves, or an error of ours."""

    class Whim(FakeTransport):
        """Says whatever comes to its mind."""

        def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
            """Words, or none."""
            mood = data.draw(st.integers(0, 9))
            if mood == 0:
                raise data.draw(st.sampled_from(MOODS))
            word = st.sampled_from([0, 1, 0x0E03, 500, 0x7FFF, 0xFFFF]) | st.integers(0, 0xFFFF)
            return tuple(data.draw(st.lists(word, min_size=count, max_size=count)))

    try:
        identity = probe(Whim(), 1, PROFILES)
    except EgretError:
        return

    assert identity.profile in PROFILES
    assert identity.serial.isprintable()
