"""One connection: whole answers within their time, or an error; another thread may end it."""

import socket
from collections.abc import Iterator

import pytest

from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    LinkClosed,
    ProtocolError,
)
from server.transports import tcp_line
from server.transports.tcp_line import TcpLine
from server_unit_test.contracts.fake_clock import FakeClock
from server_unit_test.transports.scripted_server import WAIT_S, ScriptedServer

REQUEST = bytes(12)
ANSWER = b"0123456789"
SHORT_S = 0.1


def whole(data: bytes) -> bool:
    """An answer has ten bytes."""
    return len(data) >= len(ANSWER)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Answers whatever it is asked."""
    with ScriptedServer(lambda _: (ANSWER,)) as running:
        yield running


@pytest.fixture
def line(server: ScriptedServer) -> Iterator[TcpLine]:
    """A connection to it."""
    line = TcpLine(("127.0.0.1", server.port), SHORT_S, 1.0, None)
    line.dial()
    yield line
    line.close()


def asked(line: TcpLine) -> bytes:
    """One request, and what came."""
    line.send(REQUEST)
    return line.receive(whole)


def test_an_answer_comes_back(line: TcpLine) -> None:
    """As it was sent."""
    assert ANSWER == asked(line)


def test_a_connection_can_be_made_anew(server: ScriptedServer, line: TcpLine) -> None:
    """Dialling again gives up the connection before."""
    asked(line)
    line.dial()

    assert ANSWER == asked(line)
    assert 2 == server.connections


def test_an_aborted_line_dials_no_more(line: TcpLine) -> None:
    """An abort between two connections of one call is not lost."""
    line.abort()

    with pytest.raises(LinkClosed, match="broken off"):
        line.dial()
    assert not line.connected


def test_an_abort_just_before_the_connect_is_not_lost(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that is not connected yet cannot be shut down; it is not used afterwards."""
    line = TcpLine(("127.0.0.1", server.port), SHORT_S, 1.0, None)

    class Hasty(socket.socket):
        """Somebody gives up in the very moment in which it connects."""

        def connect(self, address: object) -> None:
            """As a socket."""
            line.abort()
            super().connect(address)  # type: ignore[arg-type]  # as dial gives it

    monkeypatch.setattr(tcp_line.socket, "socket", Hasty)

    with pytest.raises(LinkClosed, match="broken off"):
        line.dial()


def test_closing_in_the_middle_keeps_the_evidence(server: ScriptedServer, line: TcpLine) -> None:
    """What came is told, as hex; closing at once may be a refusal."""

    def script(_: bytes) -> Iterator[bytes]:
        yield b"\1\0\x0b\5\xaa"
        raise ConnectionResetError

    server.script = script
    with pytest.raises(ProtocolError, match="middle of an answer.*01 00 0b 05 aa"):
        asked(line)
    server.script = lambda _: None
    line.dial()

    with pytest.raises(LinkClosed):
        asked(line)


@pytest.mark.parametrize("pieces,words", [((), "no answer"), ((b"\1\2",), r"half .*\[01 02\]")])
def test_time_runs_out(
    server: ScriptedServer, line: TcpLine, pieces: tuple[bytes, ...], words: str
) -> None:
    """Silence and half an answer are told apart."""
    server.script = lambda _: pieces

    with pytest.raises(DeviceTimeout, match=words):
        asked(line)


@pytest.mark.parametrize("step_s,words", [(20.0, "half an answer"), (31.0, "no answer in 30.0 s")])
def test_drip_by_drip_is_bounded_by_the_clock(
    server: ScriptedServer, step_s: float, words: str
) -> None:
    """With a clock the limit holds for the whole answer, from its request on."""

    class Hasty(FakeClock):
        """Each look at it takes a while."""

        def monotonic(self) -> float:
            """As FakeClock."""
            self.advance(step_s)
            return super().monotonic()

    line = TcpLine(("127.0.0.1", server.port), 30.0, 1.0, Hasty())
    line.dial()
    server.script = lambda _: [bytes([byte]) for byte in ANSWER[:-1]]
    with pytest.raises(DeviceTimeout, match=words):
        asked(line)

    line.close()


def test_an_answer_has_a_bounded_number_of_pieces(
    line: TcpLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that dribbles for ever within each time limit is broken off by MAX_PIECES."""
    monkeypatch.setattr(TcpLine, "_piece", lambda *_: b"\1")

    with pytest.raises(ProtocolError, match=f"more than {tcp_line.MAX_PIECES} pieces"):
        line.receive(lambda data: len(data) > tcp_line.MAX_PIECES)
    assert tcp_line.MAX_PIECES == len(line.receive(lambda d: len(d) == tcp_line.MAX_PIECES))


def test_no_more_than_a_piece_is_taken_at_once(server: ScriptedServer, line: TcpLine) -> None:
    """MAX_PIECE_BYTES bounds what a flood costs."""
    server.script = lambda _: (bytes(10 * tcp_line.MAX_PIECE_BYTES),)
    line.send(REQUEST)

    assert len(line.receive(bool)) <= tcp_line.MAX_PIECE_BYTES


def test_a_device_that_takes_no_request(line: TcpLine) -> None:
    """Sending has its time limit too."""
    with pytest.raises(DeviceTimeout, match="takes no request"):
        line.send(bytes(64 * 1024 * 1024))


def test_a_line_with_bytes_on_it_is_not_idle(server: ScriptedServer, line: TcpLine) -> None:
    """So is one that was closed, or aborted."""
    idle = line.idle()
    asked(line)
    line.send(REQUEST)
    assert line._socket is not None
    line._socket.settimeout(WAIT_S)
    line._socket.recv(1, socket.MSG_PEEK)
    with_bytes = line.idle()
    line.close()

    assert (True, False, False) == (idle, with_bytes, line.idle())


def test_nobody_is_shown_the_systems_numbers() -> None:
    """Why there is no connection is said in words alone."""
    nobody = TcpLine(("127.0.0.1", 1), SHORT_S, 1.0, None)
    with pytest.raises(ConnectionRefusedError) as refused:
        nobody.dial()
    with pytest.raises(DeviceUnreachable) as told:
        nobody.cannot_connect(refused.value)

    assert "127.0.0.1:1: Connection refused" == str(told.value)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), LinkClosed, "Connection reset by"),
        (OSError(113, "No route to host"), DeviceUnreachable, "127.0.0.1:1: No route to host"),
        (OSError(), DeviceUnreachable, "127.0.0.1:1: OSError"),
        (ProtocolError("too long", b"1"), ProtocolError, r"^too long \[31\]"),
    ],
)
def test_what_an_error_in_a_call_means(error: Exception, kind: type, words: str) -> None:
    """A connection that ends is one thing, a network that fails another; ours stay as they are."""
    with pytest.raises(kind, match=words):
        TcpLine(("127.0.0.1", 1), SHORT_S, 1.0, None).fail(error)


def test_an_abort_explains_every_error() -> None:
    """Whatever the system makes of a connection that was cut."""
    line = TcpLine(("127.0.0.1", 1), SHORT_S, 1.0, None)
    line.abort()
    told: list[EgretError] = []
    for meaning in (line.cannot_connect, line.fail):
        with pytest.raises(EgretError, match="broken off") as caught:
            meaning(ConnectionResetError(104, "Connection reset by peer"))
        told.append(caught.value)

    assert [DeviceUnreachable, DeviceTimeout] == [type(each) for each in told]
