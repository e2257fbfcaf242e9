"""Requests without any framing: every expected answer is written out by hand."""

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.modbus_pdu import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    MAX_PDU_BYTES,
    MAX_READ_WORDS,
    MAX_WRITE_WORDS,
    Refused,
    answer,
    asked_span,
)


class Shelf:
    """A device whose input registers hold their own address and whose holding keep what came."""

    def __init__(self) -> None:
        self.written: list[tuple[int, tuple[int, ...]]] = []

    def read_input(self, first: int, count: int) -> Sequence[int]:
        if first >= 0xF000:
            raise Refused(ILLEGAL_ADDRESS)
        return list(range(first, first + count))

    def read_holding(self, first: int, count: int) -> Sequence[int]:
        return [0xABCD] * count

    def write(self, first: int, words: Sequence[int]) -> None:
        if 0xFFFF in words:
            raise Refused(ILLEGAL_VALUE)
        self.written.append((first, tuple(words)))


@pytest.mark.parametrize(
    ("request_hex", "reply_hex"),
    [
        ("04 0010 0003", "04 06 0010 0011 0012"),
        ("03 0010 0002", "03 04 ABCD ABCD"),
        ("06 0010 0003", "06 0010 0003"),
        ("10 0010 0002 04 0001 0002", "10 0010 0002"),
        ("05 0010 FF00", "85 01"),
        ("2B 0E 01 00", "AB 01"),
        ("04 F000 0001", "84 02"),
        ("04 FFFF 0002", "84 02"),
        ("10 FFFF 0002 04 0001 0002", "90 02"),
        ("04 0010 0000", "84 03"),
        ("04 0010 007E", "84 03"),
        ("04 0010", "84 03"),
        ("04", "84 03"),
        ("03 0010 0001 00", "83 03"),
        ("06 0010", "86 03"),
        ("06 0010 FFFF", "86 03"),
        ("10 0010 0002 03 0001 0002", "90 03"),
        ("10 0010 0002 04 0001", "90 03"),
        ("10 0010 0000 00", "90 03"),
        ("10 0010", "90 03"),
    ],
)
def test_answer(request_hex: str, reply_hex: str) -> None:
    """Each request has exactly one right answer, refusals included."""
    request = bytes.fromhex(request_hex)

    reply = answer(request, Shelf())

    assert bytes.fromhex(reply_hex) == reply


def test_write_reaches_the_device() -> None:
    """A write of several registers hands over the first address and all the words."""
    shelf = Shelf()

    answer(bytes.fromhex("10 0010 0002 04 0001 0002"), shelf)

    assert [(0x10, (1, 2))] == shelf.written


def test_longest_read() -> None:
    """125 registers are read in one request, 126 are not."""
    longest = answer(struct.pack(">BHH", 4, 0, MAX_READ_WORDS), Shelf())
    longer = answer(struct.pack(">BHH", 4, 0, MAX_READ_WORDS + 1), Shelf())

    assert (2 + 2 * MAX_READ_WORDS, b"\x84\x03") == (len(longest), longer)


def test_longest_write() -> None:
    """123 registers are written in one request, 124 are not."""

    def write(count: int) -> bytes:
        head = struct.pack(">BHHB", 16, 0, count, 2 * count)
        return answer(head + bytes(2 * count), Shelf())

    assert (bytes.fromhex("10 0000 007B"), b"\x90\x03") == (
        write(MAX_WRITE_WORDS),
        write(MAX_WRITE_WORDS + 1),
    )


@pytest.mark.parametrize(
    ("pdu_hex", "span"),
    [
        ("04 1387 000A", range(5000, 5010)),
        ("03 0000 0001", range(1, 2)),
        ("06 1387 000A", None),
        ("04 1387", None),
    ],
)
def test_what_a_read_asks_for(pdu_hex: str, span: range | None) -> None:
    """Document addresses, for a read alone."""
    assert span == asked_span(bytes.fromhex(pdu_hex))


@given(st.binary(min_size=1, max_size=MAX_PDU_BYTES))
def test_every_request_is_answered(pdu: bytes) -> None:
    """Whatever is asked, there is an answer to it or a refusal of it, and it fits a frame."""
    reply = answer(pdu, Shelf())

    assert pdu[0] in (reply[0], reply[0] & 0x7F)
    assert 2 <= len(reply) <= MAX_PDU_BYTES
