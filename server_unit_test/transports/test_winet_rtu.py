"""RTU frames: an answer is exactly what was asked for, or an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ProtocolError, RegisterRefused
from server.transports.winet_rtu import (
    MAX_READ_WORDS,
    MAX_RTU_BYTES,
    MAX_WRITE_WORDS,
    check_echo,
    checksum,
    read_frame,
    words_of,
    write_frame,
)

# Sungrow hybrid protocol V1.1.16, the printed example of a read.
REQUEST = bytes.fromhex("01 04 13 87 00 0A C4 A0")
ANSWER = bytes.fromhex("01 04 14 0E 28 00 FA 00 01 03 5C 2B F6 00 0B 00 00 00 00 01 A9 00 00 3F 05")


def sealed(message: bytes) -> bytes:
    """With a checksum that fits."""
    return message + checksum(message)


def test_the_vendors_example_is_understood() -> None:
    """The request as printed, and its answer."""
    words = words_of(ANSWER, REQUEST)

    assert REQUEST == read_frame(1, 4, 0x1387, 10)
    assert (0x0E28, 250, 1, 0x035C, 0x2BF6, 11, 0, 0, 425, 0) == words


def test_a_padded_frame_is_read_by_its_byte_count() -> None:
    """Some inverters send more words than they count: those asked for are the first ones."""
    request = read_frame(1, 4, 7, 2)
    body = b"\1\4\4\0\7\0\x08"

    assert (7, 8) == words_of(sealed(body + b"\0\0\0\0"), request)
    assert (7, 8) == words_of(sealed(body) + b"\0\0", request)


WRONG = {
    "empty": b"",
    "too short": b"\1\4\4\0",
    "another unit": sealed(b"\2\4\4\0\7\0\x08"),
    "another function": sealed(b"\1\3\4\0\7\0\x08"),
    "another byte count": sealed(b"\1\4\2\0\7\0\x08"),
    "too few words": sealed(b"\1\4\4\0\7"),
    "a wrong checksum": b"\1\4\4\0\7\0\x08\0\0",
    "an exception with a wrong checksum": b"\1\x84\2\0\0",
    "longer than any frame": sealed(b"\1\4\4\0\7\0\x08" + bytes(MAX_RTU_BYTES)),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_not_the_answer_is_refused(fault: str) -> None:
    """Any mismatch raises ProtocolError."""
    with pytest.raises(ProtocolError):
        words_of(WRONG[fault], read_frame(1, 4, 7, 2))


def test_an_exception_carries_its_code() -> None:
    """Of a read and of a write alike."""
    with pytest.raises(RegisterRefused, match="exception 2, illegal data address") as caught:
        words_of(sealed(b"\1\x84\2"), read_frame(1, 4, 7, 2))
    with pytest.raises(RegisterRefused):
        check_echo(sealed(b"\1\x86\3"), write_frame(1, 7, (1,)))

    assert 2 == caught.value.code


@pytest.mark.parametrize("words", [(7,), (8, 9), (0xFFFF,) * MAX_WRITE_WORDS])
def test_a_write_has_to_be_repeated(words: tuple[int, ...]) -> None:
    """Address and word, or address and number of words."""
    request = write_frame(1, 20, words)
    check_echo(sealed(request[:6]), request)

    assert len(request) <= MAX_RTU_BYTES
    with pytest.raises(ProtocolError):
        check_echo(sealed(request[:5] + b"\x77"), request)
    with pytest.raises(ProtocolError):
        check_echo(sealed(request[:6] + b"\0"), request)


@given(st.binary(max_size=300), st.integers(1, MAX_READ_WORDS))
def test_no_bytes_make_a_value(frame: bytes, count: int) -> None:
    """Without a fitting checksum, nothing is ever read from noise."""
    request = read_frame(1, 4, 7, count)
    for answer in (frame, b"\1\4" + frame, bytes([1, 4, 2 * count]) + frame):
        try:
            words = words_of(answer, request)
        except (ProtocolError, RegisterRefused):
            continue
        end = 3 + 2 * count
        assert count == len(words)
        assert checksum(answer[:end]) == answer[end : end + 2] or (
            checksum(answer[:-2]) == answer[-2:]
        )


@given(st.binary(max_size=300))
def test_no_bytes_make_a_write_succeed(frame: bytes) -> None:
    """Only the exact echo counts."""
    request = write_frame(1, 7, (5,))
    try:
        check_echo(frame, request)
    except (ProtocolError, RegisterRefused):
        return
    assert frame == request
