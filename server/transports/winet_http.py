"""One WiNet-S dongle's HTTP, asked by one thread and cut off from another.

Owns requests, their time limits and what their failures mean. Refuses to know what is asked. What
requests leaves open is closed here: proxies and credentials of the environment are ignored,
redirects are not followed, an answer is read to a limit, and over TLS only the one certificate
that the session has verified is spoken to.
"""

import contextlib
import http.client
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    LinkClosed,
    ProtocolError,
)
from server.transports.lifeline import Lifeline

MAX_BODY_BYTES = 64 * 1024
"""Longest answer that is read: 125 words make 750 characters."""
MAX_CAUSES = 16
"""Errors within errors that are looked through for the one that says what happened."""

_LENT = "http"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole."""

    status: int
    body: bytes


class HttpLine:
    """Keeps one connection; `fingerprint` (SHA-256 in hex) makes it HTTPS with that certificate."""

    def __init__(
        self, host: str, port: int, fingerprint: str | None, timeout_s: float, lifeline: Lifeline
    ) -> None:
        shown = f"[{host}]" if ":" in host else host
        self._base = f"{'https' if fingerprint else 'http'}://{shown}:{port}"
        self._timeout_s = timeout_s
        self._lifeline = lifeline
        self._session = requests.Session()
        self._session.trust_env = False  # No proxies, no .netrc: the dongle is on this network.
        self._session.verify = False  # Self-signed; the fingerprint is what is verified.
        self._session.headers.update({"Accept-Encoding": "identity"})
        self._session.mount(self._base, _Adapter(lifeline, fingerprint))

    def get(self, path: str, query: Mapping[str, str | int]) -> Reply:
        """Ask; raises DeviceTimeout, DeviceUnreachable, LinkClosed or ProtocolError."""
        return self._ask("GET", path, params=dict(query))

    def post(self, path: str, body: Mapping[str, object]) -> Reply:
        """Post JSON; raises as `get`."""
        return self._ask("POST", path, json=dict(body))

    def close(self) -> None:
        """Give the connection back. Never raises."""
        with contextlib.suppress(requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            self._session.close()

    def _ask(self, method: str, path: str, **content: Any) -> Reply:
        try:
            with (
                self._lifeline.within(self._timeout_s),
                self._session.request(
                    method,
                    self._base + path,
                    timeout=(self._timeout_s, self._timeout_s),
                    allow_redirects=False,
                    stream=True,
                    **content,
                ) as response,
            ):
                body = response.raw.read(MAX_BODY_BYTES + 1, decode_content=False)
                left = response.raw.length_remaining
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,
        ) as error:
            self._failed(error)
        if self._lifeline.is_cut:  # Which looks like the end of an answer of unknown length.
            self._failed(DeviceTimeout("cut while the answer came"))
        if len(body) > MAX_BODY_BYTES:
            raise ProtocolError(f"an answer of more than {MAX_BODY_BYTES} bytes", body[:64])
        if left:
            raise ProtocolError("an answer that ends in its middle", body[:64])
        return Reply(response.status_code, body)

    def _failed(self, error: Exception) -> NoReturn:
        """Raise what it means; the innermost error says it, beneath three libraries' wrapping."""
        if self._lifeline.is_cut:
            late = self._lifeline.late
            words = f"no whole answer in {self._timeout_s:g} s" if late else "broken off"
            raise DeviceTimeout(words) from error
        causes = list(_causes(error))
        for kinds, meaning, words in _MEANINGS:
            if any(isinstance(each, kinds) for each in causes):
                raise meaning(words.format(self._timeout_s)) from error
        deepest = causes[-1]
        if isinstance(deepest, OSError) and not isinstance(deepest, requests.RequestException):
            raise DeviceUnreachable(str(deepest)) from error
        raise ProtocolError(f"no HTTP answer: {type(deepest).__name__}") from error


_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)

_Kinds = tuple[type[Exception], ...]
_MEANINGS: tuple[tuple[_Kinds, type[EgretError], str], ...] = (
    ((ConnectionRefusedError,), DeviceUnreachable, "the web server refuses connections"),
    ((requests.ConnectTimeout,), DeviceUnreachable, "no connection within {:g} s"),
    (_TIMEOUTS, DeviceTimeout, "no answer in {:g} s"),
    ((ConnectionError,), LinkClosed, "closed instead of answering"),
)
"""What a failure means that has such a cause, and in which words; the first row counts."""


def _causes(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


class _PlainConnection(HTTPConnection):
    """A connection that lends its socket to be cut."""

    lifeline: Lifeline

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        self.lifeline.hold(_LENT, made)
        return made


class _TlsConnection(HTTPSConnection):
    """The same over TLS."""

    lifeline: Lifeline

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        self.lifeline.hold(_LENT, made)
        return made


class _Adapter(HTTPAdapter):
    """One connection, no retries, its socket within reach, and one certificate."""

    def __init__(self, lifeline: Lifeline, fingerprint: str | None) -> None:
        self._lifeline = lifeline
        self._fingerprint = fingerprint
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by requests."""
        if self._fingerprint is not None:
            kwargs["assert_fingerprint"] = self._fingerprint
        super().init_poolmanager(*args, **kwargs)
        plain = type("Plain", (_PlainConnection,), {"lifeline": self._lifeline})
        tls = type("Tls", (_TlsConnection,), {"lifeline": self._lifeline})
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
        }

    def close(self) -> None:
        """Close the connections now; urllib3 leaves that to the garbage collector."""
        pools = self.poolmanager.pools
        for key in pools.keys():
            pool = pools.get(key)
            if pool is not None:
                pool.close()
        super().close()
