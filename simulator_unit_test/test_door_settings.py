"""What may be set of the doors: names, defaults by door, and words for what cannot be."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.door import DOOR_NAMES, ENCRYPTED, WINET, WINET_TLS
from simulator.door_settings import (
    MAX_PASSWORD_CHARACTERS,
    NAMES,
    DoorSettings,
    changed,
    parse_setting,
)
from simulator.encrypted_door import Keys

DOCUMENT = (Path(__file__).parents[1] / "docs" / "simulator.md").read_text()


def test_only_the_newer_firmware_wants_a_login() -> None:
    """Unless it is set for both."""
    usual, both = DoorSettings(), DoorSettings(login_required=True)

    assert [False, True] == [usual.rules(door).login_required for door in (WINET, WINET_TLS)]
    assert [True, True] == [both.rules(door).login_required for door in (WINET, WINET_TLS)]


def test_each_door_is_born_with_what_it_knows() -> None:
    """Rules for dongles, a folder for the one with a certificate, keys for the encrypted port."""
    settings = DoorSettings(certificate_folder="/keys", keys=Keys.ONES)

    born = {door: settings.at_birth(door) for door in DOOR_NAMES}

    encrypted = {"keys": Keys.ONES, "answers_garbage": False, "answers_plain": True}
    assert encrypted == born[ENCRYPTED]
    assert (["rules"], Path("/keys")) == (list(born[WINET]), born[WINET_TLS]["certificate_folder"])
    assert {} == born["modbus"]


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("second=refused", ("second", "refused")),
        ("token_life_s=1.5", ("token_life_s", 1.5)),
        ("login_required=True", ("login_required", True)),
        ("answers_garbage=false", ("answers_garbage", False)),
        ("answers_plain=false", ("answers_plain", False)),
        ("password=a=b", ("password", "a=b")),
        ("keys=zeros", ("keys", Keys.ZEROS)),
    ],
)
def test_settings_as_people_type_them(text: str, setting: tuple[str, Any]) -> None:
    """A name, an equals sign, and the value."""
    assert setting == parse_setting(text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "no setting 'colour'; there are: token_life_s"),
        ({"token_life_s": "long"}, "token_life_s is a number"),
        ({"token_life_s": True}, "token_life_s is a number"),
        ({"token_life_s": 0}, "give more than 0"),
        ({"second": "waits"}, "give takes or refused"),
        ({"password": ""}, "password has 1 to 128 characters"),
        ({"password": "x" * (MAX_PASSWORD_CHARACTERS + 1)}, "password has 1 to 128 characters"),
        ({"password": 7}, "password is a text"),
        ({"login_required": 1}, "login_required is true or false"),
        ({"keys": "gold"}, "no keys 'gold'; there are: daily, zeros, ones, short"),
    ],
)
def test_refused_in_words(changes: dict[str, Any], words: str) -> None:
    """What cannot be set is told with what can."""
    with pytest.raises(ValueError, match=words):
        changed(DoorSettings(), changes)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented(name: str) -> None:
    """Each is in the documentation."""
    assert f"`{name}`" in DOCUMENT


@given(st.text(max_size=40) | st.tuples(st.sampled_from(NAMES), st.text(max_size=20)).map("=".join))
def test_no_words_crash_it(text: str) -> None:
    """Whatever is typed, it is a setting that there is, or an error in words."""
    try:
        name, value = parse_setting(text)
        settings = changed(DoorSettings(), {name: value})
    except ValueError:
        return

    assert value == getattr(settings, name)
