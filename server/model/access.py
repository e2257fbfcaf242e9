"""Who may do what: scopes, tokens, the owner's password, and the caller of one request. Values.

Nothing here holds a secret that could be used: a token is kept as its SHA-256 (it is 256 random
bits, which nobody guesses), a password as its scrypt digest. No `repr` shows either.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

TOKEN_PREFIX = "egret"
"""What a token begins with, so that a person, or a program that looks for leaked secrets, knows
what it found: `egret_<id>_<secret>`."""

TOKEN_SECRET_BYTES = 32
"""256 bits of chance; base64url makes 43 characters of them."""

MAX_TOKENS = 32
"""Programs that may have a token; more than a house has."""

MAX_TOKEN_NAME = 64
"""Characters of a token's name."""

MIN_PASSWORD = 10
"""Characters of the owner's password: five tries and growing pauses do the rest."""

MAX_PASSWORD = 256
"""Characters; a longer one would only cost time to digest."""

MAX_CREDENTIAL = 512
"""Characters of a token or session that are looked at; ours have fewer than 100."""


class Scope(StrEnum):
    """What a program may be allowed to do; the owner may do all of it."""

    READ = "read"
    """Sees the house."""
    CONFIGURE = "configure"
    """Changes what the gateway is or does."""
    CONTROL = "control"
    """Writes to devices."""


class Protection(StrEnum):
    """Who is let in, as `api.access` says."""

    PROTECTED = "protected"
    """Whoever the owner has let in."""
    OPEN = "open"
    """Everybody who reaches the box, as the older family of gateways has it."""


class AccessRefused(ValueError):
    """A password or a token's name that cannot be; the text never repeats it."""


@dataclass(frozen=True, slots=True)
class Password:
    """The owner's password as it is kept: scrypt (RFC 7914) with these costs."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    cost: int
    block: int
    parallel: int


@dataclass(frozen=True, slots=True)
class Token:
    """One program's way in. `digest` is the SHA-256 of the whole token, in hex."""

    token_id: str
    name: str
    scopes: frozenset[Scope]
    digest: str = field(repr=False)
    made_at_ms: int
    standing: bool = False
    """A program of ours finds it in a file: it stands in no book and is not revoked there."""


@dataclass(frozen=True, slots=True)
class Book:
    """What is kept on disk about who may enter."""

    password: Password | None = None
    tokens: tuple[Token, ...] = ()
    broken: bool = False
    """The file could not be read: nobody enters, until the label's secret claims the box anew."""

    @property
    def claimed(self) -> bool:
        """Whether there is an owner."""
        return self.password is not None or self.broken


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    name: str
    """For the audit log: owner, a token's name, or nobody."""
    scopes: frozenset[Scope]
    owner: bool = False

    def may(self, scope: Scope) -> bool:
        """Whether this caller has it."""
        return self.owner or scope in self.scopes


NOBODY = Caller("nobody", frozenset())
EVERYBODY = Caller("everybody", frozenset(Scope))
"""Whoever asks, where the owner has opened the box to all; still not the owner."""
OWNER = Caller("owner", frozenset(Scope), owner=True)


@dataclass(frozen=True, slots=True)
class EntryView:
    """What is needed to judge a request, at one moment; immutable, so any thread may look.

    `sessions` is session digest -> monotonic second at which it ends.
    """

    claimed: bool = False
    tokens: Mapping[str, Token] = field(default_factory=dict)
    sessions: Mapping[str, float] = field(default_factory=dict)

    def of_token(self, credential: str) -> Caller | None:
        """The program that has this token; None if none has."""
        prefix, _, rest = credential[:MAX_CREDENTIAL].partition("_")
        token_id, _, secret = rest.partition("_")
        token = self.tokens.get(token_id)
        if prefix != TOKEN_PREFIX or not secret or token is None:
            return None
        if not hmac.compare_digest(digest_of(credential), token.digest):
            return None
        return Caller(token.name, token.scopes)

    def of_session(self, credential: str, now: float) -> Caller | None:
        """The owner, if this is the cookie of a living session."""
        ends_at = self.sessions.get(digest_of(credential))
        return OWNER if ends_at is not None and now < ends_at else None


def digest_of(credential: str) -> str:
    """SHA-256 in hex; what is kept of a token or session."""
    return sha256(credential[:MAX_CREDENTIAL].encode("utf-8", "surrogatepass")).hexdigest()


def checked_password(text: str) -> str:
    """A password that an owner may have. Raises AccessRefused, never repeating it."""
    if len(text) < MIN_PASSWORD:
        raise AccessRefused(f"password: at least {MIN_PASSWORD} characters")
    if len(text) > MAX_PASSWORD:
        raise AccessRefused(f"password: at most {MAX_PASSWORD} characters")
    if len(set(text)) < 4:
        raise AccessRefused("password: the same few characters again and again are no secret")
    return text


def checked_token_name(text: str) -> str:
    """A name for a token. Raises AccessRefused."""
    name = text.strip()
    if not name or len(name) > MAX_TOKEN_NAME or not name.isprintable():
        raise AccessRefused(f"name: 1 to {MAX_TOKEN_NAME} printable characters")
    return name
