"""Claim, log in, log out, change the password, make and revoke tokens: what follows on what.

Each begins on the engine thread, has passwords digested on a lane of their own and the book written
on the lane of files, and takes effect once it is on disk. `finished` is told how it ended.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import cast

from server.engine.task import Failed, Ok, Outcome, Submission
from server.errors import Busy, NotLetIn, SettingsError, TooManyTries
from server.ledger.entry import SESSION_S, Entry
from server.ledger.house import Entrance, House
from server.model.access import AccessRefused, Book, Password, checked_password
from server.model.request import (
    ChangePassword,
    ClaimBox,
    IssuedToken,
    LoggedIn,
    LogIn,
    LogOut,
    MakeToken,
    RevokeToken,
)
from server.tasks.check_password import CheckPassword
from server.tasks.save_entry import SaveEntry

MAX_TRYING = 8
"""Passwords waiting to be digested, each from another address; more are told to come back."""

Then = tuple[Submission, ...]
Finished = Callable[[Outcome, float], Then]

log = logging.getLogger(__name__)


def claim(house: House, request: ClaimBox, finished: Finished, now: float) -> Then:
    """What only the box's label or terminal shows makes the owner."""
    entrance, entry = _entrance(house), house.entry
    password = _checked(request.password)
    _check_may_try(entry, request.source, now)
    if not entrance.claims(request.secret, entry.view.claimed):
        _count_wrong(entry, request.source, now)
        raise _wrong_secret(entry)

    def digested(outcome: Outcome, at: float) -> Then:
        if isinstance(outcome, Failed):
            return finished(outcome, at)
        if not entrance.claims(request.secret, entry.view.claimed):
            # Somebody else was quicker, and with that the code from the terminal is spent.
            return finished(Failed(_wrong_secret(entry)), at)
        entry.attempts.right(request.source)
        book = entry.with_password(cast(Password, outcome.value), request.keep_tokens)
        log.warning("the box was claimed", extra={"source": request.source})
        return _save(house, book, partial(_begin, entry), finished, at)

    return _try(entry, request.source, partial(entrance.digested, password), digested, now)


def log_in(house: House, request: LogIn, finished: Finished, now: float) -> Then:
    """The owner's password begins a session."""
    entry = house.entry

    def right(at: float) -> Then:
        session = _begin(entry, at)
        log.info("the owner logged in", extra={"source": request.source})
        house.publish(at)
        return finished(Ok(session), at)

    return _prove(house, request.password, request.source, right, finished, now)


def log_out(house: House, request: LogOut, finished: Finished, now: float) -> Then:
    """This session ends; streams that it opened are told by the snapshot that follows."""
    house.entry.end_session(request.session)
    house.publish(now)
    return finished(Ok(None), now)


def change_password(house: House, request: ChangePassword, finished: Finished, now: float) -> Then:
    """Who knows the old one may choose another; every other session ends."""
    entrance, entry = _entrance(house), house.entry
    password = _checked(request.new)

    def digested(outcome: Outcome, at: float) -> Then:
        if isinstance(outcome, Failed):
            return finished(outcome, at)
        book = entry.with_password(cast(Password, outcome.value))
        log.info("the password was changed", extra={"source": request.source})
        return _save(house, book, partial(_begin, entry), finished, at)

    def right(at: float) -> Then:
        return _try(entry, request.source, partial(entrance.digested, password), digested, at)

    return _prove(house, request.old, request.source, right, finished, now)


def make_token(house: House, request: MakeToken, finished: Finished, now: float) -> Then:
    """A program's way in."""
    try:
        new = house.entry.with_new_token(request.name, request.scopes, house.clock.utc_ms())
    except AccessRefused as error:
        raise SettingsError(str(error)) from error
    issued = IssuedToken(new.token, new.credential)
    return _save(house, new.book, lambda at: issued, finished, now)


def revoke_token(house: House, request: RevokeToken, finished: Finished, now: float) -> Then:
    """It enters no more once that is on disk. Raises KeyError."""
    book = house.entry.without_token(request.token_id)
    return _save(house, book, lambda at: None, finished, now)


def _entrance(house: House) -> Entrance:
    if house.adapters.entrance is None:
        raise SettingsError("this gateway keeps no owner")
    return house.adapters.entrance


def _checked(password: str) -> str:
    try:
        return checked_password(password)
    except AccessRefused as error:
        raise SettingsError(str(error)) from error


def _check_may_try(entry: Entry, source: str, now: float) -> None:
    """Raises TooManyTries, Busy."""
    wait_s = entry.attempts.wait_s(source, now)
    if wait_s > 0:
        raise TooManyTries(wait_s)
    if source in entry.trying or len(entry.trying) >= MAX_TRYING:
        raise Busy("another password is being checked; try again")


def _count_wrong(entry: Entry, source: str, now: float) -> None:
    entry.attempts.wrong(source, now)
    log.warning("somebody tried to enter and failed", extra={"source": source})


def _wrong_secret(entry: Entry) -> NotLetIn:
    where = (
        "the secret on the box's label"
        if entry.view.claimed
        else "the secret on the box's label, or the code that it printed when it started"
    )
    return NotLetIn("wrong_secret", f"that does not claim this box: give {where}")


def _prove(
    house: House,
    text: str,
    source: str,
    right: Callable[[float], Then],
    finished: Finished,
    now: float,
) -> Then:
    """Go on with `right` if `text` is the owner's password. Raises NotLetIn, TooManyTries, Busy."""
    entrance, entry = _entrance(house), house.entry
    kept = entry.book.password
    if kept is None:
        raise NotLetIn("unclaimed", "this box has no owner who could log in: claim it first")
    _check_may_try(entry, source, now)

    def compared(outcome: Outcome, at: float) -> Then:
        if isinstance(outcome, Failed):
            return finished(outcome, at)
        if not outcome.value or entry.book.password != kept:
            _count_wrong(entry, source, at)
            return finished(Failed(NotLetIn("wrong_password", "that is not the password")), at)
        entry.attempts.right(source)
        return right(at)

    return _try(entry, source, partial(entrance.is_right, text, kept), compared, now)


def _try(
    entry: Entry, source: str, compute: Callable[[], object], then: Finished, now: float
) -> Then:
    """Compute on the lane of passwords; this source has no second try meanwhile."""
    entry.trying.add(source)

    def computed(outcome: Outcome, at: float) -> Then:
        entry.trying.discard(source)
        return then(outcome, at)

    return (Submission(CheckPassword(compute, computed), now),)


def _begin(entry: Entry, now: float) -> LoggedIn:
    return LoggedIn(entry.begin_session(now), SESSION_S)


def _save(
    house: House, book: Book, answer: Callable[[float], object], finished: Finished, now: float
) -> Then:
    """Write first; only what is on disk counts and is answered."""
    entrance, entry = _entrance(house), house.entry
    if entry.writing:
        return finished(Failed(Busy("another change of who may enter is being saved")), now)
    entry.writing = True

    def saved(outcome: Outcome, at: float) -> Then:
        entry.writing = False
        if isinstance(outcome, Failed):
            return finished(outcome, at)
        entry.keep(book)
        told = answer(at)
        house.publish(at)
        return finished(Ok(told), at)

    return (Submission(SaveEntry(entrance.keeper, book, saved), now),)
