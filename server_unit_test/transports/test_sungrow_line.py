"""One connection of Sungrow's Modbus: whole frames within their time, or an error."""

import socket
import struct
from collections.abc import Iterator

import pytest

from server.errors import DeviceTimeout, LinkClosed, ProtocolError
from server.transports import sungrow_line
from server.transports.modbus_frame import MAX_FRAME_BYTES
from server.transports.sungrow_line import Line
from server_unit_test.contracts.fake_clock import FakeClock
from server_unit_test.transports.ciphered import CONSTANT, PUBLIC, Ciphered, enciphered
from server_unit_test.transports.scripted_server import WAIT_S, ScriptedServer, counting

KEY = bytes(a ^ b for a, b in zip(PUBLIC, CONSTANT, strict=True))
REQUEST = bytes.fromhex("0001 0000 0006 01 04 0007 0001")
ANSWER = bytes.fromhex("0001 0000 0005 01 04 02 0007")
SHORT_S = 0.1


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A device whose every register holds its own address."""
    with ScriptedServer(Ciphered(counting)) as running:
        yield running


@pytest.fixture
def line(server: ScriptedServer) -> Iterator[Line]:
    """A connection to it that knows the key and expects one word."""
    line = Line(("127.0.0.1", server.port), SHORT_S, 1.0, None)
    line.key = KEY
    line.strict.expect_words(4, 1)
    line.dial()
    yield line
    line.close()


@pytest.mark.parametrize("key", [None, KEY])
def test_a_frame_goes_there_and_another_comes_back(line: Line, key: bytes | None) -> None:
    """Enciphered with a key and plain without one; the number of the request is put back."""
    line.key = key

    assert ANSWER == line.converse(REQUEST)


def test_a_connection_can_be_made_anew(server: ScriptedServer, line: Line) -> None:
    """Dialling again gives up the connection before."""
    line.converse(REQUEST)
    line.dial()

    assert ANSWER == line.converse(REQUEST)
    assert 2 == server.connections


def test_an_aborted_line_dials_no_more(line: Line) -> None:
    """An abort between two connections of one call is not lost."""
    line.abort()

    with pytest.raises(LinkClosed, match="broken off"):
        line.dial()


def test_garbage_within_is_no_answer(server: ScriptedServer, line: Line) -> None:
    """A frame that is shorter than it says does not reach whoever reads its words."""
    server.script = lambda _: (enciphered(bytes.fromhex("6868 0000 0063 01 04 02"), PUBLIC),)

    with pytest.raises(ProtocolError, match="is the key too old"):
        line.converse(REQUEST)


@pytest.mark.parametrize("head", [b"\2\0\x0b\5", b"\1\1\x0b\5", b"\1\0\x0b\4", b"\1\0\x07\x09"])
def test_what_is_no_encrypted_frame_is_not_waited_for(
    server: ScriptedServer, line: Line, head: bytes
) -> None:
    """Four bytes tell; nothing further has to come."""
    server.script = lambda _: (head,)

    with pytest.raises(ProtocolError):
        line.converse(REQUEST)


def test_closing_in_the_middle_keeps_the_evidence(server: ScriptedServer, line: Line) -> None:
    """What came is told, as hex."""

    def script(_: bytes) -> Iterator[bytes]:
        yield b"\1\0\x0b\5\xaa"
        raise ConnectionResetError

    server.script = script

    with pytest.raises(ProtocolError, match="middle of an answer.*01 00 0b 05 aa"):
        line.converse(REQUEST)


@pytest.mark.parametrize("pieces,words", [((), "no answer"), ((b"\1\0\x0b\5",), "half an answer")])
def test_time_runs_out(
    server: ScriptedServer, line: Line, pieces: tuple[bytes, ...], words: str
) -> None:
    """Silence and half an answer are told apart."""
    server.script = lambda _: pieces

    with pytest.raises(DeviceTimeout, match=words):
        line.converse(REQUEST)


def test_drip_by_drip_is_bounded_by_the_clock(server: ScriptedServer) -> None:
    """With a clock the limit holds for the whole answer, however many pieces it comes in."""

    class Hasty(FakeClock):
        def monotonic(self) -> float:
            self.advance(40.0)
            return super().monotonic()

    line = Line(("127.0.0.1", server.port), 30.0, 1.0, Hasty())
    line.strict.expect_words(4, 1)
    line.dial()
    server.script = lambda _: [bytes([byte]) for byte in ANSWER[:-1]]

    with pytest.raises(DeviceTimeout, match="half an answer"):
        line.converse(REQUEST)

    line.close()


def test_an_answer_has_a_bounded_number_of_pieces(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that dribbles for ever within each time limit is broken off by MAX_PIECES."""
    monkeypatch.setattr(Line, "_piece", lambda *_: b"\1")

    with pytest.raises(ProtocolError, match=f"more than {sungrow_line.MAX_PIECES} pieces"):
        line.receive(lambda data: len(data) > sungrow_line.MAX_PIECES)
    assert sungrow_line.MAX_PIECES == len(line.receive(lambda d: len(d) == sungrow_line.MAX_PIECES))


def test_the_longest_answer_is_one_piece(server: ScriptedServer, line: Line) -> None:
    """MAX_PIECE_BYTES is more than any answer has, plain or enciphered."""
    line.strict.expect_words(4, 123)
    frame = line.converse(struct.pack(">HHHBBHH", 1, 0, 6, 1, 4, 0, 123))

    assert 255 == len(frame)
    assert 4 + 256 == MAX_FRAME_BYTES == sungrow_line.MAX_PIECES < sungrow_line.MAX_PIECE_BYTES


def test_a_device_that_takes_no_request(server: ScriptedServer, line: Line) -> None:
    """Sending has its time limit too."""
    with pytest.raises(DeviceTimeout, match="takes no request"):
        line.send(bytes(64 * 1024 * 1024))


def test_a_line_with_bytes_on_it_is_not_idle(server: ScriptedServer, line: Line) -> None:
    """So is one that was closed, or aborted."""
    idle = line.idle()
    server.script = lambda _: (ANSWER,)
    line.send(REQUEST)
    line.receive(bool)
    line.send(REQUEST)
    assert line._socket is not None
    line._socket.settimeout(WAIT_S)
    line._socket.recv(1, socket.MSG_PEEK)
    with_bytes = line.idle()
    line.close()

    assert (True, False, False) == (idle, with_bytes, line.idle())
