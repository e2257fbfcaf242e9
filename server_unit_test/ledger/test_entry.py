"""Who may enter, as the engine thread keeps it."""

import pytest

from server.ledger.entry import MAX_SESSIONS, SESSION_S, TOKEN_ID_BYTES, Entry
from server.model.access import (
    MAX_TOKENS,
    OWNER,
    AccessRefused,
    Book,
    Password,
    Scope,
    Token,
    digest_of,
)

PASSWORD = Password(b"salt", b"digest", 2, 8, 1)


def test_a_new_box_is_unclaimed() -> None:
    """Until a password is kept."""
    entry = Entry(Book())
    before = entry.view.claimed

    entry.keep(entry.with_password(PASSWORD))

    assert (False, True) == (before, entry.view.claimed)


def test_a_token_counts_once_it_is_kept() -> None:
    """Never before it is on disk: a power cut would take back what somebody has written down."""
    entry = Entry(Book(PASSWORD))

    new = entry.with_new_token("Home Assistant", [Scope.READ], 5)
    before = entry.view.of_token(new.credential)
    entry.keep(new.book)
    caller = entry.view.of_token(new.credential)

    assert before is None
    assert caller is not None and "Home Assistant" == caller.name
    assert 2 * TOKEN_ID_BYTES == len(new.token.token_id)
    assert new.credential not in repr(entry.book)


def test_a_revoked_token_enters_no_more() -> None:
    """From the moment it is off the disk."""
    entry = Entry(Book(PASSWORD))
    new = entry.with_new_token("x", [Scope.READ], 5)
    entry.keep(new.book)

    entry.keep(entry.without_token(new.token.token_id))

    assert entry.view.of_token(new.credential) is None
    with pytest.raises(KeyError):
        entry.without_token(new.token.token_id)


def test_tokens_are_bounded_and_need_a_scope() -> None:
    """MAX_TOKENS."""
    entry = Entry(Book(PASSWORD))
    for number in range(MAX_TOKENS):
        entry.keep(entry.with_new_token(str(number), [Scope.READ], 5).book)

    with pytest.raises(AccessRefused, match="revoke one first"):
        entry.with_new_token("one more", [Scope.READ], 5)
    with pytest.raises(AccessRefused, match="at least one of read, configure, control"):
        Entry(Book()).with_new_token("none", [], 5)


def test_a_session_lasts_its_time() -> None:
    """SESSION_S from the login."""
    entry = Entry(Book(PASSWORD))

    cookie = entry.begin_session(10.0)

    assert OWNER == entry.view.of_session(cookie, 10.0 + SESSION_S - 1)
    assert entry.view.of_session(cookie, 10.0 + SESSION_S) is None


def test_a_logout_ends_it_at_once() -> None:
    """A replayed cookie is nobody's; one that never was is no error."""
    entry = Entry(Book(PASSWORD))
    cookie = entry.begin_session(0.0)

    entry.end_session(cookie)
    entry.end_session("never was")

    assert entry.view.of_session(cookie, 1.0) is None


def test_sessions_are_bounded() -> None:
    """MAX_SESSIONS; the oldest ends."""
    entry = Entry(Book(PASSWORD))

    cookies = [entry.begin_session(0.0) for _ in range(MAX_SESSIONS + 1)]

    assert entry.view.of_session(cookies[0], 1.0) is None
    assert all(entry.view.of_session(each, 1.0) for each in cookies[1:])


def test_a_new_password_ends_every_session() -> None:
    """Whoever knew the old one is out; tokens stay."""
    entry = Entry(Book(PASSWORD))
    new = entry.with_new_token("x", [Scope.READ], 5)
    entry.keep(new.book)
    cookie = entry.begin_session(0.0)

    entry.keep(entry.with_password(Password(b"other", b"digest", 2, 8, 1)))

    assert entry.view.of_session(cookie, 1.0) is None
    assert entry.view.of_token(new.credential) is not None


def test_a_broken_book_is_mended_by_a_new_password() -> None:
    """Which the label's secret allows."""
    entry = Entry(Book(broken=True))

    assert entry.with_password(PASSWORD) == Book(PASSWORD)


def test_a_standing_token_enters_and_stands_in_no_book() -> None:
    """That of our own Bluetooth service, also before there is an owner and after each change."""
    standing = Token(
        "bluetooth", "Bluetooth service", frozenset([Scope.READ]), digest_of("egret_bluetooth_x"), 0
    )
    entry = Entry(Book(), [standing])
    before = entry.view.of_token("egret_bluetooth_x")

    entry.keep(entry.with_password(PASSWORD, keep_tokens=False))

    assert before is not None and before == entry.view.of_token("egret_bluetooth_x")
    assert () == entry.book.tokens
    with pytest.raises(KeyError):
        entry.without_token("bluetooth")


def test_a_claim_may_take_the_tokens_with_it() -> None:
    """Or leave them; a new password alone leaves them."""
    entry = Entry(Book(PASSWORD))
    entry.keep(entry.with_new_token("x", [Scope.READ], 5).book)

    kept, gone = (entry.with_password(PASSWORD, keep).tokens for keep in (True, False))

    assert (1, 0) == (len(kept), len(gone))
