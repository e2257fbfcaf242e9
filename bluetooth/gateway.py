"""The gateway's REST API from here: the Gateway port on `requests`, on few helper threads.

Owns the connections, their threads and their bounds; knows no path and no client. The event loop
never waits for a socket. When a request's time is up its caller is told at once and its socket is
shut down, so that a gateway that hangs or drips holds no helper any longer either. A connection
serves one request: nothing is ever sent twice because an old connection had died.

Redirects are not followed: the gateway sends none, and where one led would be the sender's choice.
"""

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError, ReadTimeoutError

from bluetooth.errors import GatewayAway, GatewaySlow
from bluetooth.ports import Answer, Clock

HELPERS = 3
"""Threads, and so requests at once: one may join a Wi-Fi for a minute while another follows its
progress and a third reports the door's state."""
MAX_ASKING = 16
"""Requests under way or waiting for a helper; a phone has at most four."""
CONNECT_TIMEOUT_S = 3.0
"""The gateway is on this machine; a connection takes a millisecond."""
ASK_TIMEOUT_S = 10.0
"""For a whole request, waiting for a helper included, unless the caller gives its own."""
MAX_ANSWER_BYTES = 256 * 1024
"""Body of an answer; a phone needs 600 round trips for it already."""
CHUNK_BYTES = 16 * 1024
"""Read at once."""
CLOSE_TIMEOUT_S = CONNECT_TIMEOUT_S + 1.0
"""For the helpers to end once their sockets are shut down; one may still be connecting."""
MAX_PATH_CHARACTERS = 2048
"""Path and query; EGWTTP brings at most 256."""

_PATH = re.compile(r"/(?!/)[!-~]*")
_ESCAPES = frozenset("%\\#")
"""What may not stand in a path: escapes could hide a dot segment from whoever compares paths."""


class AnswerTooLarge(GatewayAway):
    """The gateway answered more than a phone may have; it is told 502."""


class _Line:
    """The socket of one request, so that another thread can end it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket | None = None
        self._is_cut = False

    def opened(self, opened: socket | None) -> None:
        """The connection stands."""
        with self._lock:
            self._socket = opened
            if self._is_cut:
                self._shut()

    def cut(self) -> None:
        """End it now, or as soon as it stands. Any thread, never raises."""
        with self._lock:
            self._is_cut = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)


class _OneLine(HTTPAdapter):
    """Tells the line of the socket that requests opens."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As usual, but with our connections."""
        super().init_poolmanager(*args, **kwargs)
        line = self._line

        class Connection(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                line.opened(self.sock)

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self.poolmanager.pool_classes_by_scheme = {"http": Pool}


@dataclass(frozen=True, slots=True)
class _Call:
    """What a helper thread needs to know of one request."""

    method: str
    path: str
    body: bytes
    due_at: float
    line: _Line


class RequestsGateway:
    """The Gateway port. Threads start with the first request.

    `token` gives the bearer token to send, or None; it is asked on a helper thread each time.
    Raises ValueError for a `url` that is not http://host[:port].
    """

    def __init__(
        self, url: str, clock: Clock, token: Callable[[], str | None] | None = None
    ) -> None:
        self._base = _base(url)
        self._clock = clock
        self._token = token
        self._helpers = ThreadPoolExecutor(HELPERS, "gateway")  # bounded by MAX_ASKING
        self._lines: set[_Line] = set()
        self._is_closed = False

    async def ask(
        self, method: str, path: str, body: bytes = b"", timeout_s: float | None = None
    ) -> Answer:
        """See the port. ValueError for a path that is not one (a caller's mistake)."""
        check_path(path)
        if self._is_closed:
            raise GatewayAway("the Bluetooth service is stopping")
        if len(self._lines) >= MAX_ASKING:
            raise GatewaySlow("the gateway has too much to answer already; try again later")
        limit_s = ASK_TIMEOUT_S if timeout_s is None else timeout_s
        line = _Line()
        call = _Call(method, path, body, self._clock.monotonic() + limit_s, line)
        self._lines.add(line)
        try:
            async with asyncio.timeout(limit_s):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._helpers, self._send, call)
        except TimeoutError:
            raise GatewaySlow(f"the gateway did not answer in {limit_s:g} s; try again") from None
        finally:
            line.cut()
            self._lines.discard(line)

    async def close(self) -> None:
        """Break off what is under way (GatewayAway) and end the threads. Idempotent."""
        self._is_closed = True
        for line in self._lines:
            line.cut()
        self._helpers.shutdown(wait=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await asyncio.to_thread(self._helpers.shutdown, wait=True)

    def _send(self, call: _Call) -> Answer:
        """On a helper thread. Raises GatewayAway, GatewaySlow."""
        rest_s = call.due_at - self._clock.monotonic()
        if self._is_closed or rest_s <= 0:
            raise GatewaySlow("the gateway was too busy to be asked; try again")
        with requests.Session() as session:
            session.trust_env = False  # No proxy and no .netrc of whoever started us.
            session.mount("http://", _OneLine(call.line))
            try:
                request = session.prepare_request(self._request(call))
                request.url = self._base + call.path  # As given: requests would tidy it up.
                timeout = (min(CONNECT_TIMEOUT_S, rest_s), rest_s)
                with session.send(
                    request, stream=True, timeout=timeout, allow_redirects=False
                ) as response:
                    return _answer(response)
            except (requests.ReadTimeout, ReadTimeoutError):
                raise GatewaySlow("the gateway did not answer in time; try again") from None
            except requests.ConnectionError as error:
                raise GatewayAway("the gateway is not there or hung up; try again") from error
            except (requests.RequestException, HTTPError, OSError) as error:
                raise GatewayAway("the gateway's answer broke off; try again") from error

    def _request(self, call: _Call) -> requests.Request:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "User-Agent": "egret-bluetooth",
        }
        if call.body:
            headers["Content-Type"] = "application/json"
        token = self._token() if self._token is not None else None
        if token is not None:
            if not (token.isascii() and token.isprintable()):  # No error may quote it.
                raise GatewayAway("the token for the gateway is damaged; make a new one")
            headers["Authorization"] = f"Bearer {token}"
        return requests.Request(call.method, self._base + "/", headers, data=call.body or None)


def check_path(path: str) -> None:
    """Raise ValueError unless `path` is the path of one of our pages, and says so plainly."""
    bare = path.partition("?")[0]
    if not _PATH.fullmatch(path) or len(path) > MAX_PATH_CHARACTERS or "#" in path:
        raise ValueError("a path begins with one / and holds printable ASCII without #")
    if _ESCAPES & set(bare) or {".", ".."} & set(bare.split("/")):
        raise ValueError("a path has no dot segments, no escapes and no backslashes")


def _base(url: str) -> str:
    """`url` as scheme, host and port. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
        raise ValueError("the gateway's URL is like http://127.0.0.1:8080")
    if parts.username or parts.password or parts.query or parts.fragment or parts.port == 0:
        raise ValueError("the gateway's URL has a host and a port and nothing more")
    return f"http://{parts.netloc}"


def _answer(response: requests.Response) -> Answer:
    if 300 <= response.status_code < 400:
        raise GatewayAway("the gateway answered with a redirect, which is not followed")
    body = bytearray()
    while chunk := response.raw.read(CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise AnswerTooLarge(f"the gateway's answer has more than {MAX_ANSWER_BYTES} bytes")
    content_type = response.headers.get("Content-Type", "")
    return Answer(response.status_code, response.reason or "", content_type, bytes(body))
