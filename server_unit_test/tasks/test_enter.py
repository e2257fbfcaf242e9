"""Claiming, logging in and out, passwords and tokens: what follows on what, and what it costs."""

import json
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from server.engine.task import Done, Failed, Outcome, Submission
from server.errors import Busy, NotLetIn, Overrun, SettingsError, TooManyTries
from server.host.entry_file import ENTRY_FILE
from server.identity.label import LABEL_FILE
from server.ledger.attempts import FIRST_PAUSE_S, FREE_TRIES
from server.ledger.entry import SESSION_S, Entry
from server.model.access import MAX_TOKENS, Book, Scope
from server.model.request import (
    ChangePassword,
    ClaimBox,
    IssuedToken,
    LoggedIn,
    LogIn,
    LogOut,
    MakeToken,
    Request,
    RevokeToken,
)
from server.tasks import enter
from server.tasks.answer_request import AnswerRequest
from server.tasks.check_password import CheckPassword
from server.tasks.enter import MAX_TRYING
from server.tasks.save_entry import SaveEntry
from server_unit_test.tasks.houses import Home, run

NOW = 1000.0
GOOD = "a long enough password"
NEW = "quite another password"
HERE, THERE = "192.0.2.1", "192.0.2.2"


class Asked:
    """One request under way; each `step` runs the task that the last one asked for."""

    def __init__(self, home: Home, request: Request, now: float = NOW) -> None:
        self.reply: Future[Any] = Future()
        self.now = now
        task = AnswerRequest(home.house, request, self.reply)
        self.then = self._of(run(task, now))

    @property
    def task(self) -> Any:
        """What waits to be run."""
        (submission,) = self.then
        return submission.task

    def step(self, outcome: Outcome | None = None) -> "Asked":
        """Run it, or settle it with another outcome."""
        task = self.task
        verdict = run(task, self.now) if outcome is None else task.settle(outcome, self.now)
        self.then = self._of(verdict)
        return self

    def done(self) -> Any:
        """The answer, once nothing is left to run; raises what it was refused with."""
        while self.then:
            self.step()
        return self.reply.result(timeout=0)

    @staticmethod
    def _of(verdict: Any) -> tuple[Submission, ...]:
        assert isinstance(verdict, Done)
        return verdict.then


def label_of(home: Home) -> str:
    return (home.folder / LABEL_FILE).read_text().splitlines()[1]


def claimed(home: Home) -> LoggedIn:
    answer = Asked(home, ClaimBox(label_of(home), GOOD, HERE)).done()
    assert isinstance(answer, LoggedIn)
    return answer


def is_in(home: Home, session: LoggedIn, now: float = NOW) -> bool:
    return home.house.entry.view.of_session(session.session, now) is not None


# -- claiming -----------------------------------------------------------------------------------


def test_the_label_makes_an_owner_who_is_logged_in(home: Home) -> None:
    """Digested on its own lane, written on that of files, and only then answered."""
    asked = Asked(home, ClaimBox(label_of(home), GOOD, HERE))
    digesting = asked.task
    writing = asked.step().task
    before = home.house.entry.view.claimed

    session = asked.done()

    assert (True, True) == (
        isinstance(digesting, CheckPassword) and "entry" == digesting.lane,
        isinstance(writing, SaveEntry) and "files" == writing.lane,
    )
    assert (False, True) == (before, home.house.entry.view.claimed)
    assert is_in(home, session) and SESSION_S == session.lasts_s
    assert json.loads((home.folder / ENTRY_FILE).read_text())["password"]
    assert GOOD not in (home.folder / ENTRY_FILE).read_text()


def test_a_wrong_secret_is_counted(home: Home) -> None:
    """FREE_TRIES, then a pause for that address alone."""
    for _ in range(FREE_TRIES):
        with pytest.raises(NotLetIn, match="label"):
            Asked(home, ClaimBox("P6ZS", GOOD, HERE)).done()

    with pytest.raises(TooManyTries) as refused:
        Asked(home, ClaimBox(label_of(home), GOOD, HERE)).done()

    assert FIRST_PAUSE_S == refused.value.wait_s
    assert Asked(home, ClaimBox(label_of(home), GOOD, THERE)).done()


def test_a_password_that_is_none_counts_as_no_try(home: Home) -> None:
    """Whoever stands there with the right label chooses another."""
    for _ in range(FREE_TRIES + 1):
        with pytest.raises(SettingsError, match="at least 10"):
            Asked(home, ClaimBox("P6ZS", "short", HERE)).done()

    assert claimed(home)


def test_of_two_with_the_code_the_first_is_the_owner(home: Home) -> None:
    """The code of the first start is spent with the first claim, also for one under way."""
    entrance = home.house.adapters.entrance
    assert entrance is not None
    home.house.adapters = replace(
        home.house.adapters,
        entrance=replace(entrance, claims=lambda text, is_claimed: not is_claimed),
    )
    slow = Asked(home, ClaimBox("code", NEW, THERE))
    Asked(home, ClaimBox("code", GOOD, HERE)).done()

    with pytest.raises(NotLetIn):
        slow.done()

    assert Asked(home, LogIn(GOOD, HERE)).done()


def test_a_claim_ends_sessions_and_tokens(home: Home) -> None:
    """Unless the tokens are to be kept."""
    before = claimed(home)
    Asked(home, MakeToken("x", frozenset([Scope.READ]))).done()

    Asked(home, ClaimBox(label_of(home), NEW, HERE, keep_tokens=True)).done()
    kept = len(home.house.entry.book.tokens)
    Asked(home, ClaimBox(label_of(home), NEW, HERE)).done()

    assert not is_in(home, before)
    assert (1, 0) == (kept, len(home.house.entry.book.tokens))


def test_a_broken_book_is_claimed_by_the_label(home: Home) -> None:
    """And by nothing else: nobody's password is right."""
    home.house.entry = Entry(Book(broken=True))
    with pytest.raises(NotLetIn, match="claim"):
        Asked(home, LogIn(GOOD, HERE)).done()

    session = claimed(home)

    assert is_in(home, session)
    assert not home.house.entry.book.broken


def test_without_keys_nobody_becomes_the_owner(home: Home) -> None:
    """A gateway in a simulation keeps none."""
    home.house.adapters = replace(home.house.adapters, entrance=None)

    with pytest.raises(SettingsError, match="no owner"):
        Asked(home, ClaimBox("x", GOOD, HERE)).done()


# -- sessions -----------------------------------------------------------------------------------


def test_the_password_begins_a_session(home: Home) -> None:
    """Which whoever watches hears of at once."""
    claimed(home)
    published: list[float] = []
    home.house.publish = published.append

    session = Asked(home, LogIn(GOOD, THERE)).done()

    assert is_in(home, session)
    assert [NOW] == published


def test_a_session_ends_by_itself_and_by_logging_out(home: Home) -> None:
    """SESSION_S after its login at the latest; whoever watches hears of a logout at once."""
    session = claimed(home)
    published: list[float] = []
    home.house.publish = published.append
    living = is_in(home, session, NOW + SESSION_S - 1), is_in(home, session, NOW + SESSION_S)

    assert Asked(home, LogOut(session.session)).done() is None

    assert (True, False) == living
    assert not is_in(home, session)
    assert [NOW] == published


def test_wrong_passwords_are_counted_and_a_right_one_wipes_the_slate(home: Home) -> None:
    """Four wrong and one right are no five wrong."""
    claimed(home)
    for _ in range(2):
        for _ in range(FREE_TRIES - 1):
            with pytest.raises(NotLetIn, match="not the password"):
                Asked(home, LogIn(NEW, HERE)).done()
        assert Asked(home, LogIn(GOOD, HERE)).done()


def test_one_address_has_one_try_at_a_time(home: Home) -> None:
    """Otherwise a hundred at once would be one try; nothing is counted meanwhile."""
    claimed(home)
    first = Asked(home, LogIn(NEW, HERE))

    with pytest.raises(Busy):
        Asked(home, LogIn(GOOD, HERE)).done()

    with pytest.raises(NotLetIn):
        first.done()
    assert Asked(home, LogIn(GOOD, HERE)).done()


def test_tries_under_way_are_bounded(home: Home) -> None:
    """MAX_TRYING passwords wait for the one lane; the next is told to come back."""
    claimed(home)
    waiting = [Asked(home, LogIn(GOOD, f"192.0.2.{each}")) for each in range(MAX_TRYING)]

    with pytest.raises(Busy):
        Asked(home, LogIn(GOOD, "192.0.2.99")).done()

    assert all(is_in(home, each.done()) for each in waiting)
    assert set() == home.house.entry.trying


def test_a_try_that_overran_leaves_nothing_behind(home: Home) -> None:
    """It is answered as it ended, and the address may try again."""
    claimed(home)
    asked = Asked(home, LogIn(GOOD, HERE)).step(Failed(Overrun("too slow")))
    claiming = Asked(home, ClaimBox(label_of(home), GOOD, THERE)).step(Failed(Overrun("x")))

    for each in (asked, claiming):
        with pytest.raises(Overrun):
            each.done()
    assert set() == home.house.entry.trying
    assert Asked(home, LogIn(GOOD, HERE)).done()


def test_a_password_that_was_changed_meanwhile_is_wrong(home: Home) -> None:
    """What counts is what is kept when the comparison ends."""
    claimed(home)
    slow = Asked(home, LogIn(GOOD, THERE))
    Asked(home, ChangePassword(GOOD, NEW, HERE)).done()

    with pytest.raises(NotLetIn):
        slow.done()


# -- another password ---------------------------------------------------------------------------


def test_the_old_password_gives_a_new_one(home: Home) -> None:
    """Every other session ends; tokens go on."""
    before = claimed(home)
    Asked(home, MakeToken("x", frozenset([Scope.READ]))).done()

    after = Asked(home, ChangePassword(GOOD, NEW, HERE)).done()

    assert (False, True) == (is_in(home, before), is_in(home, after))
    assert 1 == len(home.house.entry.book.tokens)
    assert Asked(home, LogIn(NEW, HERE)).done()


@pytest.mark.parametrize(
    ("old", "new", "error"), [(NEW, NEW, NotLetIn), (GOOD, "short", SettingsError)]
)
def test_a_change_that_cannot_be_changes_nothing(
    home: Home, old: str, new: str, error: type[Exception]
) -> None:
    """Neither a wrong old one nor a poor new one."""
    session = claimed(home)

    with pytest.raises(error):
        Asked(home, ChangePassword(old, new, HERE)).done()

    assert is_in(home, session)
    assert Asked(home, LogIn(GOOD, HERE)).done()


def test_a_digest_that_failed_changes_nothing(home: Home) -> None:
    """The second half of a change of password, overrun."""
    session = claimed(home)
    asked = Asked(home, ChangePassword(GOOD, NEW, HERE)).step().step(Failed(Overrun("x")))

    with pytest.raises(Overrun):
        asked.done()

    assert is_in(home, session)


# -- tokens, and the disk -----------------------------------------------------------------------


def test_a_token_counts_once_it_is_on_disk(home: Home) -> None:
    """And is answered once."""
    asked = Asked(home, MakeToken(" Grafana ", frozenset([Scope.READ])))
    before = len(home.house.entry.view.tokens)

    issued = asked.done()

    assert isinstance(issued, IssuedToken)
    caller = home.house.entry.view.of_token(issued.credential)
    assert (0, "Grafana") == (before, caller.name if caller else "")
    assert issued.credential not in (home.folder / ENTRY_FILE).read_text()


def test_a_token_is_revoked_by_its_id(home: Home) -> None:
    """KeyError where there is none."""
    issued = Asked(home, MakeToken("x", frozenset([Scope.READ]))).done()

    Asked(home, RevokeToken(issued.token.token_id)).done()

    assert home.house.entry.view.of_token(issued.credential) is None
    with pytest.raises(KeyError):
        Asked(home, RevokeToken(issued.token.token_id)).done()


def test_tokens_that_cannot_be_are_refused_in_words(home: Home) -> None:
    """No scope, no name, or more than MAX_TOKENS."""
    with pytest.raises(SettingsError, match="scopes"):
        Asked(home, MakeToken("x", frozenset())).done()
    with pytest.raises(SettingsError, match="name"):
        Asked(home, MakeToken(" ", frozenset([Scope.READ]))).done()
    for number in range(MAX_TOKENS):
        Asked(home, MakeToken(str(number), frozenset([Scope.READ]))).done()
    with pytest.raises(SettingsError, match="revoke one first"):
        Asked(home, MakeToken("x", frozenset([Scope.READ]))).done()


def test_two_changes_at_once_lose_none(home: Home) -> None:
    """The second is told to come back: both were made from the same book."""
    first = Asked(home, MakeToken("first", frozenset([Scope.READ])))

    with pytest.raises(Busy):
        Asked(home, MakeToken("second", frozenset([Scope.READ]))).done()

    first.done()
    assert Asked(home, MakeToken("second", frozenset([Scope.READ]))).done()
    assert ["first", "second"] == [each.name for each in home.house.entry.book.tokens]


def test_what_cannot_be_written_does_not_count(home: Home) -> None:
    """Nobody is told of a token that the next power cut would take back."""
    (home.folder / f"{ENTRY_FILE}.tmp").mkdir()

    with pytest.raises(SettingsError, match="cannot be written"):
        Asked(home, MakeToken("x", frozenset([Scope.READ]))).done()

    assert {} == home.house.entry.view.tokens
    assert not home.house.entry.writing


def test_nothing_of_it_is_logged_but_that_it_happened(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither passwords nor secrets nor cookies; the address is, for whoever looks for thieves."""
    caplog.set_level("DEBUG")
    session = claimed(home)
    with pytest.raises(NotLetIn):
        Asked(home, LogIn(NEW, THERE)).done()

    told = caplog.text + repr([vars(each) for each in caplog.records])
    assert THERE in told
    for secret in (GOOD, NEW, session.session, label_of(home)):
        assert secret not in told
    assert enter.log.name == caplog.records[0].name
