"""One connection of Sungrow's Modbus: whole frames in, whole frames out, within their time.

Owns the socket and where an answer ends, enciphered or not. Refuses to know what was agreed with
the device before this connection, and what an answer means.

Waiting is done by socket timeouts and poll(2), which know no bound of descriptors. `abort` shuts
the socket down, which wakes any wait at once; only the line's owner closes it.
"""

import select
import socket
from collections.abc import Callable

from pymodbus.pdu import DecodePDU

from server.errors import DeviceTimeout, LinkClosed, ProtocolError
from server.ports import Clock
from server.transports import sungrow_cipher as cipher
from server.transports.modbus_frame import StrictFramer

MAX_PIECES = 260
"""Pieces an answer may arrive in: the longest, plain or enciphered, has as many bytes."""
MAX_PIECE_BYTES = 512
"""Bytes taken from the connection at once: more than any answer has."""

_WRAPPED_HEADER_BYTES = 4

Complete = Callable[[bytes], bool]
"""Told what came so far: whether that is a whole answer."""


def _wrapped_came(data: bytes) -> bool:
    """True when an encrypted frame is complete; raises ProtocolError when it is none."""
    if len(data) < _WRAPPED_HEADER_BYTES:
        return False
    return len(data) >= _WRAPPED_HEADER_BYTES + cipher.wrapped_bytes(data)


class Line:
    """A connection. Made anew for each, so that nothing of an old one can reach the next."""

    def __init__(
        self, address: tuple[str, int], timeout_s: float, connect_s: float, clock: Clock | None
    ) -> None:
        self.strict = StrictFramer(DecodePDU(False))
        self.key: bytes | None = None
        self.number = 0
        self.surplus = False
        self.aborted = False
        self.busy = True
        self._address = address
        self._timeout_s = timeout_s
        self._connect_s = connect_s
        self._clock = clock
        self._socket: socket.socket | None = None

    def dial(self) -> None:
        """Connect, anew if need be: try each address of the host until one accepts."""
        error: Exception = OSError("the name stands for no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            *self._address, type=socket.SOCK_STREAM
        ):
            self.close()
            self._socket = connection = socket.socket(family, kind, protocol)
            if self.aborted:  # Asked once the socket can be seen, so that no abort is lost.
                raise LinkClosed("broken off")
            try:
                connection.settimeout(self._connect_s)
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(self._timeout_s)
                return
            except OSError as failure:
                error = failure
        raise error

    def idle(self) -> bool:
        """True when the connection stands and nothing lies on it."""
        if self._socket is None or self.aborted:
            return False
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return not waiting.poll(0)

    def close(self) -> None:
        """Give the descriptor back; what waits on it must have been woken before."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def abort(self) -> None:
        """From another thread: wake whatever waits on the socket; its owner closes it."""
        self.aborted = True
        connection = self._socket
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # Not connected, or closed in the meantime: nothing waits any more.

    def converse(self, frame: bytes) -> bytes:
        """The Modbus TCP frame that answers `frame`, as far as the bytes themselves can tell."""
        if self.key is None:
            self.send(frame)
            return self.receive(self.strict.complete)
        self.send(cipher.wrap(frame, self.key))
        data = self.receive(_wrapped_came)
        end = _WRAPPED_HEADER_BYTES + cipher.wrapped_bytes(data)
        self.surplus = len(data) > end
        answer = cipher.unwrap(data[:end], self.key, frame[:2])
        if not self.strict.complete(answer):
            raise ProtocolError("garbage within an encrypted frame; is the key too old?", answer)
        return answer

    def send(self, data: bytes) -> None:
        """All of it, or an error."""
        assert self._socket is not None
        self._socket.settimeout(self._timeout_s)
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise DeviceTimeout("the device takes no request") from error

    def receive(self, complete: Complete) -> bytes:
        """The bytes of one answer, complete by its own account; perhaps more than that."""
        deadline = self._clock.monotonic() + self._timeout_s if self._clock else 0.0
        data, left_s = b"", self._timeout_s
        for _ in range(MAX_PIECES):
            data += self._piece(data, left_s)
            if complete(data):
                return data
            if self._clock is not None:
                left_s = deadline - self._clock.monotonic()
            if left_s <= 0:
                raise DeviceTimeout(f"half an answer in {self._timeout_s} s [{data.hex(' ')}]")
        raise ProtocolError(f"an answer in more than {MAX_PIECES} pieces", data)

    def _piece(self, before: bytes, timeout_s: float) -> bytes:
        assert self._socket is not None
        self._socket.settimeout(timeout_s)
        try:
            piece = self._socket.recv(MAX_PIECE_BYTES)
        except TimeoutError as error:
            text = f"half an answer [{before.hex(' ')}]" if before else "no answer"
            raise DeviceTimeout(f"{text} in {self._timeout_s} s") from error
        if piece:
            return piece
        if before:
            raise ProtocolError("closed in the middle of an answer", before)
        raise LinkClosed("closed instead of answering")
