"""Sungrow's encrypted frames, against an example computed from the published scheme."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ProtocolError
from server.transports import sungrow_cipher as cipher

PUBLIC = bytes(range(1, 17))
KEY = bytes.fromhex("46706c7326362d3a5a7f653a354d6d55")
REQUEST = bytes.fromhex("000100000006010413870001")
WIRE_REQUEST = bytes.fromhex("01000c045eaafcf01a63e4f6425d892218976e31")
WIRE_ANSWER = bytes.fromhex("01000b05a8269053f3d8aee9de26f6e9bef81aac")


def test_the_session_key() -> None:
    """The public key XOR the constant that every device shares."""
    assert KEY == cipher.session_key(PUBLIC)


@pytest.mark.parametrize("public", [bytes(16), b"\xff" * 16, b"", PUBLIC[:15], PUBLIC + b"\1"])
def test_a_device_that_wants_plain_modbus(public: bytes) -> None:
    """A blank key, or anything but KEY_BYTES of them, means no encryption."""
    assert cipher.session_key(public) is None
    assert cipher.KEY_BYTES == 16


def test_the_request_of_the_example() -> None:
    """Reading wire 0x1387 from unit 1."""
    assert WIRE_REQUEST == cipher.wrap(REQUEST, KEY)


def test_the_answer_of_the_example() -> None:
    """0x2433, an SG10RT, with the transaction number of the request put back."""
    frame = cipher.unwrap(WIRE_ANSWER, KEY, REQUEST[:2])

    assert bytes.fromhex("0001 0000 0005 01 04 02 2433") == frame


def test_the_key_is_asked_for_by_an_ordinary_read() -> None:
    """Eight registers are the sixteen bytes of the key."""
    assert 12 == len(cipher.KEY_REQUEST)
    assert (0x0AE7, 8) == (
        int.from_bytes(cipher.KEY_REQUEST[8:10], "big"),
        int.from_bytes(cipher.KEY_REQUEST[10:], "big"),
    )


@given(
    frame=st.binary(min_size=8, max_size=cipher.MAX_PLAIN_BYTES),
    key=st.binary(min_size=16, max_size=16),
)
def test_frames_survive_the_round_trip(frame: bytes, key: bytes) -> None:
    """Whatever its length; padding is 1 to 16 bytes, never none."""
    wire = cipher.wrap(frame, key)

    assert frame == cipher.unwrap(wire, key, frame[:2])
    assert len(wire) == 4 + cipher.wrapped_bytes(wire[:4])
    assert 1 <= wire[3] <= 16


@pytest.mark.parametrize("frame", [b"", b"1234567", bytes(cipher.MAX_PLAIN_BYTES + 1)])
def test_what_cannot_be_wrapped(frame: bytes) -> None:
    """A frame is 8 to MAX_PLAIN_BYTES long."""
    with pytest.raises(ValueError):
        cipher.wrap(frame, KEY)


@given(data=st.binary(max_size=80))
def test_any_bytes_are_a_frame_or_an_error(data: bytes) -> None:
    """What a peer sends can do no more than raise ProtocolError."""
    try:
        frame = cipher.unwrap(data, KEY, b"\0\1")
    except ProtocolError:
        return

    assert len(frame) == data[2]


@pytest.mark.parametrize(
    "data", [WIRE_ANSWER[:-1], WIRE_ANSWER + b"\0", b"\1\0\x0b\0", b"\2\0\x0b\5"]
)
def test_lengths_have_to_agree(data: bytes) -> None:
    """Too short, too long, without padding, not a frame at all."""
    with pytest.raises(ProtocolError):
        cipher.unwrap(data, KEY, b"\0\1")


@given(public=st.binary(max_size=40) | st.sampled_from([bytes(16), b"\xff" * 16]))
def test_any_public_key_is_one_or_means_plain(public: bytes) -> None:
    """16 bytes that are neither all 0x00 nor all 0xFF; nothing else makes a key."""
    key = cipher.session_key(public)

    wanted = len(public) == 16 and len(set(public) - {0}) > 0 and set(public) != {0xFF}
    assert wanted == (key is not None)
    assert key is None or len(key) == cipher.KEY_BYTES
