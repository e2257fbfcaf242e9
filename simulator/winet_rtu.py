"""Modbus RTU frames as the dongle's passthrough carries them: unit, data unit, checksum.

It owns the checksum and the framing; what the registers say comes from the plant's face. A frame
that a unit on the serial line would not answer (wrong checksum, no such unit) gets None.
"""

from collections.abc import Sequence

from simulator import winet_inner
from simulator.face import INPUT, Face
from simulator.modbus_pdu import WRITE_MANY, WRITE_ONE, answer

CRC_BYTES = 2
MIN_FRAME_BYTES = 4
"""Unit, function and checksum; anything shorter is noise on the line."""

MAX_FRAME_BYTES = 256
"""The longest frame that the Modbus serial line specification allows."""

_POLYNOMIAL = 0xA001


def crc(frame: bytes) -> bytes:
    """The checksum of a frame, in the order in which it travels: low byte first."""
    register = 0xFFFF
    for byte in frame:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (_POLYNOMIAL if register & 1 else 0)
    return register.to_bytes(CRC_BYTES, "little")


def sealed(frame: bytes) -> bytes:
    """The frame with its checksum."""
    return frame + crc(frame)


def is_write(frame: bytes) -> bool:
    """Whether the frame asks for a change."""
    return len(frame) > 1 and frame[1] in (WRITE_ONE, WRITE_MANY)


def reply(frame: bytes, door: str, face: Face) -> bytes | None:
    """What the units behind the dongle answer; None where they keep silent."""
    if not MIN_FRAME_BYTES <= len(frame) <= MAX_FRAME_BYTES:
        return None
    body, check = frame[:-CRC_BYTES], frame[-CRC_BYTES:]
    unit = body[0]
    if check != crc(body) or unit not in face.units(door):
        return None
    return sealed(bytes([unit]) + answer(body[1:], _Unit(face, door, unit)))


def refusal(frame: bytes, code: int) -> bytes:
    """The exception frame that refuses this request."""
    unit, function = (frame + b"\x01\x04")[:2]
    return sealed(bytes([unit, function | 0x80, code]))


class _Unit:
    """One unit behind one door, as the data unit's functions see it."""

    def __init__(self, face: Face, door: str, unit: int) -> None:
        self._face = face
        self._door = door
        self._unit = unit

    def read_input(self, first: int, count: int) -> Sequence[int]:
        return self._face.read(self._door, self._unit, INPUT, first, count)

    def read_holding(self, first: int, count: int) -> Sequence[int]:
        return winet_inner.read_holding(self._face, self._door, self._unit, first, count)

    def write(self, first: int, words: Sequence[int]) -> None:
        winet_inner.write(self._face, self._door, self._unit, first, words)
