"""What went over HCI, kept and written."""

import struct
from pathlib import Path

from virtual_radio.capture import EPOCH_2000_US, MAX_CAPTURE_BYTES, Capture, Packet

RESET = b"\x01\x03\x0c\x00"
ANSWER = b"\x04\x0e\x04\x01\x03\x0c\x00"
DATA = b"\x02\x01\x00\x01\x00x"


def capture() -> Capture:
    """Two controllers, four packets."""
    kept = Capture()
    kept.introduce("lamp", bytes(range(6)))
    kept.introduce("phone", bytes(range(6, 12)))
    kept.add(Packet(0.0, "phone", False, RESET))
    kept.add(Packet(0.25, "phone", True, ANSWER))
    kept.add(Packet(1.5, "lamp", False, DATA))
    kept.add(Packet(1.5, "phone", True, DATA))
    return kept


def records(content: bytes) -> list[tuple[int, int, int, bytes]]:
    """Index, opcode, microseconds and payload of each record of a btsnoop file."""
    found = []
    at = 16
    while at < len(content):
        length, included, flags, dropped, time_us = struct.unpack_from(">LLLLQ", content, at)
        assert (length, 0) == (included, dropped)
        payload = content[at + 24 : at + 24 + length]
        found.append((flags >> 16, flags & 0xFFFF, time_us - EPOCH_2000_US, payload))
        at += 24 + length
    return found


def test_the_file_is_one_of_the_linux_monitor(tmp_path: Path) -> None:
    """Its head names version 1 and datalink 2001, which Wireshark and btmon read."""
    capture().save(tmp_path / "new" / "some.btsnoop")

    content = (tmp_path / "new" / "some.btsnoop").read_bytes()
    assert b"btsnoop\0" + struct.pack(">LL", 1, 2001) == content[:16]


def test_controllers_are_introduced_with_their_addresses() -> None:
    """Each has an index of its own: type and bus 0, address, name."""
    found = records(capture().btsnoop())[:2]

    assert [
        (0, 0, 0, b"\0\0" + bytes(range(6)) + b"lamp\0\0\0\0"),
        (1, 0, 0, b"\0\0" + bytes(range(6, 12)) + b"phone\0\0\0"),
    ] == found


def test_packets_keep_their_order_time_and_direction() -> None:
    """Commands 2, events 3, data to the controller 4 and to the host 5, without the indicator."""
    assert [
        (1, 2, 0, RESET[1:]),
        (1, 3, 250_000, ANSWER[1:]),
        (0, 4, 1_500_000, DATA[1:]),
        (1, 5, 1_500_000, DATA[1:]),
    ] == records(capture().btsnoop())[2:]


def test_what_is_no_packet_is_left_out_of_the_file() -> None:
    """But stands in the log."""
    kept = capture()
    kept.add(Packet(2.0, "phone", False, b""))
    kept.add(Packet(2.0, "phone", False, b"\x09junk"))

    assert (6, 6) == (len(kept.log()), len(records(kept.btsnoop())))


def test_the_digest_tells_runs_apart() -> None:
    """The same packets at the same times, and only they, give the same."""
    later = capture()
    later.add(Packet(2.0, "phone", False, RESET))

    assert capture().digest() == capture().digest()
    assert capture().digest() != later.digest()


def test_a_line_of_the_log_says_it_all() -> None:
    """Microseconds, controller, direction, hex."""
    assert "      250000 phone > 040e0401030c00" == capture().log()[1]


def test_the_capture_is_bounded() -> None:
    """The oldest packets make room, and are counted."""
    kept = Capture()
    kept.introduce("phone", bytes(6))
    big = bytes(1_000_000)
    for number in range(10):
        kept.add(Packet(float(number), "phone", True, big))

    assert (3, 7) == (kept.dropped, len(kept))
    assert sum(24 + len(each.content) for each in kept) <= MAX_CAPTURE_BYTES
