"""Messages go out and come in, by one thread, and nothing is awaited for ever."""

import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from server.transports.websocket_line import (
    CLOSE_TIMEOUT_S,
    MAX_MESSAGE_BYTES,
    MAX_PARTS,
    MAX_PIECES_AT_ONCE,
    MAX_WAITING,
    Ended,
    WebsocketLine,
)
from server_unit_test.transports.scripted_winet import certificate

SHORT_S = 0.05
WAIT_S = 10.0


class Peer:
    """The other end, spoken by hand."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.protocol = ServerProtocol()

    def accept(self) -> None:
        """Read the request of the handshake and accept it."""
        while True:
            self.protocol.receive_data(self.connection.recv(65536))
            for event in self.protocol.events_received():
                assert isinstance(event, Request)
                self.protocol.send_response(self.protocol.accept(event))
                self.flush()
                return

    def flush(self) -> None:
        """Send what is to be sent."""
        self.connection.sendall(b"".join(self.protocol.data_to_send()))

    def heard(self) -> list[Frame]:
        """Frames that came."""
        self.protocol.receive_data(self.connection.recv(65536))
        return [each for each in self.protocol.events_received() if isinstance(each, Frame)]


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Made together with `line`."""
    here, there = socket.socketpair()
    made = Peer(there)
    made.near = here  # type: ignore[attr-defined]
    yield made
    here.close()
    there.close()


@pytest.fixture
def line(peer: Peer) -> Iterator[WebsocketLine]:
    """A websocket that is open."""
    made = WebsocketLine(peer.near, "dongle", 8082, "/ws")  # type: ignore[attr-defined]
    thread = threading.Thread(target=peer.accept)
    thread.start()
    made.open(WAIT_S)
    thread.join()
    yield made
    made.close(politely=False)


def test_messages_go_both_ways(line: WebsocketLine, peer: Peer) -> None:
    """In order, whole, and several at once."""
    line.send("hello", WAIT_S)
    heard = peer.heard()
    for text in (b"one", b"two"):
        peer.protocol.send_text(text)
    peer.flush()

    assert [b"hello"] == [bytes(each.data) for each in heard]
    assert [b"one", b"two"] == [line.receive(WAIT_S), line.receive(0)]


def test_nothing_there_is_told_at_once(line: WebsocketLine) -> None:
    """Without a wait, and with a bounded one."""
    for timeout_s in (0, SHORT_S):
        with pytest.raises(TimeoutError):
            line.receive(timeout_s)


def test_a_message_in_parts_is_one(line: WebsocketLine, peer: Peer) -> None:
    """Even when its parts come at different times."""
    peer.protocol.send_text(b"on", fin=False)
    peer.flush()
    with pytest.raises(TimeoutError):
        line.receive(0)
    peer.protocol.send_continuation(b"e", fin=True)
    peer.flush()

    assert b"one" == line.receive(WAIT_S)


def test_a_ping_is_answered(line: WebsocketLine, peer: Peer) -> None:
    """By the protocol, unasked."""
    peer.protocol.send_ping(b"x")
    peer.flush()
    with pytest.raises(TimeoutError):
        line.receive(0)

    assert [Opcode.PONG] == [each.opcode for each in peer.heard()]


def test_an_end_comes_after_what_was_said_before(line: WebsocketLine, peer: Peer) -> None:
    """Messages that arrived are still heard; then it is over, for sending too."""
    peer.protocol.send_text(b"last")
    peer.flush()
    peer.connection.shutdown(socket.SHUT_RDWR)

    assert b"last" == line.receive(WAIT_S)
    for _ in range(2):
        with pytest.raises(Ended):
            line.receive(WAIT_S)
    with pytest.raises(Ended):
        line.send("x", WAIT_S)


def test_a_farewell_is_an_end(line: WebsocketLine, peer: Peer) -> None:
    """A close frame ends it, whatever the socket does."""
    peer.protocol.send_close()
    peer.flush()
    with pytest.raises(Ended):
        line.receive(WAIT_S)
    with pytest.raises(Ended):
        line.receive(WAIT_S)


def test_too_long_a_message_is_refused(line: WebsocketLine, peer: Peer) -> None:
    """MAX_MESSAGE_BYTES, whole or in parts, before it fills the memory."""
    peer.protocol.send_text(b"x" * (MAX_MESSAGE_BYTES + 1))
    thread = threading.Thread(target=lambda: _try(peer.flush))
    thread.start()
    with pytest.raises(Ended):
        line.receive(WAIT_S)
    line.close(politely=False)
    thread.join()


def test_too_many_messages_are_refused(line: WebsocketLine, peer: Peer) -> None:
    """MAX_WAITING may lie unheard; whoever sends more at once is cut off."""
    for _ in range(MAX_WAITING + 1):
        peer.protocol.send_text(b"x")
    peer.flush()

    with pytest.raises(Ended, match="nobody asked"):
        line.receive(WAIT_S)


def test_too_many_parts_are_refused(line: WebsocketLine, peer: Peer) -> None:
    """MAX_PARTS make a message; empty ones would cost memory for ever."""
    peer.protocol.send_text(b"", fin=False)
    for _ in range(MAX_PARTS):
        peer.protocol.send_continuation(b"", fin=False)
    peer.flush()

    with pytest.raises(Ended, match="parts"):
        line.receive(WAIT_S)


class Chatty(socket.socket):
    """Once open, it has another pong whenever it is read."""

    pong = b""
    reads = 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As a socket whose other end never pauses."""
        if not self.pong:
            return super().recv(size, flags)
        self.reads += 1
        assert self.reads <= 10 * MAX_PIECES_AT_ONCE, "it reads for ever"
        return self.pong


def test_who_never_pauses_does_not_hold_up_a_look(peer: Peer) -> None:
    """What waits for nothing reads MAX_PIECES_AT_ONCE and goes on with its work."""
    near: socket.socket = peer.near  # type: ignore[attr-defined]
    chatty = Chatty(fileno=near.detach())
    line = WebsocketLine(chatty, "dongle", 8082, "/ws")
    thread = threading.Thread(target=peer.accept)
    thread.start()
    line.open(WAIT_S)
    thread.join()
    peer.protocol.send_pong(b"x")
    chatty.pong = b"".join(peer.protocol.data_to_send())
    with pytest.raises(TimeoutError):
        line.receive(0)
    line.close(politely=False)

    assert MAX_PIECES_AT_ONCE == chatty.reads


def test_giving_back_says_farewell_and_waits_a_moment(line: WebsocketLine, peer: Peer) -> None:
    """The other side hears it; when it answers nothing, closing still ends."""
    peer.connection.shutdown(socket.SHUT_WR)
    line.close(politely=True)

    assert [Opcode.CLOSE] == [each.opcode for each in peer.heard()]
    assert CLOSE_TIMEOUT_S <= 2


def test_it_works_over_tls_without_waiting(peer: Peer) -> None:
    """A socket with TLS tells in its own way that nothing is there."""
    near: socket.socket = peer.near  # type: ignore[attr-defined]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def serve() -> None:
        peer.connection = certificate().wrap_socket(peer.connection, server_side=True)
        peer.accept()

    thread = threading.Thread(target=serve)
    thread.start()
    line = WebsocketLine(context.wrap_socket(near), "dongle", 443, "/ws")
    line.open(WAIT_S)
    thread.join()
    with pytest.raises(TimeoutError):
        line.receive(0)
    peer.protocol.send_text(b"one")
    peer.flush()

    assert b"one" == line.receive(0)
    line.close(politely=False)
    peer.connection.close()


def _try(action: object) -> None:
    try:
        action()  # type: ignore[operator]
    except OSError:
        pass  # The line has closed, as it should.


@given(st.binary(min_size=1, max_size=300), st.booleans())
def test_no_bytes_make_it_fall_or_hang(raw: bytes, opened: bool) -> None:
    """Instead of a handshake, or after one: messages, or an end, in time."""
    here, there = socket.socketpair()
    with here, there:
        line = WebsocketLine(here, "dongle", 8082, "/ws")
        if opened:
            thread = threading.Thread(target=Peer(there).accept)
            thread.start()
            line.open(WAIT_S)
            thread.join()
        there.sendall(raw)
        there.shutdown(socket.SHUT_WR)
        with pytest.raises((Ended, WebSocketException, OSError)):
            if not opened:
                line.open(WAIT_S)
            for _ in range(MAX_WAITING):
                assert isinstance(line.receive(WAIT_S), bytes)
        line.close(politely=True)
