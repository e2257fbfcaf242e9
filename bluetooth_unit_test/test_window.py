"""The door's state over time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.window import (
    ADVERTISING,
    ATTEMPT_FORGOTTEN_S,
    DEFAULT_WINDOW_S,
    FIRST_PAUSE_S,
    MAX_BAD_ATTEMPTS,
    MAX_PAUSES_COUNTED,
    MAX_WINDOW_S,
    MIN_PAUSE_S,
    MIN_WINDOW_S,
    PAUSE_CEILING_S,
    PAUSE_FORGOTTEN_S,
    TABLE,
    Event,
    State,
    UnknownTransition,
    Window,
    after,
    mermaid,
)


def fresh() -> Window:
    """A box that was never configured, at time 0."""
    window = Window()
    window.configure(False, DEFAULT_WINDOW_S, 0.0)
    return window


def exhaust(window: Window, now: float) -> float:
    """Fail until it pauses; how long the pause is."""
    for _ in range(MAX_BAD_ATTEMPTS):
        window.fail(now)
    standing = window.standing(now)
    assert State.PAUSED is standing.state
    assert standing.left_s is not None
    return standing.left_s


def test_after_a_start_the_door_is_closed() -> None:
    """Nobody can open it by cutting the power."""
    standing = Window().standing(5.0)

    assert (State.CLOSED, None, False) == (standing.state, standing.left_s, standing.advertises)


def test_opened_it_closes_by_itself() -> None:
    """It stays open for its window and not a moment longer."""
    window = Window()

    assert window.open(10.0)
    assert (State.OPEN, DEFAULT_WINDOW_S) == (window.standing(10).state, window.standing(10).left_s)
    assert State.OPEN is window.standing(10 + DEFAULT_WINDOW_S - 0.1).state
    assert State.CLOSED is window.standing(10 + DEFAULT_WINDOW_S).state


def test_opening_again_begins_the_window_anew() -> None:
    """A second press gives the whole time once more."""
    window = Window()
    window.open(0.0)
    window.open(100.0)

    assert DEFAULT_WINDOW_S == window.standing(100.0).left_s


def test_the_owner_closes_it() -> None:
    """And closing what is closed changes nothing."""
    window = Window()
    window.open(0.0)
    window.close(1.0)
    window.close(2.0)

    assert State.CLOSED is window.standing(2.0).state


def test_a_box_never_configured_can_be_found() -> None:
    """It advertises without an end, also after a window and after it was closed."""
    window = fresh()

    assert (State.FRESH, True) == (window.standing(1e6).state, window.standing(1e6).advertises)
    window.open(1e6)
    window.close(1e6 + 1)
    assert State.FRESH is window.standing(1e6 + 1).state
    window.open(2e6)
    assert State.FRESH is window.standing(2e6 + DEFAULT_WINDOW_S).state


def test_who_configures_a_fresh_box_may_finish() -> None:
    """It does not shut in the face of the phone that has just added the first device."""
    window = fresh()
    window.configure(True, 60.0, 100.0)

    assert (State.SETTLING, 60.0) == (window.standing(100).state, window.standing(100).left_s)
    assert State.CLOSED is window.standing(160.0).state


def test_a_box_forgotten_by_its_gateway_is_fresh_again() -> None:
    """After a factory reset it can be found as on its first day."""
    window = Window()
    window.configure(False, 60.0, 1.0)

    assert State.FRESH is window.standing(1.0).state


@pytest.mark.parametrize(
    ("asked_s", "given_s"),
    [(0.0, MIN_WINDOW_S), (MIN_WINDOW_S, 10.0), (60.0, 60.0), (1e9, MAX_WINDOW_S)],
)
def test_a_window_has_bounds(asked_s: float, given_s: float) -> None:
    """Neither too short for any phone nor open for ever."""
    window = Window(asked_s)
    window.open(0.0)

    assert given_s == window.standing(0.0).left_s


def test_five_bad_attempts_pause_the_door() -> None:
    """Each is counted down; the fifth closes it."""
    window = Window()
    window.open(0.0)
    left = []
    for _ in range(MAX_BAD_ATTEMPTS - 1):
        assert not window.fail(1.0)
        left.append(window.standing(1.0).attempts_left)

    assert [4, 3, 2, 1] == left
    assert window.fail(1.0)
    assert (State.PAUSED, False) == (window.standing(1.0).state, window.standing(1.0).advertises)
    assert FIRST_PAUSE_S == window.standing(1.0).left_s
    assert not window.fail(2.0)


def test_a_pause_ends_by_itself_with_the_door_closed() -> None:
    """Nothing opens it again but a person."""
    window = Window()
    window.open(0.0)
    pause_s = exhaust(window, 0.0)

    assert State.PAUSED is window.standing(pause_s - 0.1).state
    assert State.CLOSED is window.standing(pause_s).state
    assert MAX_BAD_ATTEMPTS == window.standing(pause_s).attempts_left


def test_a_fresh_box_is_fresh_again_after_its_pause() -> None:
    """A stranger cannot make a new box invisible for good."""
    window = fresh()
    pause_s = exhaust(window, 0.0)

    assert State.FRESH is window.standing(pause_s).state


def test_pauses_grow_to_a_ceiling() -> None:
    """Each is twice as long as the one before, up to an hour."""
    window = Window()
    now, pauses = 0.0, []
    for _ in range(MAX_PAUSES_COUNTED + 4):
        window.open(now)
        pauses.append(exhaust(window, now))
        now += pauses[-1]

    assert [FIRST_PAUSE_S * 2**n for n in range(6)] == pauses[:6]
    assert {PAUSE_CEILING_S} == set(pauses[6:])


def test_pauses_are_forgotten_one_by_one() -> None:
    """Who is left in peace for three hours is three doublings nearer to where it began."""
    window = Window()
    now = 0.0
    for _ in range(5):
        window.open(now)
        now += exhaust(window, now)
    now += 3 * PAUSE_FORGOTTEN_S
    window.open(now)

    assert FIRST_PAUSE_S * 2**2 == exhaust(window, now)


def test_the_button_cannot_cut_a_young_pause_off() -> None:
    """It opens the door only when MIN_PAUSE_S of the pause have passed."""
    window = Window()
    window.open(0.0)
    exhaust(window, 0.0)

    assert not window.open(MIN_PAUSE_S - 0.1)
    assert State.PAUSED is window.standing(MIN_PAUSE_S - 0.1).state
    assert window.open(MIN_PAUSE_S)
    assert State.OPEN is window.standing(MIN_PAUSE_S).state


def test_a_pause_that_was_cut_off_still_doubles_the_next() -> None:
    """Pressing the button does not wipe out what happened."""
    window = Window()
    window.open(0.0)
    exhaust(window, 0.0)
    window.open(MIN_PAUSE_S)

    assert 2 * FIRST_PAUSE_S == exhaust(window, MIN_PAUSE_S)


def test_the_owner_cannot_end_a_pause_by_closing() -> None:
    """Closed is what it is already."""
    window = Window()
    window.open(0.0)
    exhaust(window, 0.0)
    window.close(1.0)

    assert State.PAUSED is window.standing(1.0).state


def test_old_attempts_and_those_before_a_success_are_forgotten() -> None:
    """Mistyping once a day never closes anything, and who gets in has shown who he is."""
    window = fresh()
    for day in range(10):
        window.fail(day * ATTEMPT_FORGOTTEN_S)
    assert MAX_BAD_ATTEMPTS - 1 == window.standing(9 * ATTEMPT_FORGOTTEN_S).attempts_left
    window.succeed()

    assert MAX_BAD_ATTEMPTS == window.standing(9 * ATTEMPT_FORGOTTEN_S).attempts_left


def test_a_pair_that_is_not_in_the_table_raises() -> None:
    """What cannot happen is a mistake of ours, told loudly."""
    with pytest.raises(UnknownTransition, match="exhausted in state closed"):
        after(State.CLOSED, Event.EXHAUSTED)


def test_every_state_has_a_row_and_can_be_reached() -> None:
    """The table is whole: no state without a way in, none without a way out."""
    reached = {State.CLOSED, *(to for row in TABLE.values() for to in row.values())}

    assert set(State) == set(TABLE) == reached
    assert all(TABLE.values())


def test_the_diagram_is_drawn_from_the_table() -> None:
    """Each pair of the table is in it, and begins at closed."""
    lines = mermaid().splitlines()

    assert "    [*] --> closed" == lines[1]
    assert "    open --> closed: closed by owner, time over" in lines
    for state, row in TABLE.items():
        for to in set(row.values()):
            assert any(line.startswith(f"    {state} --> {to}: ") for line in lines)


CALLS = st.sampled_from(["open", "close", "fail", "succeed", "configure", "forget", "wait"])


@given(st.lists(st.tuples(CALLS, st.floats(0, 4000)), max_size=60))
def test_whatever_happens_the_rules_hold(calls: list[tuple[str, float]]) -> None:
    """In any order of events: never an unknown pair, never open beyond a window, bounded pauses."""
    window, now, opened_at = Window(), 0.0, -1e9
    for call, passed_s in calls:
        now += passed_s
        if call == "open" and window.open(now):
            opened_at = now
        elif call == "fail":
            window.fail(now)
        elif call == "close":
            window.close(now)
        elif call == "succeed":
            window.succeed()
        elif call in ("configure", "forget"):
            window.configure(call == "configure", DEFAULT_WINDOW_S, now)
        standing = window.standing(now)

        assert (standing.state in ADVERTISING) is standing.advertises
        assert 0 <= standing.attempts_left <= MAX_BAD_ATTEMPTS
        assert standing.state is not State.OPEN or now - opened_at < DEFAULT_WINDOW_S
        assert standing.left_s is None or 0 <= standing.left_s <= PAUSE_CEILING_S
