"""An HTTP server on loopback that answers what a test wants, or misbehaves as it wants."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST_S = 20.0
"""A handler that nobody ends gives up, so that a broken test does not hang."""


class Handler(BaseHTTPRequestHandler):
    """Looks the answer up; keeps what was asked."""

    protocol_version = "HTTP/1.1"
    timeout = LONGEST_S
    server: "HttpGateway"

    def answer(self) -> None:
        """Any method."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.asked.append((self.command, self.path, body))
        self.server.headers.append({name.lower(): each for name, each in self.headers.items()})
        answer = self.server.answers.get((self.command, self.path))
        self.close_connection = True
        if callable(answer):
            answer(self)
            return
        status, reason, value = answer or (404, "", b"{}")
        self.send_response(status, reason or None)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(value)))
        self.end_headers()
        self.wfile.write(value)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815  # The library's names.

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # The library's name.
        """Say nothing."""


Says = tuple[int, str, bytes] | Callable[[Handler], None]


class HttpGateway(ThreadingHTTPServer):
    """Start with `with`; its `url` has a port of its own."""

    daemon_threads = True
    block_on_close = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[tuple[str, str], Says] = {}
        self.over = threading.Event()
        """Set when the test is over: handlers that hang return."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def says(self, method: str, path: str, value: Any, status: int = 200, reason: str = "") -> None:
        """From now on this is the answer: JSON, bytes as they are, or a function of the handler."""
        if callable(value):
            self.answers[method, path] = value
            return
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.answers[method, path] = (status, reason, body)

    def __enter__(self) -> "HttpGateway":
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that cuts the line is what these tests want."""


def hang(handler: Handler) -> None:
    """Accept the request and say nothing."""
    handler.server.over.wait(LONGEST_S)


def drip_head(handler: Handler) -> None:
    """A byte of the head now and then, for ever: each read of a client succeeds."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not handler.server.over.wait(0.02):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def drip_body(handler: Handler) -> None:
    """A byte of the body now and then."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not handler.server.over.wait(0.02):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def hang_up(handler: Handler) -> None:
    """Close without a word."""
    handler.close_connection = True


def break_off(handler: Handler) -> None:
    """Promise more than comes."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxxx")


def babble(handler: Handler) -> None:
    """Something that is no HTTP."""
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def flood(handler: Handler) -> None:
    """A body without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.server.over.is_set():
        handler.wfile.write(b"x" * 65536)


def redirect(handler: Handler) -> None:
    """Lead elsewhere."""
    handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /api/secret\r\nContent-Length: 0\r\n\r\n")
