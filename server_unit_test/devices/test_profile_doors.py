"""Doors and children, as profiles tell of them."""

from pathlib import Path

import pytest

from server.devices.profile import load_profiles
from server.devices.profile_doors import MAX_CHILD_UNITS, Child, Door
from server.model.device import Space

HEAD = """
name = "acme"
maker = "Acme"
title = "Acme inverter"
document = "Acme manual"
first_address = 1
"""
BODY = """
[registers]
input = [{ at = 11, as = "u16", unit = "W", is = "grid_power" }]
"""


def problem(tmp_path: Path, text: str) -> str:
    """What is wrong with a profile, if anything."""
    (tmp_path / "acme.toml").write_text(text, encoding="utf-8")
    return "".join(load_profiles(tmp_path).problems)


def test_a_door_lists_what_it_cannot_know(tmp_path: Path) -> None:
    """By the vendor's address; a door that is not told of is not known."""
    text = HEAD + BODY + "[doors.winet]\ndoubts_zeros = true\nunknown = [11]\n"

    assert "" == problem(tmp_path, text)

    doors = load_profiles(tmp_path).profiles["acme"].doors
    assert {"winet": Door(True, frozenset({(Space.INPUT, 10)}))} == dict(doors)


def test_an_address_without_a_register_is_refused(tmp_path: Path) -> None:
    """It would be a slip of the pen that nobody notices."""
    text = HEAD + BODY + "[doors.winet]\nunknown = [12]\n"

    assert "doors.winet.unknown: 12 should be `at` of a register" in problem(tmp_path, text)


def test_children_are_looked_for_on_their_units(tmp_path: Path) -> None:
    """In the order in which the units are given."""
    text = HEAD + 'children = [{ profile = "cell", units = [200, 2] }]\n' + BODY

    assert "" == problem(tmp_path, text)

    assert (Child("cell", (200, 2)),) == load_profiles(tmp_path).profiles["acme"].children


@pytest.mark.parametrize("units", [[], [256], [*range(MAX_CHILD_UNITS + 1)]])
def test_units_that_cannot_be_are_refused(tmp_path: Path, units: list[int]) -> None:
    """None at all, more than MAX_CHILD_UNITS, or no byte."""
    text = HEAD + f'children = [{{ profile = "cell", units = {units} }}]\n' + BODY

    assert "children[0].units: should be" in problem(tmp_path, text)


def test_bundled_children_are_bundled_profiles() -> None:
    """A child whose profile is missing would never be found."""
    profiles = load_profiles().profiles

    wanted = {child.profile for each in profiles.values() for child in each.children}

    assert {"sungrow_battery"} == wanted & set(profiles) == wanted
