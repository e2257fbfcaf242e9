"""Becoming the owner, logging in and out, as the API speaks of it."""

import pytest

from server.api.entry import ClaimWords, LoginWords, PasswordWords
from server.errors import Busy, NotLetIn, SettingsError, TooManyTries
from server.model.access import EntryView
from server.model.request import ChangePassword, ClaimBox, LogIn, LogOut
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import OWNERS_SESSION, SESSION

CLAIM = {"secret": "P6ZS", "password": "s3cret-of-the-owner"}


def test_everybody_may_ask_who_he_is(api: Api) -> None:
    """An open box lets everybody do everything but speak for the owner."""
    api.desk.view = EntryView()

    answer = api.json("/api/entry")

    assert {"claimed": False, "access": "open", "exposed": False} == {
        key: answer[key] for key in ("claimed", "access", "exposed")
    }
    assert {"name": "everybody", "scopes": ["configure", "control", "read"], "owner": False} == (
        answer["you"]
    )


def test_the_owner_is_known_by_his_cookie(api: Api) -> None:
    """Even where everybody may do nearly all."""
    you = api.call("GET", "/api/entry", owner=True).json()["you"]

    assert ("owner", True) == (you["name"], you["owner"])


def test_a_claim_reaches_the_engine_with_its_source(api: Api) -> None:
    """By which tries are counted; the session goes into the cookie and nowhere else."""
    response = api.call("POST", "/api/entry/claim", CLAIM)

    assert [ClaimBox("P6ZS", CLAIM["password"], "127.0.0.1")] == api.desk.asked
    assert {"status": "ok"} == response.json()
    assert "egret_session=a-session; Max-Age=604800;" in response.headers["set-cookie"]
    assert SESSION.session not in response.text


def test_a_login_and_a_new_password_give_a_cookie_too(api: Api) -> None:
    """The one session that lives after it."""
    first = api.call("POST", "/api/entry/login", {"password": "one"})
    words = {"old": "one", "new": "two"}
    second = api.call("POST", "/api/entry/password", words, owner=True)

    assert [LogIn("one", "127.0.0.1"), ChangePassword("one", "two", "127.0.0.1")] == api.desk.asked
    assert "HttpOnly; SameSite=Strict" in first.headers["set-cookie"]
    assert "HttpOnly; SameSite=Strict" in second.headers["set-cookie"]


def test_logging_out_ends_the_session_that_was_sent(api: Api) -> None:
    """Without one there is nothing to end; the browser forgets its cookie in any case."""
    mine = api.call("POST", "/api/entry/logout", owner=True)
    nobodys = api.call("POST", "/api/entry/logout")

    assert [LogOut(OWNERS_SESSION)] == api.desk.asked
    for response in (mine, nobodys):
        assert "egret_session=; Max-Age=0" in response.headers["set-cookie"]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (NotLetIn("wrong_secret", "no"), 401, "wrong_secret"),
        (TooManyTries(29.4), 429, "wait"),
        (SettingsError("password: at least 10 characters"), 400, None),
        (Busy("another"), 503, None),
    ],
)
def test_refusals_are_told_in_words(
    api: Api, error: Exception, status: int, reason: str | None
) -> None:
    """With a word for programs where it helps them, and no cookie."""
    api.desk.answers[ClaimBox] = error

    response = api.call("POST", "/api/entry/claim", CLAIM)

    assert (status, reason) == (response.status_code, response.json().get("reason"))
    assert "set-cookie" not in response.headers
    assert CLAIM["password"] not in response.text


def test_a_wait_is_told_in_whole_seconds(api: Api) -> None:
    """Rounded up: whoever comes back then is not sent away again."""
    api.desk.answers[LogIn] = TooManyTries(29.4)

    response = api.call("POST", "/api/entry/login", {"password": "x"})

    assert "30" == response.headers["retry-after"]


@pytest.mark.parametrize("body", [{}, {"secret": "x"}, {"password": "x"}, {"secret": 1}, []])
def test_half_a_claim_is_none(api: Api, body: object) -> None:
    """It is answered with what a whole one holds, and counts as no try."""
    response = api.call("POST", "/api/entry/claim", body)

    assert 400 == response.status_code
    assert [] == api.desk.asked


def test_no_text_form_shows_a_secret() -> None:
    """What a log or an error might show."""
    shown = repr((ClaimWords("s1", "s2"), LoginWords("s3"), PasswordWords("s4", "s5")))
    shown += repr(
        (ClaimBox("s1", "s2", ""), LogIn("s3", ""), ChangePassword("s4", "s5", ""), SESSION)
    )

    assert not [each for each in ("s1", "s2", "s3", "s4", "s5", "a-session") if each in shown]
