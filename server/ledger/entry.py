"""Who may enter, as the engine thread keeps it: the book, the sessions, the tries.

It decides and hashes nothing slow: a password is digested by a task on a lane of its own, and the
book is written by one on the files' lane; this only takes the results. What other threads need to
judge a request is an EntryView, made anew at each change.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from server.ledger.attempts import Attempts
from server.model.access import (
    MAX_TOKENS,
    TOKEN_PREFIX,
    TOKEN_SECRET_BYTES,
    AccessRefused,
    Book,
    EntryView,
    Password,
    Scope,
    Token,
    checked_token_name,
    digest_of,
)

SESSION_S = 7 * 86_400.0
"""A session ends a week after its login; it lives in memory, so a restart ends it as well."""

MAX_SESSIONS = 16
"""Browsers logged in at a time; one more ends the oldest session."""

TOKEN_ID_BYTES = 4
"""Eight hexadecimal digits tell one token from the others."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown once, and never again; and the book in which it stands."""

    token: Token
    credential: str
    book: Book


class Entry:
    """See the module's docstring.

    `standing` are tokens that stand in no book: those of our own programs, which find theirs in a
    file.
    """

    def __init__(self, book: Book, standing: Iterable[Token] = ()) -> None:
        self.attempts = Attempts()
        self.trying: set[str] = set()
        """Sources whose password is being digested: one try each at a time."""
        self.writing = False
        """A book is on its way to disk; one at a time, so none is lost."""
        self._standing = tuple(standing)
        self._book = book
        self._sessions: dict[str, float] = {}
        self._view = self._drawn()

    @property
    def book(self) -> Book:
        """What is kept on disk."""
        return self._book

    @property
    def view(self) -> EntryView:
        """What other threads judge by."""
        return self._view

    # -- the book: each returns the book to write; `keep` takes it once it is on disk -----------

    def with_password(self, password: Password, keep_tokens: bool = True) -> Book:
        """The owner's first password, or a new one."""
        tokens = self._book.tokens if keep_tokens else ()
        return replace(self._book, password=password, tokens=tokens, broken=False)

    def with_new_token(self, name: str, scopes: Iterable[Scope], at_ms: int) -> NewToken:
        """Raises AccessRefused: no scope, a name that cannot be, or MAX_TOKENS there already."""
        chosen = frozenset(scopes)
        if not chosen:
            raise AccessRefused("scopes: at least one of " + ", ".join(Scope))
        if len(self._book.tokens) >= MAX_TOKENS:
            raise AccessRefused(f"there are {MAX_TOKENS} tokens already; revoke one first")
        taken = set(self._view.tokens)
        token_id = secrets.token_hex(TOKEN_ID_BYTES)
        while token_id in taken:
            token_id = secrets.token_hex(TOKEN_ID_BYTES)
        secret = secrets.token_urlsafe(TOKEN_SECRET_BYTES)
        credential = f"{TOKEN_PREFIX}_{token_id}_{secret}"
        token = Token(token_id, checked_token_name(name), chosen, digest_of(credential), at_ms)
        book = replace(self._book, tokens=(*self._book.tokens, token))
        return NewToken(token, credential, book)

    def without_token(self, token_id: str) -> Book:
        """Raises KeyError if there is none of that id."""
        left = tuple(each for each in self._book.tokens if each.token_id != token_id)
        if len(left) == len(self._book.tokens):
            raise KeyError(token_id)
        return replace(self._book, tokens=left)

    def keep(self, book: Book) -> None:
        """This book is on disk and counts from now on. A new password ends every session."""
        if book.password != self._book.password:
            self._sessions.clear()
        self._book = book
        self._view = self._drawn()

    # -- sessions ------------------------------------------------------------------------------

    def begin_session(self, now: float) -> str:
        """The cookie of a new session; the owner has just proved who he is."""
        self._drop_ended(now)
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        credential = secrets.token_urlsafe(TOKEN_SECRET_BYTES)
        self._sessions[digest_of(credential)] = now + SESSION_S
        self._view = self._drawn()
        return credential

    def end_session(self, credential: str) -> None:
        """Nothing happens if there is no such session."""
        if self._sessions.pop(digest_of(credential), None) is not None:
            self._view = self._drawn()

    def _drop_ended(self, now: float) -> None:
        self._sessions = {each: ends for each, ends in self._sessions.items() if now < ends}

    def _drawn(self) -> EntryView:
        return EntryView(
            self._book.claimed,
            {each.token_id: each for each in (*self._book.tokens, *self._standing)},
            dict(self._sessions),
        )
