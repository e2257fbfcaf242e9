"""A WiNet-S dongle on loopback, of either generation, that misbehaves as a test tells it to.

One port serves the websocket and HTTP, over TLS for the newer firmware. It is written from what
the vendor's dongles say, not from the transport that it tests.
"""

import json
import select
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

WAIT_S = 10.0
"""Seconds after which a test that waits for this server fails instead of hanging."""

Body = dict[str, Any]
Raw = Callable[[], bytes | None]
"""What is sent instead of an answer: bytes (none at all is silence), or None to close."""


def crc(message: bytes) -> bytes:
    """The checksum of the Modbus serial line, bit by bit."""
    value = 0xFFFF
    for byte in message:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


def certificate() -> ssl.SSLContext:
    """A fresh self-signed certificate, ready to be shown."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WiNet-S")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(encoding, form, serialization.NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "both.pem"
        path.write_bytes(secret + made.public_bytes(encoding))
        context.load_cert_chain(path)
    return context


class ScriptedWinet:
    """Registers and orders may be changed at any time."""

    def __init__(self, *, new: bool = False, wants_login: bool | None = None) -> None:
        self.new = new
        self.wants_login = new if wants_login is None else wants_login
        self.password = "pw8888"
        self.input: dict[int, int] = {}
        self.holding: dict[int, int] = {}
        self.listed: list[Body] = [{"dev_id": 1, "dev_type": 35, "dev_code": 3343}]
        self.codes: list[int] = []
        """Result codes of the next requests over HTTP, instead of an answer."""
        self.raw: list[Raw] = []
        """What the next requests over HTTP get instead, before `codes`."""
        self.services: dict[str, Body | str | None] = {}
        """service -> what it gets instead of its answer; None closes, text is sent as it is."""
        self.passes_through = new
        self.silent_units: set[int] = set()
        self.seen: list[str] = []
        """Every service and path asked for, in order."""
        self.queries: list[Body] = []
        """What was asked over HTTP."""
        self.open_sessions = 0
        self.token = ""
        self.asked = threading.Event()
        """Set by each request over HTTP."""
        self._fresh = 0
        self._context = certificate() if new else None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._live: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._talks: list[_Talk] = []

    @property
    def port(self) -> int:
        """The free port it took."""
        port: int = self._listener.getsockname()[1]
        return port

    def change_certificate(self) -> None:
        """Show another one from now on."""
        self._context = certificate()

    def expire_token(self) -> None:
        """No token of before is taken any more."""
        self.token = "expired"

    def push(self, body: Body) -> None:
        """Say something unasked to whoever has a session."""
        for talk in list(self._talks):
            talk.push(json.dumps(body))

    def hang_up(self) -> None:
        """Close every connection."""
        for each in list(self._live):
            _shut(each)

    def __enter__(self) -> "ScriptedWinet":
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _shut(self._listener)
        self.hang_up()
        for thread in self._threads:
            thread.join(WAIT_S)
        self._listener.close()
        assert not any(thread.is_alive() for thread in self._threads)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name="scripted-winet", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._live.append(connection)
            self._start(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        lasting = connection.dup()
        self._live.append(lasting)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                connection.getpeername()  # One that was reset is lost, still open, within `ssl`.
                connection = self._context.wrap_socket(connection, server_side=True)
            self._converse(connection)
        except OSError:
            pass  # The client hung up, or wanted no TLS: that is what many tests are about.
        finally:
            self._live.remove(lasting)
            lasting.close()
            connection.close()

    def _converse(self, connection: socket.socket) -> None:
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece or piece[0] == 0x16:
                    return  # A TLS handshake, which older firmware does not know.
                data += piece
            head, _, rest = data.partition(b"\r\n\r\n")
            if b"upgrade: websocket" in head.lower():
                _Talk(self, connection).run(data)
                return
            length = next(
                (int(x[15:]) for x in head.lower().split(b"\r\n") if x[:15] == b"content-length:"),
                0,
            )
            while len(rest) < length:
                rest += connection.recv(65536)
            answer = self._http(head.decode(), rest[:length])
            if answer is None:
                return
            connection.sendall(answer)
            data = rest[length:]

    def _http(self, head: str, body: bytes) -> bytes | None:
        method, target, _ = head.split("\r\n")[0].split(" ")
        path = urlsplit(target).path
        asked: Body = dict(parse_qsl(urlsplit(target).query)) if method == "GET" else {}
        if body:
            asked = json.loads(body)
        self.seen.append(path)
        self.queries.append(asked)
        self.asked.set()
        if self.raw:
            return self.raw.pop(0)()
        if self.codes:
            return http(result(self.codes.pop(0)))
        if asked.get("token") != self.token:
            return http(result(106))
        if path == "/device/getParam":
            return http(self._get_param(asked))
        if path == "/device/passthroughway" and self.passes_through:
            request = bytes.fromhex(asked["msgValue"])
            if request[0] in self.silent_units:
                return http(result(301))
            frame = self._pass_through(request)
            return http(result(1, data=frame.hex().upper()))
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    def _get_param(self, asked: Mapping[str, str]) -> Body:
        words = self.input if asked["param_type"] == "0" else self.holding
        first, count = int(asked["param_addr"]) - 1, int(asked["param_num"])
        span = range(first, first + count)
        if any(each not in words for each in span):
            return result(301)
        raw = struct.pack(f">{count}H", *(words[each] for each in span))
        return result(1, param_value=raw.hex(" ").upper() + " ")

    def _pass_through(self, frame: bytes) -> bytes:
        assert crc(frame[:-2]) == frame[-2:]
        unit, function, address, count = struct.unpack_from(">BBHH", frame)
        words = self.input if function == 4 else self.holding
        span = range(address, address + (1 if function == 6 else count))
        if any(each not in words for each in span):
            body = bytes([unit, function | 0x80, 2])
        elif function in (6, 16):
            sent = (count,) if function == 6 else struct.unpack_from(f">{count}H", frame, 7)
            self.holding.update(zip(span, sent, strict=True))
            body = frame[:6]
        else:
            raw = struct.pack(f">{count}H", *(words[each] for each in span))
            body = bytes([unit, function, len(raw)]) + raw
        return body + crc(body)

    def service(self, asked: Body) -> Body | str | None:
        """Answer a message of the websocket."""
        name = asked.get("service", "")
        self.seen.append(name)
        if name in self.services:
            return self.services[name]
        if name == "connect":
            self._fresh += 1
            self.token = f"token-{self._fresh}"
            tells = {"ip": "192.168.0.9"} if self.wants_login else {}
            token = self.token
            if self.wants_login:
                self.token = "only after a login"
            return result(1, service=name, token=token, uid=1, **tells)
        if name == "login":
            if asked.get("passwd") != self.password:
                return result(109, service=name)
            self.token = f"trusted-{self._fresh}"
            return result(1, service=name, token=self.token, uid=3)
        if name == "devicelist":
            return result(1, service=name, list=self.listed, count=len(self.listed))
        if name == "logout":
            self.token = ""
        return result(1, service=name)


class _Talk:
    """One websocket. One thread alone touches its connection, as TLS demands."""

    def __init__(self, dongle: ScriptedWinet, connection: socket.socket) -> None:
        self._dongle = dongle
        self._connection = connection
        self._protocol = ServerProtocol()
        self._pushed: list[tuple[str, threading.Event]] = []
        self._woken, self._wake = socket.socketpair()

    def run(self, data: bytes) -> None:
        """Until either side closes."""
        self._dongle.open_sessions += 1
        self._dongle._talks.append(self)
        try:
            while data and self._took(data):
                data = self._next()
        finally:
            self._dongle._talks.remove(self)
            self._dongle.open_sessions -= 1
            self._woken.close()
            self._wake.close()

    def push(self, text: str) -> None:
        """From another thread: have it sent, and return once it has been."""
        sent = threading.Event()
        self._pushed.append((text, sent))
        self._wake.sendall(b"!")
        assert sent.wait(WAIT_S)

    def _next(self) -> bytes:
        while True:
            held = isinstance(self._connection, ssl.SSLSocket) and self._connection.pending()
            ready = select.select([self._connection, self._woken], [], [], 0 if held else None)[0]
            if self._woken in ready:
                self._woken.recv(1)
                text, sent = self._pushed.pop(0)
                self._say(text)
                sent.set()
            elif held or self._connection in ready:
                return self._connection.recv(65536)

    def _say(self, text: str) -> None:
        self._protocol.send_text(text.encode())
        self._flush()

    def _took(self, data: bytes) -> bool:
        self._protocol.receive_data(data)
        events = self._protocol.events_received()
        for event in events:
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        for event in events:
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                answer = self._dongle.service(json.loads(bytes(event.data)))
                if answer is None or self._protocol.state is not OPEN:
                    return False  # The client said farewell along with its last question.
                self._say(answer if isinstance(answer, str) else json.dumps(answer))
        return not self._protocol.close_expected()

    def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            if piece:
                self._connection.sendall(piece)


def result(code: int, **data: Any) -> Body:
    """The shape of all answers."""
    return {"result_code": code, "result_msg": "success" if code == 1 else "", "result_data": data}


def http(body: Body | bytes, status: str = "200 OK") -> bytes:
    """An HTTP answer around a body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw


def _shut(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # Closed by itself in the meantime.
