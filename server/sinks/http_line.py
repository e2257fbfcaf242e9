"""One HTTP endpoint, posted to by one thread and broken off from another.

What requests leaves open is closed here: proxies and credentials of the environment are
ignored, redirects are not followed, an answer's body is read to a limit, and `abort` ends a call
in flight. It knows nothing of what is posted or what a status means.

requests' timeouts hold per wait, so an endpoint that sends one byte now and then could hold a
call for ever; the caller bounds the whole call and uses `abort`, which shuts the sockets down.
Resolving a name cannot be broken off: no socket exists yet, and the next step then fails.
"""

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from server.errors import SinkUnavailable
from server.sinks.blame import one_line

MAX_ANSWER_BYTES = 4096
"""How much of an answer's body is read; a longer one costs its connection."""

MAX_REASON = 160
"""Characters of a network error that are shown and logged."""

MAX_WRAPPING = 16
"""Errors within errors that are looked through for the operating system's words."""

USER_AGENT = "egret"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the header Retry-After, and the beginning of the body."""

    status: int
    retry_after: str | None
    body: bytes


class HttpLine:
    """Posts to one URL; keeps its connection open between calls.

    `timeout_s` bounds the wait for a connection, and again each wait for the answer. `authority`
    is a certificate file to trust instead of the usual ones.
    """

    def __init__(self, url: str, timeout_s: float, authority: str | None = None) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._sockets = _Sockets()
        self._session = requests.Session()
        self._session.trust_env = False  # No proxies, no .netrc: what is configured is what is.
        if authority is not None:
            self._session.verify = authority
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        adapter = _Adapter(self._sockets)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Post `body` and return the answer, whatever its status; raises SinkUnavailable."""
        self._sockets.begin()
        try:
            with self._session.post(
                self._url,
                data=body,
                headers=headers,
                timeout=(self._timeout_s, self._timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._answer(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise SinkUnavailable(self._reason(error)) from error

    def abort(self) -> None:
        """Break a call in flight from another thread. Never blocks, never raises."""
        self._sockets.break_all()

    def close(self) -> None:
        """Give the connection back. Never raises."""
        with contextlib.suppress(requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            self._session.close()

    def _answer(self, response: requests.Response) -> Answer:
        retry_after = response.headers.get("Retry-After")
        try:
            body = response.raw.read(MAX_ANSWER_BYTES, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError):
            body = b""  # The status has come, and it alone decides.
        return Answer(response.status_code, retry_after, body)

    def _reason(self, error: Exception) -> str:
        if self._sockets.broken:
            return "the call took too long and was broken off"
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return f"no connection within {self._timeout_s:g} s"
        if isinstance(error, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)):
            return f"no answer within {self._timeout_s:g} s"
        tls = isinstance(error, requests.exceptions.SSLError)
        kind = "TLS failed" if tls else "the connection failed"
        return one_line(f"{kind}: {innermost(error)}", MAX_REASON)


def innermost(error: BaseException) -> str:
    """The words of the operating system, which lie beneath three libraries' wrapping."""
    words = ""
    deepest = error
    for _ in range(MAX_WRAPPING):
        words = getattr(deepest, "verify_message", "") or getattr(deepest, "strerror", "") or words
        cause = deepest.__cause__ or deepest.__context__
        if cause is None:
            break
        deepest = cause
    return str(words or deepest or type(deepest).__name__)


class _Sockets:
    """The live sockets of a line, as duplicates that may be shut down from any thread.

    A duplicate, because Python detaches a socket when TLS is laid over it: during the handshake
    nobody else holds one. The lock keeps a number from being closed, and given to another file,
    between looking and shutting down; nothing beneath it blocks.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._live: set[socket.socket] = set()
        self.broken = False

    def begin(self) -> None:
        self.broken = False

    def add(self, original: socket.socket) -> socket.socket:
        duplicate = original.dup()
        with self._lock:
            self._live.add(duplicate)
            broken = self.broken
        if broken:
            _shut_down(duplicate)  # It was broken off while the name was being resolved.
        return duplicate

    def drop(self, duplicate: socket.socket | None) -> None:
        if duplicate is None:
            return
        with self._lock:
            self._live.discard(duplicate)
            duplicate.close()

    def break_all(self) -> None:
        with self._lock:
            self.broken = True
            for each in self._live:
                _shut_down(each)


def _shut_down(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


class _PlainConnection(HTTPConnection):
    """A connection that lends its socket to be shut down."""

    sockets: _Sockets
    _duplicate: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        self._duplicate = self.sockets.add(made)
        return made

    def close(self) -> None:
        super().close()
        self.sockets.drop(self._duplicate)
        self._duplicate = None


class _TlsConnection(HTTPSConnection):
    """The same over TLS."""

    sockets: _Sockets
    _duplicate: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        self._duplicate = self.sockets.add(made)
        return made

    def close(self) -> None:
        super().close()
        self.sockets.drop(self._duplicate)
        self._duplicate = None


class _Adapter(HTTPAdapter):
    """One connection, no retries (the engine decides when), sockets within reach."""

    def __init__(self, sockets: _Sockets) -> None:
        self._sockets = sockets
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        plain = type("Plain", (_PlainConnection,), {"sockets": self._sockets})
        tls = type("Tls", (_TlsConnection,), {"sockets": self._sockets})
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
        }

    def close(self) -> None:
        """Close the pools' connections now; urllib3 leaves that to the garbage collector."""
        pools = self.poolmanager.pools
        for key in pools.keys():
            pool = pools.get(key)
            if pool is not None:
                pool.close()
        super().close()
