"""A machine is its table: what is not in it cannot happen."""

from enum import StrEnum

import pytest

from server.engine.machine import Machine, UnknownTransition


class Door(StrEnum):
    """States of a door."""

    OPEN = "open"
    SHUT = "shut"
    GONE = "gone"


class Push(StrEnum):
    """Events of a door."""

    OPEN = "open_it"
    SHUT = "shut_it"
    BURN = "burn_it"


DOOR = Machine(
    "door",
    Door.SHUT,
    {
        Door.SHUT: {Push.OPEN: Door.OPEN, Push.BURN: Door.GONE},
        Door.OPEN: {Push.SHUT: Door.SHUT, Push.BURN: Door.GONE},
        Door.GONE: {},
    },
)


def test_an_event_leads_where_the_table_says() -> None:
    """State and event give the next state."""
    assert Door.OPEN is DOOR.after(Door.SHUT, Push.OPEN)
    assert DOOR.allows(Door.OPEN, Push.SHUT)


def test_a_pair_that_is_not_in_the_table_raises() -> None:
    """An impossible event is a programmer error, loudly."""
    assert not DOOR.allows(Door.GONE, Push.OPEN)
    with pytest.raises(UnknownTransition, match="door: open_it in state gone"):
        DOOR.after(Door.GONE, Push.OPEN)


def test_a_table_without_a_row_for_a_reachable_state_is_refused() -> None:
    """A dead end must be written down as one."""
    with pytest.raises(UnknownTransition, match="no row for"):
        Machine("door", Door.SHUT, {Door.SHUT: {Push.OPEN: Door.OPEN}})


def test_the_diagram_is_drawn_from_the_table() -> None:
    """Every move is an arrow; events that lead to one state share it."""
    expected = """stateDiagram-v2
    [*] --> shut
    shut --> open: open it
    shut --> gone: burn it
    open --> shut: shut it
    open --> gone: burn it
    gone --> [*]"""

    assert expected == DOOR.mermaid()
