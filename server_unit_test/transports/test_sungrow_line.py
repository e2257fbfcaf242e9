"""One connection of Sungrow's Modbus: whole frames within their time, or an error."""

import struct
from collections.abc import Iterator

import pytest

from server.errors import ProtocolError
from server.transports.modbus_frame import MAX_FRAME_BYTES
from server.transports.sungrow_line import Line
from server.transports.tcp_line import MAX_PIECE_BYTES, MAX_PIECES
from server_unit_test.transports.ciphered import CONSTANT, PUBLIC, Ciphered, enciphered
from server_unit_test.transports.scripted_server import ScriptedServer, counting

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
    line.tcp.dial()
    yield line
    line.tcp.close()


@pytest.mark.parametrize("key", [None, KEY])
def test_a_frame_goes_there_and_another_comes_back(line: Line, key: bytes | None) -> None:
    """Enciphered with a key and plain without one; the number of the request is put back."""
    line.key = key

    assert ANSWER == line.converse(REQUEST)


def test_a_connection_can_be_made_anew(server: ScriptedServer, line: Line) -> None:
    """Dialling again gives up the connection before."""
    line.converse(REQUEST)
    line.tcp.dial()

    assert ANSWER == line.converse(REQUEST)
    assert 2 == server.connections


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


def test_the_longest_answer_is_one_piece(server: ScriptedServer, line: Line) -> None:
    """MAX_PIECE_BYTES is more than any answer has, plain or enciphered."""
    line.strict.expect_words(4, 123)
    frame = line.converse(struct.pack(">HHHBBHH", 1, 0, 6, 1, 4, 0, 123))

    assert 255 == len(frame)
    assert 4 + 256 == MAX_FRAME_BYTES == MAX_PIECES < MAX_PIECE_BYTES
