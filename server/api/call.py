"""What a handler is given, what it gives back, and the row that names it. Knows no resource."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from server.api.services import Services
from server.model.access import NOBODY, Caller
from server.model.encryption import TlsTerms
from server.model.snapshot import Snapshot
from server.ports import Desk

Query = TypeVar("Query")
Body = TypeVar("Body")

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

GUARDED: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), "
        b"microphone=(), payment=(), usb=()",
    ),
)
"""Sent with every answer: types are not guessed, no other site embeds or frames what we say or
keeps a hand on its window, no other learns where a visitor came from, and nothing of the visitor's
machine is asked for."""
NO_PAGE: Headers = (
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    *GUARDED,
)
"""The same for what is no page: shown as one, it may do nothing at all."""
JSON: Headers = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    *NO_PAGE,
)


class Nothing(msgspec.Struct, frozen=True):
    """No parameters, or no body."""


NOTHING = Nothing()


class Feed(Protocol):
    """A body that goes on until somebody ends it."""

    async def run(self, receive: Receive, send: Send) -> None:
        """Send body messages; return when the client has left."""
        ...

    def close(self) -> None:
        """Give back what the feed holds. Idempotent; called even when it never ran."""
        ...


class Reply(NamedTuple):
    """What goes back: a status, a body, and headers without the length."""

    status: int
    body: bytes | Feed
    headers: Headers = JSON
    about: tuple[str, ...] = ()
    """For the audit log: names of what was changed, never a value."""


class LiveViews(Protocol):
    """Renderings of the newest snapshot, and who waits for the next one."""

    def snapshot_json(self, snapshot: Snapshot) -> bytes:
        """The answer of /api/snapshot; rendered once per snapshot."""
        ...

    def open_feed(self, still_may: Callable[[], bool] = lambda: True) -> Feed:
        """Take one of the bounded number of streams; raises Busy when none is left.

        It ends when `still_may` says so, which is asked before each event.
        """
        ...

    def snapshot_age_s(self) -> float:
        """Seconds since the last snapshot was published."""
        ...


class Asset(NamedTuple):
    """A file of the page; `etag` changes with its content."""

    content_type: bytes
    etag: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """The same for every call of one server."""

    desk: Desk
    services: Services
    live: LiveViews
    assets: Mapping[str, "Asset"]
    """The files of the page, by name."""
    routes: "tuple[Route, ...]"
    port: int
    """The port we listen on."""
    tls: TlsTerms = TlsTerms()
    """What the TLS door shows, and what may come past it."""


class Asker(NamedTuple):
    """Who sent a request, from where, and with what."""

    caller: Caller = NOBODY
    source: str = ""
    """The address that tries are counted by."""
    session: str = ""
    """The cookie that was sent; "" for none."""
    secure: bool = False
    """Whether it came over TLS."""
    still_may: Callable[[], bool] = lambda: True
    """Whether the same would be let in again now."""

    def __repr__(self) -> str:
        """Without the cookie."""
        return f"Asker({self.caller.name!r}, {self.source!r})"


class Call(NamedTuple, Generic[Query, Body]):
    """One request, decoded and checked."""

    context: Context
    path: Mapping[str, str]
    query: Query
    body: Body
    headers: Sequence[tuple[bytes, bytes]] = ()
    asker: Asker = Asker()

    @property
    def snapshot(self) -> Snapshot:
        """The gateway as last published."""
        return self.context.desk.snapshot()


Handler: TypeAlias = Callable[[Call[Any, Any]], Reply | Awaitable[Reply]]


class Access(StrEnum):
    """What a caller must be allowed to do; `gate` judges by it."""

    OPEN = "open"
    """Anyone: says nothing about the house."""
    LIVE = "live"
    """Sees the latest values, which the owner may open to everybody."""
    READ = "read"
    """Sees the house."""
    CHANGE = "change"
    """Changes what the gateway is or does."""
    CONTROL = "control"
    """Writes to devices."""
    OWNER = "owner"
    """Says who may enter, or speaks in the owner's name: no token will do."""


_WRITING = (Access.CHANGE, Access.CONTROL)


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that the API can do. The order of fields is the order of a row in the table."""

    method: str
    path: str
    handler: Handler
    access: Access
    summary: str
    response: Any
    """The type of the answer, or its media type in words for what is not JSON."""
    query: type[Any] = Nothing
    body: type[Any] = Nothing
    max_body_bytes: int | None = None
    """For a body that may be larger than others; None: body.MAX_BODY_BYTES."""

    def __post_init__(self) -> None:
        if self.method in ("GET", "HEAD") and self.access in _WRITING:
            raise ValueError(f"a GET never writes: {self.path}")


_ENCODER = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """JSON of any value that the API knows: enums as strings, mappings as objects."""
    return _ENCODER.encode(value)


def answer(value: object, status: int = 200, about: tuple[str, ...] = ()) -> Reply:
    """A JSON reply; `about` as in Reply."""
    return Reply(status, _ENCODER.encode(value), about=about)
