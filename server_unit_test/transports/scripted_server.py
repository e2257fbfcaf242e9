"""A TCP server on loopback that answers exactly the bytes a test tells it to."""

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType

WAIT_S = 10.0
"""Seconds after which a test that waits for this server fails instead of hanging."""

Script = Callable[[bytes], Iterable[bytes] | None]
"""A request -> pieces to send one by one (none at all is silence), or None to close."""


def frame(request: bytes, body: bytes, **changed: int) -> bytes:
    """A frame that answers `request`; `changed` puts another value into a header field."""
    transaction, protocol, _, unit, function = struct.unpack_from(">HHHBB", request)
    fields = {
        "transaction": transaction,
        "protocol": protocol,
        "length": len(body) + 2,
        "unit": unit,
        "function": function,
    }
    fields.update(changed)
    return struct.pack(">HHHBB", *fields.values()) + body


def words_frame(request: bytes, words: Sequence[int], **changed: int) -> bytes:
    """The answer to a read."""
    data = struct.pack(f">{len(words)}H", *words)
    return frame(request, bytes([len(data)]) + data, **changed)


def refusal(request: bytes, code: int) -> bytes:
    """The answer that is an exception."""
    return frame(request, bytes([code]), function=request[7] | 0x80)


def asked(request: bytes) -> tuple[int, int]:
    """Address and count of a request."""
    address, count = struct.unpack_from(">HH", request, 8)
    return address, count


def counting(request: bytes) -> tuple[bytes]:
    """A device whose every register holds its own address."""
    address, count = asked(request)
    return (words_frame(request, range(address, address + count)),)


def registers(input: Mapping[int, int], holding: dict[int, int]) -> Script:
    """A device with these registers, which refuses every other address with exception 2."""

    def script(request: bytes) -> Sequence[bytes]:
        function = request[7]
        address, count = asked(request)
        span = range(address, address + (1 if function == 6 else count))
        words = input if function == 4 else holding
        if any(each not in words for each in span):
            return (refusal(request, 2),)
        if function == 6:
            holding[address] = count
            return (request[:12],)
        if function == 16:
            values = struct.unpack_from(f">{count}H", request, 13)
            holding.update(zip(span, values, strict=True))
            return (frame(request, request[8:12]),)
        return (words_frame(request, [words[each] for each in span]),)

    return script


class ScriptedServer:
    """One client at a time. `script` may be replaced between requests."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.greeting: bytes | None = b""
        """Sent on connecting; None closes the connection instead."""
        self.asked = threading.Event()
        """Set by each request."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._current: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="scripted-server", daemon=True)

    @property
    def port(self) -> int:
        """The free port it took."""
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (self._listener, self._current):
            if each is not None:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # Closed by itself in the meantime.
        self._thread.join(WAIT_S)
        self._listener.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._current = connection
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    self._converse(connection)
                except OSError:
                    pass  # The client hung up: that is what many of these tests are about.

    def _converse(self, connection: socket.socket) -> None:
        if self.greeting is None:
            return
        connection.sendall(self.greeting)
        while request := connection.recv(300):
            self.requests.append(request)
            self.asked.set()
            pieces = self.script(request)
            if pieces is None:
                return
            for piece in pieces:
                connection.sendall(piece)
