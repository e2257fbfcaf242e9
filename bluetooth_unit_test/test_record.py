"""The fields of a session's messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.fragment import MAX_FRAGMENT_BYTES, MIN_FRAGMENT_BYTES, WINDOW, cut
from bluetooth.record import (
    BAD_ATTEMPTS,
    HANDSHAKE_BYTES,
    MAX_CLOSE_CHARACTERS,
    MAX_MESSAGE_BYTES,
    MAX_RECORD_DATA_BYTES,
    VERSION,
    Close,
    Hello,
    Reason,
    Record,
    RecordType,
    SessionFault,
    parse_close,
    parse_hello,
    parse_record,
    prologue,
    records,
)

HELLO = Hello(244, bytes(HANDSHAKE_BYTES))


def test_a_hello_says_version_and_size() -> None:
    """Its plain fields come before the handshake, and are mixed into it."""
    assert b"\x01\x01\x00\xf4" + bytes(48) == HELLO.encode()
    assert HELLO == parse_hello(HELLO.encode())
    assert b"egret session\x01\x00\xf4" == HELLO.prologue() == prologue(244)


@pytest.mark.parametrize(("asked", "granted"), [(0, 20), (20, 20), (244, 244), (60000, 512)])
def test_the_size_of_fragments_has_bounds(asked: int, granted: int) -> None:
    """Whatever a phone asks for: at least what every radio carries, at most a value."""
    assert granted == Hello(asked, b"").granted_bytes
    assert (MIN_FRAGMENT_BYTES, MAX_FRAGMENT_BYTES) == (20, 512)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\x01", Reason.VERSION),
        (b"\x01\x02" + bytes(50), Reason.VERSION),
        (HELLO.encode()[:-1], Reason.MALFORMED),
        (HELLO.encode() + b"x", Reason.MALFORMED),
    ],
)
def test_a_wrong_hello_is_refused_in_words(message: bytes, reason: Reason) -> None:
    """Another version is told from nonsense."""
    with pytest.raises(SessionFault) as raised:
        parse_hello(message)

    assert reason is raised.value.reason
    assert 1 == VERSION


@given(st.sampled_from(RecordType), st.integers(0, 255), st.binary(max_size=9000))
def test_long_data_goes_in_several_records(kind: RecordType, number: int, data: bytes) -> None:
    """Each fits, all but the last say that more follows, and together they are the data."""
    cut_up = [parse_record(each.encode()) for each in records(kind, number, data)]

    assert data == b"".join(each.data for each in cut_up)
    assert [True] * (len(cut_up) - 1) + [False] == [each.more for each in cut_up]
    assert {(kind, number)} == {(each.type, each.id) for each in cut_up}
    assert all(len(each.data) <= MAX_RECORD_DATA_BYTES for each in cut_up)


def test_the_longest_record_is_the_longest_message() -> None:
    """Kind, head, data and tag."""
    record = Record(RecordType.ANSWER, 1, bytes(MAX_RECORD_DATA_BYTES))

    assert MAX_MESSAGE_BYTES == 1 + len(record.encode()) + 16


@pytest.mark.parametrize("plain", [b"", b"\x01\x00", b"\x01\x00\x02", b"\x09\x00\x00", b"\0\0\0"])
def test_a_wrong_record_is_refused(plain: bytes) -> None:
    """Too short, unknown flags, unknown type."""
    with pytest.raises(SessionFault) as raised:
        parse_record(plain)

    assert Reason.MALFORMED is raised.value.reason


def test_a_close_says_why() -> None:
    """Reason and words; an unknown reason is still an end."""
    close = Close(Reason.DOOR_CLOSED, "the window closed: press the button")

    assert close == parse_close(close.encode())
    assert Close(Reason.MALFORMED, "?") == parse_close(b"\x05\xee?")
    assert Close(Reason.MALFORMED, "") == parse_close(b"\x05")


def test_a_close_fits_into_the_smallest_window() -> None:
    """Its words never wait for an acknowledgement."""
    longest = Close(Reason.TIMEOUT, "é" * 1000).encode()

    assert len(list(cut(longest, MIN_FRAGMENT_BYTES))) <= WINDOW
    assert MAX_CLOSE_CHARACTERS == len(parse_close(longest).text)


def test_only_strangers_make_bad_attempts() -> None:
    """A broken app of somebody who holds the secret closes no door."""
    assert {Reason.WRONG_SECRET, Reason.REPLAYED, Reason.FORGED} == BAD_ATTEMPTS
