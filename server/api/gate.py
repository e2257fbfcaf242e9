"""Who may enter: the one place that judges every request, whatever it asks for.

`auth` has already turned away what a foreign web page sends. Here it is seen who asks (a program by
its token, the owner by the cookie of his session, or nobody), and whether that one may do what the
row of the table says. A row whose access nobody has heard of is for the owner alone.

A stream asks again before each event, so it ends with the session or token that opened it.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from server.api.call import Access, Asker, Route
from server.api.rate import RateLimit, source_of
from server.api.refusals import TooOften, Unauthorised, WrongType
from server.model.access import EVERYBODY, NOBODY, Caller, EntryView, Protection, Scope
from server.model.exposure import Exposure
from server.ports import Clock, Desk

COOKIE = "egret_session"
SECURE_COOKIE = "__Host-egret_session"
"""Over TLS: the prefix binds it to this host, this path and TLS (RFC 6265bis 4.1.3.2)."""

MAX_COOKIES = 32
"""Cookies of a request that are looked at: another service of the same host may set some."""

NEEDS: Mapping[Access, Scope] = MappingProxyType(
    {
        Access.LIVE: Scope.READ,
        Access.READ: Scope.READ,
        Access.CHANGE: Scope.CONFIGURE,
        Access.CONTROL: Scope.CONTROL,
    }
)
"""What a program's token must carry; what is not here is open to all or for the owner alone."""

HEALTH = "/healthz"
_CHANGES = frozenset((Access.CHANGE, Access.CONTROL, Access.OWNER))
_CREDENTIALS = frozenset((b"authorization", b"cookie"))
_BY_BROWSERS = frozenset((b"origin", b"referer", b"sec-fetch-site", b"cookie"))

Headers = Sequence[tuple[bytes, bytes]]


class Gate:
    """Judges requests; on the web server's loop."""

    def __init__(self, desk: Desk, clock: Clock, exposure: Exposure) -> None:
        self._desk = desk
        self._clock = clock
        self._is_open = exposure.protection is Protection.OPEN
        self._limit = None if self._is_open and not exposure.exposed else RateLimit()

    def count(self, scope: Mapping[str, Any]) -> None:
        """Count a request, whatever it asks for; raises TooOften. /healthz is for watchdogs."""
        if self._limit is None or scope["path"] == HEALTH:
            return
        wait_s = self._limit.wait_s(_source(scope), self._clock.monotonic())
        if wait_s > 0:
            raise TooOften("this address asks too often: wait a moment", wait_s)

    def admit(self, route: Route, scope: Mapping[str, Any]) -> Asker:
        """Who asks. Raises Unauthorised, PermissionError, WrongType."""
        secure = scope.get("scheme") == "https"
        bearer, session = _credentials(scope["headers"], SECURE_COOKIE if secure else COOKIE)
        caller = self._caller(bearer, session)
        if not self._allows(route, caller):
            raise self._refusal(route, caller, bearer)
        if route.access in _CHANGES:
            _check_form(scope["headers"])

        def still_may() -> bool:
            return self._allows(route, self._caller(bearer, session))

        live_session = self._living(session) if session else ""
        return Asker(caller, _source(scope), live_session, secure, still_may)

    def who(self, scope: Mapping[str, Any]) -> Caller:
        """Who sent a request, let in or not."""
        cookie = SECURE_COOKIE if scope.get("scheme") == "https" else COOKIE
        return self._caller(*_credentials(scope["headers"], cookie))

    def _allows(self, route: Route, caller: Caller) -> bool:
        access = route.access
        if access is Access.OPEN:
            return True
        if access is Access.LIVE and self._desk.snapshot().configuration.api.live_readings:
            return True
        needed = NEEDS.get(access)
        return caller.owner if needed is None else caller.may(needed)

    def _caller(self, bearer: str | None, sessions: Sequence[str]) -> Caller:
        view, now = self._desk.entry(), self._clock.monotonic()
        found = view.of_token(bearer) if bearer is not None else _of_sessions(view, sessions, now)
        if found is not None:
            return found
        return EVERYBODY if self._is_open else NOBODY

    def _living(self, sessions: Sequence[str]) -> str:
        view, now = self._desk.entry(), self._clock.monotonic()
        return next((each for each in sessions if view.of_session(each, now) is not None), "")

    def _refusal(self, route: Route, caller: Caller, bearer: str | None) -> Exception:
        needed = NEEDS.get(route.access)
        if caller is not NOBODY and needed is not None:
            return PermissionError(f"{caller.name!r} may not do this: its token lacks {needed}")
        if caller is not NOBODY and caller is not EVERYBODY:
            return PermissionError("only the owner may do this: log in on the box's page")
        if not self._desk.entry().claimed:
            return Unauthorised(
                "unclaimed", "nobody owns this box yet: claim it first, on its page"
            )
        words = "log in on the box's page, or send a token: Authorization: Bearer egret_..."
        if bearer is not None:
            return Unauthorised("wrong_token", f"this token is not, or no more, known; {words}")
        return Unauthorised("login", words)


def _source(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    return source_of(client[0]) if client else ""


def _of_sessions(view: EntryView, sessions: Sequence[str], now: float) -> Caller | None:
    for each in sessions:
        if (found := view.of_session(each, now)) is not None:
            return found
    return None


def _credentials(headers: Headers, cookie: str) -> tuple[str | None, tuple[str, ...]]:
    """The bearer token, None where none is sent; and every value of our cookie."""
    told = [each for each in headers if each[0] in _CREDENTIALS]
    if not told:
        return None, ()
    bearers = [value for name, value in told if name == b"authorization"]
    if len(bearers) == 1:
        scheme, _, credential = bearers[0].decode("latin-1").partition(" ")
        if scheme.lower() == "bearer":
            return credential.strip(), ()
    if len(bearers) > 1:
        return "", ()  # Nobody knows which was meant: none of them counts.
    return None, tuple(_cookies(told, cookie))


def _cookies(told: Headers, wanted: str) -> Iterator[str]:
    sent = b";".join(value for name, value in told if name == b"cookie")
    for each in sent.decode("latin-1").split(";")[:MAX_COOKIES]:
        name, _, value = each.strip().partition("=")
        if name == wanted:
            yield value


def _check_form(headers: Headers) -> None:
    """A browser's change must be JSON: what a form can send, any page can send.

    Programs (those of earlier gateways send forms, or JSON without saying so) are no browsers.
    """
    told = {name: value for name, value in headers}
    if not _BY_BROWSERS & told.keys():
        return
    if told.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in told:
        return
    media = told.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media not in (b"application/json", b"text/json") and not media.endswith(b"+json"):
        raise WrongType("a web page must send its changes as application/json")
