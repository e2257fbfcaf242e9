"""Who may do what, as values."""

import pytest

from server.model.access import (
    EVERYBODY,
    MAX_CREDENTIAL,
    MAX_PASSWORD,
    MAX_TOKEN_NAME,
    MIN_PASSWORD,
    NOBODY,
    OWNER,
    AccessRefused,
    Book,
    EntryView,
    Password,
    Scope,
    Token,
    checked_password,
    checked_token_name,
    digest_of,
)

CREDENTIAL = "egret_00c0ffee_" + "s" * 43
TOKEN = Token("00c0ffee", "Home Assistant", frozenset({Scope.READ}), digest_of(CREDENTIAL), 5)
VIEW = EntryView(True, {"00c0ffee": TOKEN}, {digest_of("cookie"): 100.0})


def test_a_token_tells_its_program() -> None:
    """And what it may do, no more."""
    caller = VIEW.of_token(CREDENTIAL)

    assert caller is not None
    assert ("Home Assistant", True, False, False) == (
        caller.name,
        caller.may(Scope.READ),
        caller.may(Scope.CONTROL),
        caller.owner,
    )


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "egret",
        "egret_00c0ffee",
        "egret_00c0ffee_",
        "egret_00c0ffee_" + "s" * 42,
        "egret_00c0ffee_" + "s" * 44,
        "Egret_00c0ffee_" + "s" * 43,
        "egret_deadbeef_" + "s" * 43,
        "_00c0ffee_" + "s" * 43,
        CREDENTIAL + " ",
        "\udc80" * 20,
        "x" * (2 * MAX_CREDENTIAL),
    ],
)
def test_anything_else_is_no_token(credential: str) -> None:
    """Whatever is sent in its place."""
    assert VIEW.of_token(credential) is None


def test_a_session_is_the_owner_until_it_ends() -> None:
    """By the monotonic clock."""
    assert OWNER == VIEW.of_session("cookie", 99.9)
    assert VIEW.of_session("cookie", 100.0) is None
    assert VIEW.of_session("another", 0.0) is None


def test_callers_may_what_they_may() -> None:
    """Nobody nothing, everybody all, and only the owner is the owner."""
    assert [False, True, True] == [each.may(Scope.CONTROL) for each in (NOBODY, EVERYBODY, OWNER)]
    assert [False, False, True] == [each.owner for each in (NOBODY, EVERYBODY, OWNER)]


def test_a_box_has_an_owner_once_there_is_a_password_or_a_broken_book() -> None:
    """A broken book must not look like a new box."""
    password = Password(b"salt", b"digest", 2, 8, 1)

    claimed = [each.claimed for each in (Book(), Book(password), Book(broken=True))]

    assert [False, True, True] == claimed


def test_no_secret_is_in_a_repr() -> None:
    """It may end in a log."""
    shown = repr(Book(Password(b"salty", b"digested", 2, 8, 1), (TOKEN,)))

    assert "salty" not in shown and "digested" not in shown and TOKEN.digest not in shown


@pytest.mark.parametrize("length", [MIN_PASSWORD, MAX_PASSWORD])
def test_a_password_of_any_fair_length_is_taken(length: int) -> None:
    """Whatever its characters."""
    text = ("pä ss" * MAX_PASSWORD)[:length]

    assert text == checked_password(text)


@pytest.mark.parametrize("text", ["", "short1234", "a" * 20, "abab" * 5, "xyzw" * MAX_PASSWORD])
def test_a_poor_password_is_refused_and_not_repeated(text: str) -> None:
    """In words that help."""
    with pytest.raises(AccessRefused) as refused:
        checked_password(text)

    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * (MAX_TOKEN_NAME + 1)])
def test_a_token_needs_a_name_that_can_be_shown(name: str) -> None:
    """In the list of tokens and in the audit log."""
    with pytest.raises(AccessRefused, match="printable"):
        checked_token_name(name)
