"""Which bytes answer the request in flight."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU

from server.errors import ProtocolError
from server.transports.modbus_frame import (
    MAX_READ_WORDS,
    MAX_WRITE_WORDS,
    StrictFramer,
    check_read,
    check_write,
)

UNIT, TRANSACTION = 3, 77


def waiting(count: int = 2) -> StrictFramer:
    """A framer that expects `count` words of input from unit 3."""
    framer = StrictFramer(DecodePDU(False))
    framer.expect_words(4, count)
    return framer


def frame(*words: int) -> bytes:
    """The answer to that."""
    data = struct.pack(f">{len(words)}H", *words)
    return struct.pack(">HHHBBB", TRANSACTION, 0, 3 + len(data), UNIT, 4, len(data)) + data


@given(words=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=MAX_READ_WORDS))
def test_the_answer_is_accepted(words: list[int]) -> None:
    """Its words come out as they went in, and nothing is left over."""
    framer = waiting(len(words))

    used, answer = framer.handleFrame(frame(*words), UNIT, TRANSACTION)

    assert answer is not None
    assert tuple(words) == framer.words
    assert (len(frame(*words)), False) == (used, framer.surplus)


@given(cut=st.integers(0, 12))
def test_an_answer_is_complete_with_its_last_byte(cut: int) -> None:
    """And not before, wherever it is cut."""
    data = frame(1, 2)

    assert not waiting().complete(data[: len(data) - 1 - cut])
    assert waiting().complete(data)


@given(at=st.integers(0, 8), bit=st.integers(0, 7))
def test_one_wrong_bit_before_the_words_is_noticed(at: int, bit: int) -> None:
    """No flipped bit in the header, function or byte count passes for an answer."""
    data = bytearray(frame(1, 2))
    data[at] ^= 1 << bit
    framer = waiting()
    if not framer.complete(bytes(data)):
        return  # It claims to be longer, and is waited for in vain.
    if (at, bit) == (7, 7):
        _, answer = framer.handleFrame(bytes(data), UNIT, TRANSACTION)
        assert answer is not None
        assert answer.exception_code == 4  # The very frame of an exception to this request.
        return

    with pytest.raises(ProtocolError):
        framer.handleFrame(bytes(data), UNIT, TRANSACTION)


def test_surplus_is_reported() -> None:
    """Bytes behind the frame are not part of it."""
    framer = waiting(1)
    framer.handleFrame(frame(5) + b"\0", UNIT, TRANSACTION)

    assert ((5,), True) == (framer.words, framer.surplus)


HEADS = st.sampled_from([b"", struct.pack(">HH", TRANSACTION, 0), frame(1, 2)[:9], frame(1)[:6]])


@given(head=HEADS, tail=st.binary(max_size=300), writes=st.booleans())
def test_no_bytes_are_taken_for_another_answer(head: bytes, tail: bytes, writes: bool) -> None:
    """What is accepted is the very answer asked for, byte for byte; everything else is an error."""
    data, framer = head + tail, waiting()
    if writes:
        framer.expect_echo(7, (5,))
    if not framer.complete(data):
        return
    try:
        _, answer = framer.handleFrame(data, UNIT, TRANSACTION)
    except ProtocolError:
        return

    assert answer is not None
    assert struct.pack(">HH", TRANSACTION, 0) == data[:4] and UNIT == data[6]
    if answer.exception_code:
        assert (data[7] & 0x7F, data[8]) == (6 if writes else 4, answer.exception_code)
    elif writes:
        assert data[7:12] == struct.pack(">BHH", 6, 7, 5)
    elif answer.function_code == 4:
        assert data[7:9] == b"\4\4" and framer.words == struct.unpack_from(">HH", data, 9)


@pytest.mark.parametrize(
    ("address", "count", "possible"),
    [
        (0, 1, True),
        (0x10000 - MAX_READ_WORDS, MAX_READ_WORDS, True),
        (0, 0, False),
        (0, MAX_READ_WORDS + 1, False),
        (-1, 1, False),
        (0xFFFF, 2, False),
    ],
)
def test_what_can_be_read_at_once(address: int, count: int, possible: bool) -> None:
    """One word to MAX_READ_WORDS, all of them within the addresses that there are."""
    try:
        check_read(address, count)
    except ValueError as refusal:
        assert not possible and f"{count} words from {address}" in str(refusal)
    else:
        assert possible


@pytest.mark.parametrize(
    ("address", "words", "possible"),
    [
        (0, [0], True),
        (0, [0xFFFF] * MAX_WRITE_WORDS, True),
        (0, [], False),
        (0, [0] * (MAX_WRITE_WORDS + 1), False),
        (0xFFFF, [0, 0], False),
        (0, [0x10000], False),
        (0, [-1], False),
    ],
)
def test_what_can_be_written_at_once(address: int, words: list[int], possible: bool) -> None:
    """One word to MAX_WRITE_WORDS, each of 16 bits."""
    try:
        check_write(address, words)
    except ValueError:
        assert not possible
    else:
        assert possible
