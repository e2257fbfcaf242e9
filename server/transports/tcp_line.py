"""One TCP connection to a device: whole answers in time, or an error; another thread may end it.

Owns the socket, the addresses that a host name stands for, and every wait. Refuses to know what
travels: whoever uses it says when an answer is complete.

Waiting is done by socket timeouts and poll(2), which know no bound of descriptors. `abort` shuts
the socket down, which wakes any wait at once; only the line's owner closes it. A line is made anew
for each connection of a call, so that nothing of an old one can reach the next.
"""

import select
import socket
from collections.abc import Callable
from typing import NoReturn

from server.errors import DeviceTimeout, DeviceUnreachable, EgretError, LinkClosed, ProtocolError
from server.ports import Clock

MAX_PIECES = 260
"""Pieces an answer may arrive in: the longest has as many bytes, and some serial gateways forward
byte by byte."""
MAX_PIECE_BYTES = 512
"""Bytes taken from the connection at once: more than any answer has."""

Complete = Callable[[bytes], bool]
"""Told what came so far: whether that is a whole answer."""


class TcpLine:
    """Used by one thread, but for `abort`."""

    def __init__(
        self, address: tuple[str, int], timeout_s: float, connect_s: float, clock: Clock | None
    ) -> None:
        """With a clock `timeout_s` bounds a whole answer, from its request on; without one it
        bounds each piece. `connect_s` is for each address of the host."""
        self.aborted = False
        self.busy = True
        """A call is using it, be it one that was given up."""
        self._address = address
        self._timeout_s = timeout_s
        self._connect_s = connect_s
        self._clock = clock
        self._answer_due = 0.0
        self._waiting = select.poll()
        self._socket: socket.socket | None = None

    @property
    def connected(self) -> bool:
        """True from `dial` to `close`, whatever the other side thinks."""
        return self._socket is not None

    @property
    def name(self) -> str:
        """Where it leads, as a person reads it."""
        return "{}:{}".format(*self._address)

    def cannot_connect(self, error: Exception) -> NoReturn:
        """Raise what an error on the way to a connection means: DeviceUnreachable."""
        words = "connecting was broken off" if self.aborted else _words_of(error)
        raise DeviceUnreachable(f"{self.name}: {words}") from error

    def fail(self, error: Exception) -> NoReturn:
        """Raise what an error in a call means, be it one of ours already."""
        if self.aborted:
            raise DeviceTimeout(f"{self.name}: the call was broken off") from error
        if isinstance(error, EgretError):
            raise error
        kind = LinkClosed if isinstance(error, ConnectionError) else DeviceUnreachable
        raise kind(f"{self.name}: {_words_of(error)}") from error

    def dial(self, settle_s: float = 0.0) -> None:
        """Connect, anew if need be: try each address until one accepts; keep quiet `settle_s`."""
        error: Exception = OSError("the name stands for no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            *self._address, type=socket.SOCK_STREAM
        ):
            self.close()
            self._socket = connection = socket.socket(family, kind, protocol)
            try:
                self._unless_aborted()  # Now that the socket can be seen, no abort is lost.
                connection.settimeout(self._connect_s)
                connection.connect(address)
                self._unless_aborted()  # One that came before the connect could shut nothing down.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._settle(connection, settle_s)
                connection.settimeout(self._timeout_s)
                self._waiting = select.poll()
                self._waiting.register(connection, select.POLLIN)
                return
            except (OSError, LinkClosed) as failure:
                error = failure
                self.close()
                if self.aborted:
                    break
        raise error

    def _unless_aborted(self) -> None:
        if self.aborted:
            raise LinkClosed("broken off")

    def _settle(self, connection: socket.socket, settle_s: float) -> None:
        """Wait on the socket itself, so that `abort` and a device that hangs up are noticed."""
        if settle_s <= 0:
            return
        connection.settimeout(settle_s)
        try:
            early = connection.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return
        if not early:
            raise LinkClosed("closed right after connecting; it may allow one client only")
        raise LinkClosed("it speaks before it is asked; this is no Modbus server")

    def idle(self) -> bool:
        """True when the connection stands and nothing lies on it."""
        return self.connected and not self.aborted and not self._waiting.poll(0)

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

    def send(self, data: bytes) -> None:
        """All of it, or DeviceTimeout or OSError."""
        assert self._socket is not None
        if self._clock is not None:
            self._answer_due = self._clock.monotonic() + self._timeout_s
        self._socket.settimeout(self._timeout_s)
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise DeviceTimeout("the device takes no request") from error

    def receive(self, complete: Complete) -> bytes:
        """The bytes of one answer, complete by its own account; perhaps more than that.

        Raises DeviceTimeout, LinkClosed, ProtocolError, OSError, and what `complete` raises.
        """
        data = b""
        for _ in range(MAX_PIECES):
            data += self._piece(data)
            if complete(data):
                return data
        raise ProtocolError(f"an answer in more than {MAX_PIECES} pieces", data)

    def _piece(self, before: bytes) -> bytes:
        assert self._socket is not None
        try:
            if self._clock is not None:
                left_s = self._answer_due - self._clock.monotonic()
                if left_s <= 0:
                    raise TimeoutError
                self._socket.settimeout(left_s)
            piece = self._socket.recv(MAX_PIECE_BYTES)
        except TimeoutError as error:
            text = "half an answer" if before else "no answer"
            came = f" [{before.hex(' ')}]" if before else ""
            raise DeviceTimeout(f"{text} in {self._timeout_s} s{came}") from error
        if piece:
            return piece
        if before:
            raise ProtocolError("closed in the middle of an answer", before)
        raise LinkClosed("closed instead of answering")


def _words_of(error: Exception) -> str:
    """What the system says, without its number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
