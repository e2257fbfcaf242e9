"""Tokens, the one session, and the lock: with plant time passed in."""

import pytest

from simulator.winet_sessions import (
    FACTORY_PASSWORD,
    LOCK_S,
    MAX_BAD_LOGINS,
    USERNAME,
    Farewell,
    Locked,
    Rules,
    Session,
    Sessions,
)


def begun(sessions: Sessions, now_s: float = 0.0) -> Session:
    session = sessions.connect(now_s)
    assert session is not None
    return session


def lock(sessions: Sessions, token: str) -> None:
    for _ in range(MAX_BAD_LOGINS - 1):
        assert sessions.login(token, USERNAME, "wrong", 0.0) is None
    with pytest.raises(Locked):
        sessions.login(token, USERNAME, "wrong", 0.0)


def ear() -> Farewell:
    """Somebody to say farewell to; each is somebody else."""
    heard: list[str] = []
    return heard.append


def test_a_token_lives_its_time_and_no_longer() -> None:
    """A token is taken until its age, then no more."""
    sessions = Sessions(Rules(token_life_s=100.0), "seed")
    token = begun(sessions).token

    assert sessions.of(token, 99.0) is not None
    assert sessions.of(token, 100.0) is None


def test_a_clock_that_goes_back_ends_the_session() -> None:
    """A token from the future is not taken."""
    sessions = Sessions(Rules(), "seed")
    token = begun(sessions, 1000.0).token

    assert sessions.of(token, 999.0) is None


def test_the_same_seed_gives_the_same_tokens() -> None:
    """A run can be repeated, and no token comes twice in it."""
    first, second = Sessions(Rules(), "seed"), Sessions(Rules(), "seed")
    tokens = [begun(first).token, begun(first).token]

    assert tokens == [begun(second).token, begun(second).token]
    assert 2 == len(set(tokens))


def test_a_second_connect_takes_the_session_and_the_first_is_told() -> None:
    """The first client hears "normal user limit", and its token is dead."""
    heard: list[str] = []
    sessions = Sessions(Rules(), "seed")
    first = sessions.connect(0.0, heard.append)
    second = sessions.connect(1.0, ear())

    assert first is not None and second is not None
    assert ["normal user limit"] == heard
    assert sessions.of(first.token, 1.0) is None
    assert sessions.of(second.token, 1.0) is second


def test_a_second_connect_is_refused_while_the_first_ones_websocket_is_open() -> None:
    """So configured, the session stays with the first until its websocket goes or it ages."""
    sessions = Sessions(Rules(second="refused", token_life_s=100.0), "seed")
    first, second = ear(), ear()
    held = sessions.connect(0.0, first)

    assert held is not None
    assert sessions.connect(1.0, second) is None
    assert sessions.of(held.token, 1.0) is held
    sessions.part(first)
    assert sessions.of(held.token, 1.0) is held
    assert sessions.connect(1.0, second) is not None


def test_an_aged_session_does_not_keep_others_out() -> None:
    """A session whose token has died is no session."""
    sessions = Sessions(Rules(second="refused", token_life_s=100.0), "seed")
    sessions.connect(0.0, ear())

    assert sessions.connect(100.0, ear()) is not None


def test_a_login_gives_a_new_token_and_more_rights() -> None:
    """The token of `connect` is dead after the login; the new one may read."""
    sessions = Sessions(Rules(login_required=True), "seed")
    session = begun(sessions)
    before = session.token
    may_before = sessions.may_read(session)
    logged_in = sessions.login(before, USERNAME, FACTORY_PASSWORD, 1.0)

    assert logged_in is not None
    assert not may_before and sessions.may_read(logged_in)
    assert sessions.of(before, 1.0) is None
    assert sessions.of(logged_in.token, 1.0) is logged_in


def test_wrong_passwords_lock_the_account_for_half_an_hour() -> None:
    """Not even the right password is taken then; trying does not lengthen the lock."""
    sessions = Sessions(Rules(token_life_s=10_000.0), "seed")
    token = begun(sessions).token
    lock(sessions, token)

    with pytest.raises(Locked):
        sessions.login(token, USERNAME, FACTORY_PASSWORD, LOCK_S - 1)
    assert sessions.login(token, USERNAME, FACTORY_PASSWORD, LOCK_S) is not None


def test_a_right_login_forgets_the_wrong_ones() -> None:
    """Only wrong passwords in a row count."""
    sessions = Sessions(Rules(), "seed")
    for _ in range(MAX_BAD_LOGINS - 1):
        sessions.login(begun(sessions).token, USERNAME, "wrong", 0.0)
    sessions.login(begun(sessions).token, USERNAME, FACTORY_PASSWORD, 0.0)

    assert sessions.login(begun(sessions).token, USERNAME, "wrong", 0.0) is None


def test_logout_and_power_loss_end_the_session() -> None:
    """Neither leaves a token that is taken."""
    sessions = Sessions(Rules(), "seed")
    token = begun(sessions).token
    sessions.logout(token, 0.0)
    other = begun(sessions).token
    sessions.forget()

    assert [None, None] == [sessions.of(each, 0.0) for each in (token, other)]


@pytest.mark.parametrize("changes", [{"token_life_s": 0.0}, {"second": "both"}])
def test_rules_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    """With words that name the value."""
    with pytest.raises(ValueError, match="give"):
        Rules(**changes)  # type: ignore[arg-type]  # wrong on purpose
