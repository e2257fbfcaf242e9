"""What a phone reads of the door."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.client.door_state import ADVERTISING, DoorState, parse
from bluetooth.client.errors import NoAnswer
from bluetooth.window import ADVERTISING as WINDOW_ADVERTISING
from bluetooth.window import State
from bluetooth_unit_test.house import NEW, House


def test_the_doors_own_value_is_understood() -> None:
    """All of it."""
    found = parse(House(NEW).door.state_value())

    assert DoorState("fresh", None, False, 5, (1,)) == found
    assert found.lets_in


@pytest.mark.parametrize("state", State)
def test_every_state_has_words(state: State) -> None:
    """And the states that let somebody in are the door's own."""
    found = DoorState(state.value)

    assert found.words
    assert (state in WINDOW_ADVERTISING) is found.lets_in
    assert {str(each) for each in WINDOW_ADVERTISING} == ADVERTISING


def test_what_a_later_box_adds_is_no_error() -> None:
    """A state without words is shown as it is."""
    found = parse(b'{"state":"ajar","left_s":3,"new":[1]}')

    assert ("ajar", 3.0, "ajar") == (found.state, found.left_s, found.words)
    assert not found.lets_in


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x",
        b"[]",
        b"\xff",
        b'{"left_s":"x"}',
        b'{"session":1}',
        b"[" * 3000,
        b'{"attempts_left":Infinity}',
        b'{"left_s":1' + b"0" * 400 + b"}",
        b'{"session":[null]}',
    ],
)
def test_nonsense_is_said_to_be(value: bytes) -> None:
    """And never raises anything else."""
    with pytest.raises(NoAnswer, match="how its door stands"):
        parse(value)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_no_value_breaks_it(value: object) -> None:
    """Whatever stands in the fields."""
    fields = dict.fromkeys(("state", "left_s", "legacy", "attempts_left", "session"), value)

    with suppress(NoAnswer):
        assert isinstance(parse(json.dumps(fields).encode()).words, str)


@given(st.binary(max_size=512))
def test_no_bytes_break_it(value: bytes) -> None:
    """Nor what is no JSON at all."""
    with suppress(NoAnswer):
        parse(value)
