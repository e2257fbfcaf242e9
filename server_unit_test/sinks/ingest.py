"""A small ingest endpoint on loopback: verifies what is posted and answers as a test wants.

It reads tokens with `cryptography` and the standard library alone, so a mistake in our own
encoding shows.
"""

import base64
import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

PATIENCE_S = 20.0
"""How long anything here waits for something that a broken test never brings about."""


@dataclass(frozen=True, slots=True)
class Say:
    """What to answer. `silent` reads the request and says nothing; `hang_up` closes instead.

    A `length` larger than the body announces more than ever comes.
    """

    status: int = 200
    headers: Mapping[str, str] | None = None
    body: bytes = b"ok"
    silent: bool = False
    hang_up: bool = False
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def header(self) -> Mapping[str, Any]:
        """The token's header."""
        document: Mapping[str, Any] = json.loads(_decode(self.body.split(b".")[0]))
        return document

    def payload(self) -> Mapping[str, Mapping[str, int]]:
        """The token's payload."""
        document: Mapping[str, Mapping[str, int]] = json.loads(_decode(self.body.split(b".")[1]))
        return document

    def identities(self) -> list[tuple[str, int]]:
        """(boot, sequence) of every record, in the order of the header."""
        header = self.header()
        return [(header["boot"], sequence) for sequence in header["seq"].values()]

    def verify(self, public_key: bytes) -> None:
        """Raise InvalidSignature unless the token was signed with the key of that point."""
        signed, _, signature = self.body.rpartition(b".")
        raw = _decode(signature)
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + public_key)
        point.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))


def _decode(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


class Ingest:
    """Use as a context; answers `script` in turn, then 200 for ever."""

    def __init__(self, script: Sequence[Say] = (), tls: ssl.SSLContext | None = None) -> None:
        self.script = list(script)
        self.posts: list[Post] = []
        self.accepted: list[Post] = []
        self.connections = 0
        self.arrived = Event()
        self._released = Event()
        self._server = _Server(self)
        scheme = "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}/gw/data/"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> "Ingest":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE_S)

    def take(self, post: Post) -> Say:
        """Note a request and say what to answer."""
        say = self.script.pop(0) if self.script else Say()
        self.posts.append(post)
        if 200 <= say.status < 300 and not (say.silent or say.hang_up):
            self.accepted.append(post)
        self.arrived.set()
        return say

    def wait_released(self) -> None:
        """Hold a handler until the test is over."""
        self._released.wait(PATIENCE_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # They end with the test, so that no socket outlives it.

    def __init__(self, ingest: Ingest) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ingest = ingest

    def get_request(self) -> tuple[socket.socket, Any]:
        self.ingest.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_S
    server: _Server

    def do_POST(self) -> None:  # noqa: N802  # http.server calls it by this name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        say = self.server.ingest.take(Post(self.path, dict(self.headers), body))
        if say.silent:
            self.server.ingest.wait_released()
        if say.silent or say.hang_up:
            self.close_connection = True
            return
        self.send_response(say.status)
        for name, value in (say.headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(say.length or len(say.body)))
        self.end_headers()
        self.wfile.write(say.body)
        if say.length:
            self.wfile.flush()
            self.server.ingest.wait_released()
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""
