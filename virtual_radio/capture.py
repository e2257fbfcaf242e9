"""What went over every controller's HCI, kept in memory and written as one btsnoop file.

The format is that of `btmon -w` (btsnoop version 1, datalink 2001, the Linux monitor): one file for
all controllers, each with an index of its own, in the order in which things happened. Wireshark
and `btmon -r` open it. Times are those of the event loop, counted from the start of the year 2000,
so that two runs from the same seed give the same bytes.
"""

import hashlib
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from bumble import hci

MAX_CAPTURE_BYTES = 8_000_000
"""Older packets make room for newer ones: what matters is what happened before a failure."""

DATALINK_MONITOR = 2001
EPOCH_2000_US = 0x00E03AB44A676000
"""The year 2000 in microseconds since the year 0, the epoch of btsnoop."""
RECORD_BYTES = 24
"""Of the head of each packet."""


class Opcode(IntEnum):
    """What a record of the Linux monitor is."""

    NEW_INDEX = 0
    COMMAND = 2
    EVENT = 3
    ACL_TO_CONTROLLER = 4
    ACL_TO_HOST = 5


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet between a host and its controller."""

    at_s: float
    controller: str
    to_host: bool
    content: bytes
    """H4: the indicator first."""


class Capture:
    """The last packets of one radio."""

    def __init__(self) -> None:
        self._packets: deque[Packet] = deque()  # bounded by MAX_CAPTURE_BYTES
        self._bytes = 0
        self._addresses: dict[str, bytes] = {}
        self.dropped = 0
        """Packets that had to make room."""

    def __iter__(self) -> Iterator[Packet]:
        return iter(self._packets)

    def __len__(self) -> int:
        return len(self._packets)

    def introduce(self, controller: str, address: bytes) -> None:
        """A controller and its public address, least significant byte first."""
        self._addresses[controller] = address

    def add(self, packet: Packet) -> None:
        """Keep one more."""
        self._packets.append(packet)
        self._bytes += RECORD_BYTES + len(packet.content)
        while self._bytes > MAX_CAPTURE_BYTES:
            self._bytes -= RECORD_BYTES + len(self._packets.popleft().content)
            self.dropped += 1

    def log(self) -> list[str]:
        """One line a packet: microseconds, controller, direction, hex."""
        return [
            f"{each.at_s * 1e6:12.0f} {each.controller} {'<>'[each.to_host]} {each.content.hex()}"
            for each in self._packets
        ]

    def digest(self) -> str:
        """The same for two runs that did the same at the same times."""
        return hashlib.sha256("\n".join(self.log()).encode()).hexdigest()

    def btsnoop(self) -> bytes:
        """The whole file."""
        parts = [b"btsnoop\0", struct.pack(">LL", 1, DATALINK_MONITOR)]
        indexes = {name: index for index, name in enumerate(self._addresses)}
        for name, address in self._addresses.items():
            content = struct.pack("<BB6s8s", 0, 0, address, name.encode()[:8])
            parts.append(_record(indexes[name], Opcode.NEW_INDEX, 0.0, content))
        for each in list(self._packets):  # The radio may go on in another thread.
            opcode = _opcode(each)
            if opcode is not None:
                parts.append(_record(indexes[each.controller], opcode, each.at_s, each.content[1:]))
        return b"".join(parts)

    def save(self, path: Path) -> None:
        """Write the file, and the folder that it lies in. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.btsnoop())


def _opcode(packet: Packet) -> Opcode | None:
    indicator = packet.content[0] if packet.content else None
    if indicator == hci.HCI_COMMAND_PACKET and not packet.to_host:
        return Opcode.COMMAND
    if indicator == hci.HCI_EVENT_PACKET and packet.to_host:
        return Opcode.EVENT
    if indicator == hci.HCI_ACL_DATA_PACKET:
        return Opcode.ACL_TO_HOST if packet.to_host else Opcode.ACL_TO_CONTROLLER
    return None


def _record(index: int, opcode: Opcode, at_s: float, content: bytes) -> bytes:
    flags = index << 16 | opcode
    time_us = EPOCH_2000_US + round(at_s * 1e6)
    return struct.pack(">LLLLQ", len(content), len(content), flags, 0, time_us) + content
