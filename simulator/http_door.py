"""HTTP/1.1 with keep-alive on a real socket: bounded connections, bodies and waits.

It owns bytes and connections; what is answered is decided elsewhere. A handler may answer None,
and then the connection is closed without a word, as a cloud does that dies at the wrong moment.
"""

import http.server
import ipaddress
import json
import logging
import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from simulator.clock import monotonic_s

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 128
"""Clients at once, each with a thread; one gateway holds one connection a sink."""

IDLE_TIMEOUT_S = 60.0
"""A connection on which nothing moves for this long is closed."""

BODY_TIMEOUT_S = 30.0
"""A whole body must have come within this time, however its drops are spaced."""

STOP_TIMEOUT_S = 5.0
"""How long stopping waits for each connection's thread."""

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its body read."""

    method: str
    path: str
    query: str
    body: bytes
    from_loopback: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body."""

    status: int
    body: Any


Handler = Callable[[Request], Answer | None]


class _Refused(Exception):
    """The request cannot be read; the connection is closed after the answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status, words)
        self.answer = Answer(status, {"error": words})


class HttpDoor:
    """Listens on one address, a thread for each connection."""

    def __init__(self, handler: Handler, body_max: Callable[[], int]) -> None:
        self._handler = handler
        self._body_max = body_max
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, the real port where 0 was asked for."""
        if self._server is None:
            raise RuntimeError("the door is not open")
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def start(self, host: str, port: int) -> None:
        """Listen; raises OSError when the port cannot be had."""
        self._server = _Server((host, port), self._handler, self._body_max)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="http-door", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and drop every client."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join(STOP_TIMEOUT_S)
        self._server.server_close()
        self._server.drop_clients()


class _Server(socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handler: Handler, body_max: Callable[[], int]
    ) -> None:
        self.handler = handler
        self.body_max = body_max
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Conversation)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, or turn it away."""
        thread = threading.Thread(
            target=self._converse, args=(request, client_address), name="http-client", daemon=True
        )
        with self._lock:
            full = len(self._clients) >= MAX_CONNECTIONS
            if not full:
                self._clients[request] = thread
        if full:
            log.warning("too many clients, one turned away", extra={"limit": MAX_CONNECTIONS})
            self.shutdown_request(request)
            return
        thread.start()

    def _converse(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # The client went away.
        finally:
            self.shutdown_request(request)
            with self._lock:
                self._clients.pop(request, None)

    def drop_clients(self) -> None:
        """Close every connection and wait for their threads."""
        with self._lock:
            clients = list(self._clients.items())
        for client, _ in clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # It is closed already.
        for _, thread in clients:
            thread.join(STOP_TIMEOUT_S)


class _Conversation(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_TIMEOUT_S
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:  # noqa: N802 - the name is http.server's
        """Answer without a body."""
        self._serve("GET")

    def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
        """Answer with the body read."""
        self._serve("POST")

    def _serve(self, method: str) -> None:
        try:
            body = self._read_body()
        except _Refused as refused:
            self.close_connection = True
            self._send(refused.answer)
            return
        path, _, query = self.path.partition("?")
        answer = self.server.handler(Request(method, path, query, body, self._is_local()))
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    def _is_local(self) -> bool:
        try:
            address = ipaddress.ip_address(self.client_address[0].partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)

    def _read_body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise _Refused(411, "send the body with a Content-Length, not in chunks")
        spelled = self.headers.get("Content-Length", "0" if self.command == "GET" else "")
        if not spelled.isascii() or not spelled.isdigit() or len(spelled) > 12:
            raise _Refused(411, "Content-Length is missing or no number")
        size = int(spelled)
        limit = self.server.body_max()
        if size > limit:
            raise _Refused(413, f"the body has {size} bytes, at most {limit} are taken")
        return self._read_exactly(size)

    def _read_exactly(self, size: int) -> bytes:
        deadline_s = monotonic_s() + BODY_TIMEOUT_S
        body = bytearray()
        while len(body) < size:
            chunk = self.rfile.read1(min(_CHUNK, size - len(body)))
            if not chunk:
                raise ConnectionResetError("the body ended early")
            body += chunk
            if monotonic_s() > deadline_s:
                raise _Refused(408, f"the body took longer than {BODY_TIMEOUT_S:g} s")
        return bytes(body)

    def _send(self, answer: Answer) -> None:
        """One write for head and body: two would meet Nagle and delayed acknowledgements."""
        body = json.dumps(answer.body).encode() + b"\n"
        try:
            phrase = HTTPStatus(answer.status).phrase
        except ValueError:
            phrase = "Answer"
        head = (
            f"HTTP/1.1 {answer.status} {phrase}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"{'Connection: close' + chr(13) + chr(10) if self.close_connection else ''}\r\n"
        )
        self.wfile.write(head.encode() + body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses by itself, in our own words and shape."""
        self.close_connection = True
        self._send(Answer(int(code), {"error": message or "the request cannot be understood"}))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing per request; the receiver tells of changes."""
