"""A websocket over a socket that is connected already: messages out, messages in.

Owns the handshake and the frames, by the websockets package's protocol without its threads: a TLS
connection must not be read and written by two threads at once. Refuses to know what is said. Used
by one thread; whoever bounds a call as a whole does so with its lifeline.
"""

import contextlib
import logging
import socket
import ssl
from collections import deque

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

MAX_MESSAGE_BYTES = 256 * 1024
"""Longest message: a list of thirty devices has some 15 kilobytes."""
MAX_WAITING = 256
"""Messages read from the socket and not yet asked for; whoever sends more is cut off."""
MAX_PARTS = 1024
"""Parts of one message; empty ones have no length that MAX_MESSAGE_BYTES could bound."""
MAX_PIECES_AT_ONCE = 64
"""Pieces read in one look that waits for nothing: whoever never pauses is heard at the next."""
CLOSE_TIMEOUT_S = 1.0
"""Seconds for the other side's farewell: it must not hold up a stop."""

_PIECE_BYTES = 65536


class Ended(Exception):
    """The connection is over, by the other side's wish or fault; the text says how."""


class WebsocketLine:
    """One websocket, from its handshake to its end."""

    def __init__(self, connection: socket.socket, host: str, port: int, path: str) -> None:
        """`connection` is owned from here on; nothing is sent yet."""
        shown = f"[{host}]" if ":" in host else host
        self._connection = connection
        # TLS, where there is any, is laid already: to the protocol this is a plain connection.
        uri = parse_uri(f"ws://{shown}:{port}{path}")
        # Frames hold passwords and tokens: they are logged at no level.
        mute = logging.Logger("websocket", logging.CRITICAL)
        self._protocol = ClientProtocol(uri, max_size=MAX_MESSAGE_BYTES, logger=mute)
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._parts: list[bytes] = []

    def open(self, timeout_s: float) -> None:
        """The handshake; `timeout_s` bounds each wait. Raises WebSocketException or OSError."""
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        self._connection.settimeout(timeout_s)
        while self._protocol.state is not OPEN:
            self._take(self._connection.recv(_PIECE_BYTES))

    def send(self, text: str, timeout_s: float) -> None:
        """Send a message. Raises Ended or OSError."""
        if self._protocol.state is not OPEN:
            raise Ended("closed")
        self._connection.settimeout(timeout_s)
        self._protocol.send_text(text.encode())
        self._flush()

    def receive(self, timeout_s: float) -> bytes:
        """The next message; 0 never waits. Raises TimeoutError, Ended or OSError."""
        pieces = 0
        while not self._waiting:
            if self._protocol.state is not OPEN:
                raise Ended("closed")
            if not timeout_s and pieces >= MAX_PIECES_AT_ONCE:
                raise TimeoutError("no message among much else")
            pieces += 1
            self._connection.settimeout(timeout_s)
            try:
                piece = self._connection.recv(_PIECE_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError) as error:
                raise TimeoutError("nothing there") from error
            self._take(piece)
        return self._waiting.popleft()

    def close(self, politely: bool) -> None:
        """Say farewell and wait for it, boundedly, if `politely`; give the socket back."""
        with contextlib.suppress(OSError, Ended, WebSocketException):
            if politely and self._protocol.state is OPEN:
                self._connection.settimeout(CLOSE_TIMEOUT_S)
                self._protocol.send_close()
                self._flush()
                self._take(self._connection.recv(_PIECE_BYTES))
        self._connection.close()

    def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            if piece:
                self._connection.sendall(piece)

    def _take(self, piece: bytes) -> None:
        """Understand what came; raises Ended when nothing more can come."""
        if piece:
            self._protocol.receive_data(piece)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
        if self._protocol.handshake_exc is not None:
            raise self._protocol.handshake_exc
        if not piece and not self._waiting:
            raise Ended("closed instead of answering")
        if self._protocol.parser_exc is not None:
            raise Ended(str(self._protocol.parser_exc))
        self._flush()

    def _frame(self, frame: Frame) -> None:
        """Pings are answered by the protocol; messages may come in parts."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if len(self._parts) >= MAX_PARTS:
            raise Ended(f"a message of more than {MAX_PARTS} parts")
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return
        if len(self._waiting) >= MAX_WAITING:
            raise Ended(f"more than {MAX_WAITING} messages that nobody asked for")
        self._waiting.append(b"".join(self._parts))
        self._parts.clear()
