"""The table of who may do what."""

import itertools

from bluetooth.paths import Access
from bluetooth.rules import CLEAR, EVERYTHING, NOTHING, RULES
from bluetooth.window import ADVERTISING, State


def test_every_standing_has_a_row() -> None:
    """No state of the door is without an answer."""
    assert set(itertools.product(State, (False, True))) == set(RULES)


def test_what_is_refused_is_refused_in_words() -> None:
    """Wherever something is not let through, the row says why and what to do."""
    silent = [row for row in RULES.values() if len(row.why_not) < 20]

    assert [] == silent


def test_what_is_the_owners_needs_the_label_in_every_state() -> None:
    """However open the door is: in the clear it could be made up by anybody in range."""
    assert CLEAR == EVERYTHING - {Access.OWN}
    assert not [row for row in RULES.values() if Access.OWN in row.plain]
    assert {EVERYTHING, NOTHING} == {row.session for row in RULES.values()}


def test_changes_in_the_clear_need_a_person_and_the_owners_leave() -> None:
    """Only where the button was pressed (or the owner asked) and legacy apps are on."""
    lets_in = [key for key, row in RULES.items() if Access.CHANGE in row.plain or row.improv]

    assert [(State.OPEN, True)] == lets_in


def test_nothing_passes_a_door_that_is_not_advertised() -> None:
    """Closed is closed, for sessions too."""
    shut = [row for (state, _), row in RULES.items() if state not in ADVERTISING]

    assert {NOTHING} == {row.session for row in shut} | {row.plain for row in shut}
