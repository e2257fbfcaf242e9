"""Modbus requests without any framing: functions 3, 4, 6 and 16, their answers and refusals.

It owns the protocol data unit, which every door carries in its own way, and knows neither sockets
nor plants: a `Device` answers for registers by wire address.

Source: Modbus Application Protocol Specification V1.1b3.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.face import HOLDING, INPUT, Face

MAX_READ_WORDS = 125
"""Registers of one read, as the Modbus specification says (the byte count is one byte)."""

MAX_WRITE_WORDS = 123
"""Registers of one write of function 16, as the Modbus specification says."""

MAX_PDU_BYTES = 253
"""The longest protocol data unit the Modbus specification allows."""

ILLEGAL_FUNCTION = 0x01
ILLEGAL_ADDRESS = 0x02
ILLEGAL_VALUE = 0x03
NO_SUCH_UNIT = 0x0B

READ_HOLDING = 0x03
READ_INPUT = 0x04
WRITE_ONE = 0x06
WRITE_MANY = 0x10

_TWO_WORDS = struct.Struct(">HH")


class Refused(Exception):
    """The device refuses a request with a Modbus exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


class Device(Protocol):
    """What stands behind the door. Addresses are wire addresses; raises `Refused`."""

    def read_input(self, first: int, count: int) -> Sequence[int]:
        """The words of input registers."""

    def read_holding(self, first: int, count: int) -> Sequence[int]:
        """The words of holding registers."""

    def write(self, first: int, words: Sequence[int]) -> None:
        """Write holding registers, all of them or none."""


def answer(pdu: bytes, device: Device) -> bytes:
    """Answer one protocol data unit (function code first)."""
    function = pdu[0]
    handler = _FUNCTIONS.get(function)
    try:
        if handler is None:
            raise Refused(ILLEGAL_FUNCTION)
        return bytes([function]) + handler(pdu[1:], device)
    except Refused as refused:
        return bytes([function | 0x80, refused.code])


def _read_holding(body: bytes, device: Device) -> bytes:
    first, count = _span(body)
    return _words_out(device.read_holding(first, count))


def _read_input(body: bytes, device: Device) -> bytes:
    first, count = _span(body)
    return _words_out(device.read_input(first, count))


def _write_one(body: bytes, device: Device) -> bytes:
    if len(body) != _TWO_WORDS.size:
        raise Refused(ILLEGAL_VALUE)
    address, word = _TWO_WORDS.unpack(body)
    device.write(address, [word])
    return body


def _write_many(body: bytes, device: Device) -> bytes:
    if len(body) < 5:
        raise Refused(ILLEGAL_VALUE)
    first, count = _TWO_WORDS.unpack_from(body)
    honest = body[4] == 2 * count == len(body) - 5
    if not honest or not 1 <= count <= MAX_WRITE_WORDS:
        raise Refused(ILLEGAL_VALUE)
    _check_end(first, count)
    device.write(first, struct.unpack(f">{count}H", body[5:]))
    return body[:4]


_FUNCTIONS = {
    READ_HOLDING: _read_holding,
    READ_INPUT: _read_input,
    WRITE_ONE: _write_one,
    WRITE_MANY: _write_many,
}


def _span(body: bytes) -> tuple[int, int]:
    if len(body) != _TWO_WORDS.size:
        raise Refused(ILLEGAL_VALUE)
    first, count = _TWO_WORDS.unpack(body)
    if not 1 <= count <= MAX_READ_WORDS:
        raise Refused(ILLEGAL_VALUE)
    _check_end(first, count)
    return first, count


def _check_end(first: int, count: int) -> None:
    if first + count > 0x10000:
        raise Refused(ILLEGAL_ADDRESS)


def _words_out(words: Sequence[int]) -> bytes:
    return bytes([2 * len(words)]) + struct.pack(f">{len(words)}H", *words)


@dataclass(frozen=True, slots=True)
class _Unit:
    """One unit behind the face, as a `Device`."""

    face: Face
    door: str
    unit: int

    def read_input(self, first: int, count: int) -> Sequence[int]:
        return self.face.read(self.door, self.unit, INPUT, first, count)

    def read_holding(self, first: int, count: int) -> Sequence[int]:
        return self.face.read(self.door, self.unit, HOLDING, first, count)

    def write(self, first: int, words: Sequence[int]) -> None:
        self.face.write(self.door, self.unit, first, words)


def answer_unit(face: Face, door: str, unit: int, pdu: bytes) -> bytes:
    """Answer one protocol data unit for a unit of the plant; another unit is exception 11."""
    if unit not in face.units(door):
        return bytes([pdu[0] | 0x80, NO_SUCH_UNIT])
    return answer(pdu, _Unit(face, door, unit))


def asked_span(pdu: bytes) -> range | None:
    """The document addresses that a read asks for; None where it is no read."""
    if pdu[0] not in (READ_HOLDING, READ_INPUT) or len(pdu) != 1 + _TWO_WORDS.size:
        return None
    first, count = _TWO_WORDS.unpack(pdu[1:])
    return range(first + 1, first + 1 + count)
