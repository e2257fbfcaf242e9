"""Profile files become profiles, or words that say what to change."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.devices import profile as module
from server.devices.driver import Driver
from server.devices.profile import BUILT_IN, Profile, find_profile, load_profiles
from server.devices.registers import MAX_STRING_WORDS, RegisterType
from server.model.device import Space
from server.model.quantity import QUANTITIES, Kind

GOOD = """\
name     = "acme"
aliases  = ["acme_one"]
maker    = "Acme"
title    = "Acme inverter"
document = "Acme manual 3"
first_address = 40001
blocks = [
    { space = "holding", from = 40001, to = 40100 },
]
evidence = [ { space = "holding", at = 40002, as = "u16", least = 1, most = 9 } ]

[limits]
max_words = 50

[unavailable]
u16 = 0xFFFF
i16 = 0x8000

[registers]
holding = [
    { at = 40001, as = "str", words = 8,               is = "serial", poll = false },
    { at = 40010, as = "i16", scale = 0.1, unit = "W", is = "pv_power" },
    { at = 40011, as = "u16", labels = "state",        is = "work_state" },
    { at = 40012, as = "u16",                          name = "anything" },
]

[labels.state]
0 = "off"
0x1 = "on"

[[capabilities]]
name  = "limit"
at    = 40050
as    = "u16"
unit  = "W"
least = 0
most  = 5000
needs = "switch"

[[capabilities]]
name    = "switch"
at      = 40051
as      = "u16"
choices = { on = 1, off = 0 }

[models]
0x01 = "One"
2    = "Two"
"""


def load(folder: Path, text: str, name: str = "acme.toml") -> tuple[Profile | None, list[str]]:
    """The profile of one file, and what is wrong with it."""
    (folder / name).write_text(text, encoding="utf-8")
    loaded = load_profiles(folder)
    return loaded.profiles.get("acme"), list(loaded.problems)


def test_a_good_file_is_a_profile(tmp_path: Path) -> None:
    """Addresses are turned into those on the wire, markers into the numbers decoded."""
    profile, problems = load(tmp_path, GOOD)

    assert [] == problems
    assert profile is not None
    serial, power, state, anything = profile.registers
    assert (0, 8, False) == (serial.address, serial.count, serial.polled)
    assert (40010, 9, Space.HOLDING) == (power.at, power.address, power.space)
    assert (Fraction(1, 10), (-0x8000,)) == (power.scale, power.unavailable)
    assert ((0, "off"), (1, "on")) == state.labels
    assert ("", RegisterType.U16) == (anything.quantity, anything.type)
    assert {1: "One", 2: "Two"} == profile.models
    assert (0, 99) == (profile.blocks[0].first, profile.blocks[0].last)
    assert [49, 50] == [each.address for each in profile.capabilities]
    assert power is profile.register("pv_power")


FAULTS: dict[str, tuple[str, str, str]] = {
    "unknown quantity": ('"pv_power"', '"pv_powr"', r"registers.holding\[1\].is: .*pv_power"),
    "wrong unit": ('unit = "W", is', 'unit = "kW", is', r".*unit: 'kW' should be 'W'"),
    "unknown type": ('as = "i16"', 'as = "i17"', r".*as: 'i17' should be one of u16, i16"),
    "unknown key": ("scale = 0.1", "scal = 0.1", r"registers.holding\[1\].scal: .*unknown"),
    "wrong kind": ("at = 40010", 'at = "40010"', r".*at: Expected `int`, got `str`"),
    "scale of nothing": ("scale = 0.1", "scale = 0", r".*scale: should not be 0"),
    "below the first address": ("at = 40010", "at = 4001", r".*at: 4001 should be between"),
    "outside the blocks": ("at = 40012", "at = 40200", r".*at: 40200 should lie within one"),
    "overlap": ("at = 40010", "at = 40008", r".*at: 40008 overlaps registers.holding\[0\]"),
    "two of one": (
        'name = "anything"',
        'unit = "W", is = "pv_power"',
        r".*prefer: pv_power is",
    ),
    "a state without labels": ('labels = "state",', "", r".*labels: work_state is a state"),
    "labels that are not there": (
        'labels = "state"',
        'labels = "x"',
        r".*labels: 'x' .*state",
    ),
    "a label of no number": ('0x1 = "on"', 'one = "on"', r"labels.state.one: 'one' should be"),
    "bits where none belong": (
        'labels = "state", ',
        'bits = "flags", labels = "state", ',
        r".*bits: 'flags' should be the name of a table \(none is defined\)",
    ),
    "a number that is text": (
        'as = "i16", scale = 0.1',
        'as = "str", words = 2',
        ".*as: pv_power",
    ),
    "a string of no length": ("words = 8,", "", r".*words: should be 1 to 32"),
    "a length of a number": (
        'as = "i16"',
        'as = "i16", words = 1',
        r".*words: is for strings",
    ),
    "a marker of no type": (
        "u16 = 0xFFFF",
        "u61 = 0xFFFF",
        r"unavailable.u61: 'u61' should be one",
    ),
    "a marker for floats": ("u16 = 0xFFFF", "f32 = 0xFFFF", r"unavailable.f32: only whole numbers"),
    "a scale from nowhere": ("scale = 0.1", "scale_from = 40099", r".*scale_from: should be"),
    "too many words": (
        "max_words = 50",
        "max_words = 126",
        r"limits.max_words: should be 1 to",
    ),
    "a gap too wide": ("max_words = 50", "max_gap = 125", r"limits.max_gap: should be 0 to"),
    "a block turned round": (
        "from = 40001, to = 40100",
        "from = 40101, to = 40100",
        r"blocks\[0\].to: should not lie before",
    ),
    "a block nowhere": ("from = 40001", "from = 7", r"blocks\[0\].from: 7 should be between"),
    "evidence in text": (
        'at = 40002, as = "u16"',
        'at = 40002, as = "f32"',
        r"evidence\[0\].as",
    ),
    "a model twice": ('2    = "Two"', '1 = "Two"', r"models.1: is One already"),
    "a model of no code": ('2    = "Two"', '70000 = "Two"', r"models.70000: '70000' should be a"),
    "a capability twice": ('"switch"\nat', '"limit"\nat', r"capabilities\[\d\]\.\w+: "),
    "a need of nothing": ('needs = "switch"', 'needs = "x"', r"capabilities\[0\].needs: 'x'"),
    "a capability without bounds": (
        "least = 0",
        "step = 1",
        r"capabilities\[0\]: should have",
    ),
    "bounds turned round": (
        "least = 0",
        "least = 6000",
        r"capabilities\[0\].most: should not be",
    ),
    "a name in capitals": ('"acme"', '"Acme"', r"name: 'Acme' should be lower case"),
    "an alias in capitals": ('"acme_one"', '"Acme 1"', r"aliases\[0\]: 'Acme 1' should be"),
    "a taken name": ('"acme"', '"sungrow_string"', r"name: 'sungrow_string' is taken by"),
    "a taken alias": ('"acme_one"', '"sungrow"', r"name: 'sungrow' is taken by sungrow_string"),
    "no TOML": ("[limits]", "[limits", r"not valid TOML"),
    "a key missing": ('maker    = "Acme"\n', "", r"maker: .*missing required field `maker`"),
}


ELSEWHERE = {
    "a key missing": 1,
    "a taken alias": 1,
    "a capability twice": 32,
    "a capability without bounds": 31,
    "bounds turned round": 37,
}
"""Faults that are named on another line than the one that was changed."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_by_file_line_and_key(tmp_path: Path, fault: str) -> None:
    """One line says where, what is wrong and what it should be; everything else still loads."""
    old, new, words = FAULTS[fault]
    assert old in GOOD

    profile, problems = load(tmp_path, GOOD.replace(old, new, 1))

    assert profile is None
    assert 1 == len(problems)
    line = ELSEWHERE.get(fault, 1 + GOOD[: GOOD.index(old)].count("\n"))
    assert re.match(f"acme.toml:{line}: {words}", problems[0]), problems
    assert "sungrow_hybrid" in load_profiles(tmp_path).profiles


def test_one_address_is_polled_in_one_space(tmp_path: Path) -> None:
    """Raw words are delivered by address alone, so a second space would overwrite the first."""
    text = GOOD.replace("blocks = [", "_ = [").replace(
        "[registers]", '[registers]\ninput = [\n{ at = 40012, as = "u16", name = "x" },\n]'
    )
    text = re.sub(r"_ = \[.*?\n\]\n", "", text, flags=re.DOTALL)

    profile, problems = load(tmp_path, text)
    unpolled, none = load(tmp_path, text.replace('name = "x"', 'name = "x", poll = false'))

    assert profile is None
    assert "polled as input and as holding register" in problems[0]
    assert ([], "acme") == (none, unpolled and unpolled.name)


def test_no_registers_no_profile(tmp_path: Path) -> None:
    """A file that lists nothing to read is a mistake."""
    _, problems = load(tmp_path, re.sub(r"holding = \[.*?\n\]\n", "", GOOD, flags=re.DOTALL))

    assert ["acme.toml:19: registers: should list at least one register"] == problems


def test_too_many_registers_are_refused(tmp_path: Path) -> None:
    """MAX_REGISTERS bounds one profile."""
    lines = "\n".join(f'{{ at = {n}, as = "u16" }},' for n in range(module.MAX_REGISTERS + 1))
    head = GOOD.split("first_address")[0]

    _, problems = load(tmp_path, f"{head}[registers]\ninput = [\n{lines}\n]\n")

    assert "should be at most 2000" in problems[0]
    assert 32 == MAX_STRING_WORDS


def test_too_many_profiles_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MAX_PROFILES bounds a folder; what is beyond is named."""
    monkeypatch.setattr(module, "MAX_PROFILES", 3)

    loaded = load_profiles(tmp_path) if load(tmp_path, GOOD) else None

    assert loaded is not None
    assert ("acme.toml:1: more than 3 profiles",) == loaded.problems


def test_a_missing_folder_is_an_empty_one(tmp_path: Path) -> None:
    """A box without profiles of its own has none to report."""
    loaded = load_profiles(tmp_path / "profiles")

    assert () == loaded.problems
    assert {"sungrow_string", "sungrow_hybrid"} <= set(loaded.profiles)


def test_a_file_of_the_owner_cannot_replace_a_bundled_one(tmp_path: Path) -> None:
    """The first one loaded keeps its name."""
    text = (BUILT_IN / "sungrow_string.toml").read_text(encoding="utf-8")

    _, problems = load(tmp_path, text.replace("SG5.0RT", "SG5"), "mine.toml")

    assert 1 == len(problems)
    assert "SG5.0RT" == load_profiles(tmp_path).profiles["sungrow_string"].models[0x2430]


@pytest.mark.parametrize(
    "name,expected",
    [
        ("sungrow", "sungrow_string"),
        ("SUNGROW", "sungrow_string"),
        ("sungrow_string", "sungrow_string"),
        ("sungrow_hybrid", "sungrow_hybrid"),
        ("huawei", None),
    ],
)
def test_device_types_of_older_clients_are_found(name: str, expected: str | None) -> None:
    """Phone apps say `sungrow` and `sungrow_hybrid`, in any case."""
    found = find_profile(load_profiles().profiles, name)

    assert expected == (found.name if found else None)


BUNDLED = load_profiles().profiles


@pytest.mark.parametrize("name", sorted(BUNDLED))
def test_bundled_profiles_load_and_can_be_read(name: str) -> None:
    """Nothing is wrong with them, and every poll is a handful of requests."""
    profile = BUNDLED[name]

    plan = Driver(profile, 1).plan

    assert () == load_profiles().problems
    assert 1 <= len(plan) <= 6
    assert sum(block.count for block in plan) <= 250


@pytest.mark.parametrize(
    "name,quantity,at,scale",
    [
        ("sungrow_string", "yield_energy", 5144, 100),
        ("sungrow_hybrid", "yield_energy", 5004, 100),
        ("sungrow_hybrid", "battery_power", 5214, 1),
        ("sungrow_hybrid", "grid_power", 13010, -1),
        ("sungrow_string", "grid_power", 5083, 1),
        ("sungrow_hybrid", "load_power", 13008, 1),
        ("sungrow_string", "load_power", 5091, 1),
        ("sungrow_hybrid", "pv_power", 5017, 1),
    ],
)
def test_signs_and_scales_of_the_vendor(name: str, quantity: str, at: int, scale: int) -> None:
    """Where families differ or count the other way round, the profile says so."""
    register = BUNDLED[name].register(quantity)

    assert register is not None
    assert (at, at - 1, Fraction(scale)) == (register.at, register.address, register.scale)


def test_no_code_is_in_two_families() -> None:
    """A type code leads to one profile."""
    codes = [code for profile in BUNDLED.values() for code in profile.models]

    assert len(set(codes)) == len(codes)


def test_the_four_powers_are_served_by_every_family() -> None:
    """What the page shows as the energy flow is in every profile that has it."""
    for name, wanted in (("sungrow_hybrid", 4), ("sungrow_string", 3)):
        powers = ("pv_power", "grid_power", "battery_power", "load_power")
        found = [power for power in powers if BUNDLED[name].register(power)]
        assert wanted == len(found)
        assert all(QUANTITIES[power].kind is Kind.GAUGE for power in found)


@given(cut=st.integers(0, len(GOOD)), noise=st.binary(max_size=12))
def test_no_file_makes_it_fall(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes
) -> None:
    """A profile with noise anywhere is a profile, or words that name the file; no other is lost."""
    folder = tmp_path_factory.mktemp("profiles")
    good = GOOD.encode()
    (folder / "acme.toml").write_bytes(good[:cut] + noise + good[cut:])

    loaded = load_profiles(folder)

    assert len(loaded.profiles) + len(loaded.problems) == 1 + len([*BUILT_IN.glob("*.toml")])
    assert all(each.startswith("acme.toml") for each in loaded.problems)
