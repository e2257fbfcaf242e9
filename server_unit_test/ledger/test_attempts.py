"""Tries to enter, and the pauses between them."""

from server.ledger.attempts import (
    FIRST_PAUSE_S,
    FORGET_AFTER_S,
    FREE_TRIES,
    FREE_TRIES_OF_ALL,
    MAX_SOURCES,
    PAUSE_CEILING_S,
    Attempts,
)


def test_five_tries_are_free() -> None:
    """An owner mistypes."""
    attempts = Attempts()

    for _ in range(FREE_TRIES - 1):
        attempts.wrong("a", 0.0)

    assert 0 == attempts.wait_s("a", 0.0)


def test_then_the_pause_grows_up_to_its_ceiling() -> None:
    """Doubling from FIRST_PAUSE_S."""
    attempts, now, pauses = Attempts(), 0.0, []
    for _ in range(FREE_TRIES + 12):
        attempts.wrong("a", now)
        pauses.append(attempts.wait_s("a", now))
        now += pauses[-1]

    assert [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S] == pauses[4:7]
    assert PAUSE_CEILING_S == pauses[-1]


def test_others_need_not_wait() -> None:
    """Nobody locks the owner out from another address."""
    attempts = Attempts()

    for _ in range(FREE_TRIES):
        attempts.wrong("a", 0.0)

    assert (FIRST_PAUSE_S, 0) == (attempts.wait_s("a", 0.0), attempts.wait_s("b", 0.0))


def test_a_right_try_wipes_the_slate() -> None:
    """Of its own source."""
    attempts = Attempts()
    for _ in range(FREE_TRIES - 1):
        attempts.wrong("a", 0.0)

    attempts.right("a")
    attempts.wrong("a", 0.0)

    assert 0 == attempts.wait_s("a", 0.0)


def test_many_sources_are_no_many_times_five() -> None:
    """From FREE_TRIES_OF_ALL on everybody waits, also who has never tried."""
    attempts = Attempts()

    for number in range(FREE_TRIES_OF_ALL):
        attempts.wrong(f"source {number}", 0.0)

    assert FIRST_PAUSE_S == attempts.wait_s("the owner", 0.0)


def test_a_day_is_forgotten() -> None:
    """FORGET_AFTER_S without a try."""
    attempts = Attempts()
    for _ in range(FREE_TRIES):
        attempts.wrong("a", 0.0)

    attempts.wrong("a", FORGET_AFTER_S)

    assert 0 == attempts.wait_s("a", FORGET_AFTER_S)


def test_sources_are_bounded() -> None:
    """MAX_SOURCES; whoever was heard longest ago goes first."""
    attempts = Attempts()
    for _ in range(FREE_TRIES):
        attempts.wrong("first", 0.0)

    for number in range(MAX_SOURCES):
        attempts.wrong(f"source {number}", PAUSE_CEILING_S)

    assert MAX_SOURCES == len(attempts)


def test_one_address_never_makes_everybody_wait() -> None:
    """However long it goes on: a forgotten program with an old password, or somebody's week."""
    attempts, now, kept_out = Attempts(), 0.0, set()

    for _ in range(7 * 24 + FREE_TRIES_OF_ALL):
        now += attempts.wait_s("a", now)
        attempts.wrong("a", now)
        kept_out.add(attempts.wait_s("the owner", now))

    assert {0.0} == kept_out
