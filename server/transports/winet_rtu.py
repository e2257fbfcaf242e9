"""Modbus RTU frames as newer WiNet-S firmware passes them through: pure functions.

Owns the layout of a frame and the rules of acceptance. Refuses to know how frames travel. A frame
carries no transaction number, so unit, function, byte count and checksum all have to fit.

Tolerated: a frame longer than its byte count says, as some inverters pad blocks. The byte count
has to be what was asked for, a checksum has to fit, and the values are those counted.
"""

import struct
from collections.abc import Sequence

from pymodbus.framer.rtu import FramerRTU

from server.errors import ProtocolError, RegisterRefused

MAX_READ_WORDS = 125
"""Most words of one read: what the one-byte count of an answer allows."""
MAX_WRITE_WORDS = 123
"""Most words of one write: what the one-byte count of a request allows."""
MAX_RTU_BYTES = 256
"""Longest RTU frame."""
EXCEPTION = 0x80
"""Set in the function code of an answer that is an exception."""

_CODES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    6: "server device busy",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}
_EXCEPTION_BYTES = 5
_ECHO_BYTES = 8


def read_frame(unit: int, function: int, address: int, count: int) -> bytes:
    """A request for words."""
    return _sealed(struct.pack(">BBHH", unit, function, address, count))


def write_frame(unit: int, address: int, words: Sequence[int]) -> bytes:
    """A request to write one word (function 6) or several (16)."""
    if len(words) == 1:
        return _sealed(struct.pack(">BBHH", unit, 6, address, words[0]))
    count = len(words)
    head = struct.pack(">BBHHB", unit, 16, address, count, 2 * count)
    return _sealed(head + struct.pack(f">{count}H", *words))


def words_of(frame: bytes, request: bytes) -> tuple[int, ...]:
    """The words that answer this read; raises RegisterRefused or ProtocolError."""
    (count,) = struct.unpack_from(">H", request, 4)
    _check_head(frame, request)
    size = 2 * count
    if len(frame) < size + 5:
        raise ProtocolError(f"{len(frame)} bytes instead of {size + 5}", frame)
    if frame[2] != size:
        raise ProtocolError(f"byte count {frame[2]} instead of {size}", frame)
    if not _sound(frame) and not _sound(frame[: size + 5]):
        raise ProtocolError("the checksum does not fit", frame)
    return struct.unpack_from(f">{count}H", frame, 3)


def check_echo(frame: bytes, request: bytes) -> None:
    """Raise unless the answer repeats what was written."""
    _check_head(frame, request)
    if len(frame) != _ECHO_BYTES or not _sound(frame):
        raise ProtocolError("no whole answer to a write", frame)
    if frame[2:6] != request[2:6]:
        raise ProtocolError("repeats something else than was written", frame)


def _check_head(frame: bytes, request: bytes) -> None:
    unit, function = request[0], request[1]
    if not _EXCEPTION_BYTES <= len(frame) <= MAX_RTU_BYTES:
        raise ProtocolError(f"{len(frame)} bytes are no RTU frame", frame[:MAX_RTU_BYTES])
    if frame[0] != unit:
        raise ProtocolError(f"comes from unit {frame[0]}, not {unit}", frame)
    if frame[1] == function | EXCEPTION:
        if len(frame) != _EXCEPTION_BYTES or not _sound(frame):
            raise ProtocolError("the checksum does not fit", frame)
        code = frame[2]
        meaning = _CODES.get(code, "unknown exception")
        raise RegisterRefused(code, f"exception {code}, {meaning}")
    if frame[1] != function:
        raise ProtocolError(f"function {frame[1]} instead of {function}", frame)


def _sealed(message: bytes) -> bytes:
    return message + checksum(message)


def _sound(frame: bytes) -> bool:
    return checksum(frame[:-2]) == frame[-2:]


def checksum(message: bytes) -> bytes:
    """The two bytes that end a frame, low byte first."""
    return FramerRTU.compute_CRC(message).to_bytes(2, "big")
