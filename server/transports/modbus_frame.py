"""Modbus TCP frames: which bytes answer the request in flight.

Owns the rules of acceptance. Refuses to know sockets and registers. Anything that is not exactly
the answer asked for raises ProtocolError; what is tolerated, and why, stands in `modbus_tcp`.
"""

import struct
from collections.abc import Sequence

from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU

from server.errors import ProtocolError

MAX_READ_WORDS = 125
"""Most words of one read: what the one-byte count of an answer allows."""
MAX_WRITE_WORDS = 123
"""Most words of one write: what the one-byte count of a request allows."""
MAX_FRAME_BYTES = 260
"""Longest Modbus TCP frame: 7 bytes of header and 253 of message."""
EXCEPTION = 0x80
"""Set in the function code of an answer that is an exception."""

MEANINGS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge, still working",
    6: "server device busy",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}
"""Exception code -> what it means, in words."""

_EXCEPTION_END = 9
"""Where a frame with an exception ends, whatever length it claims."""
_HEADER = struct.Struct(">HHHBB")
_WORDS = tuple(struct.Struct(f">{count}H") for count in range(MAX_READ_WORDS + 1))


def check_read(address: int, count: int) -> None:
    """Raises ValueError for words that no request can ask for."""
    if not 1 <= count <= MAX_READ_WORDS or not 0 <= address <= 0x10000 - count:
        raise ValueError(f"no request can read {count} words from {address}")


def check_write(address: int, words: Sequence[int]) -> None:
    """Raises ValueError for words that no request can carry."""
    count = len(words)
    if not 1 <= count <= MAX_WRITE_WORDS or not 0 <= address <= 0x10000 - count:
        raise ValueError(f"no request can write {count} words to {address}")
    if not all(0 <= word <= 0xFFFF for word in words):
        raise ValueError(f"not all words are 16 bits: {list(words)}")


class StrictFramer(FramerSocket):
    """Accepts the one answer that belongs to the request in flight, and nothing else."""

    def __init__(self, decoder: DecodePDU) -> None:
        super().__init__(decoder)
        self.frame = b""
        self.surplus = False
        self.words: tuple[int, ...] = ()
        self._function = 0
        self._body_bytes = 0
        self._echo: bytes | None = None

    def expect_words(self, function: int, count: int) -> None:
        """The next answer is to carry `count` words."""
        self._function = function
        self._body_bytes = 1 + 2 * count
        self._echo = None

    def expect_echo(self, address: int, words: Sequence[int]) -> None:
        """The next answer is to repeat the address, and the word or the number of words."""
        self._function = 6 if len(words) == 1 else 16
        last = words[0] if len(words) == 1 else len(words)
        self._echo = struct.pack(">HH", address, last)
        self._body_bytes = len(self._echo)

    def complete(self, data: bytes) -> bool:
        """True when `data` is as long as it says, or already shows that it is no answer."""
        if len(data) < _HEADER.size:
            return False
        protocol, length, function = data[2] << 8 | data[3], data[4] << 8 | data[5], data[7]
        if protocol or not 2 <= length <= MAX_FRAME_BYTES - 6:
            return True
        if length == 2 and function & EXCEPTION:
            return len(data) >= _EXCEPTION_END
        return len(data) >= 6 + length

    def handleFrame(  # noqa: N802 - pymodbus's name
        self, data: bytes, exp_devid: int, exp_tid: int
    ) -> tuple[int, ModbusPDU | None]:
        """Called by pymodbus with what `recv` returned; raises ProtocolError on any surprise."""
        self.frame = data
        transaction, protocol, length, unit, function = _HEADER.unpack_from(data)
        if protocol or not 2 <= length <= MAX_FRAME_BYTES - 6:
            raise ProtocolError("not a Modbus TCP frame", data)
        if transaction != exp_tid:
            raise ProtocolError(f"answers request {transaction}, not {exp_tid}", data)
        if unit != exp_devid:
            raise ProtocolError(f"comes from unit {unit}, not {exp_devid}", data)
        answer = ModbusPDU(dev_id=unit, transaction_id=transaction)
        answer.function_code = function
        if function == self._function | EXCEPTION:
            end = max(6 + length, _EXCEPTION_END)
            answer.exception_code = data[_HEADER.size]
        elif function == self._function:
            end = 6 + length
            self.words = self._words(data[:end])
        else:
            raise ProtocolError(f"function {function} instead of {self._function}", data)
        self.surplus = len(data) > end
        return len(data), answer

    def _words(self, frame: bytes) -> tuple[int, ...]:
        body = frame[_HEADER.size :]
        if len(body) < self._body_bytes:
            raise ProtocolError(f"{len(body)} bytes instead of {self._body_bytes}", frame)
        if self._echo is not None:
            if body[: self._body_bytes] != self._echo:
                raise ProtocolError("repeats something else than was written", frame)
            return ()
        if body[0] != self._body_bytes - 1:
            raise ProtocolError(f"byte count {body[0]} instead of {self._body_bytes - 1}", frame)
        return _WORDS[body[0] // 2].unpack_from(body, 1)
