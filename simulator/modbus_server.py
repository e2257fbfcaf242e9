"""A Modbus TCP server over raw bytes: framing, functions 3, 4, 6 and 16, and refusals.

It owns the bytes and the connections and knows nothing of plants: a `Device` answers for registers
by wire address. It is our own, not a library's, because faults have to be put into single bytes.

Rules. A request whose framing cannot be trusted (protocol id not 0, impossible length) closes the
connection, for there is no way to find the next frame. Everything else gets an answer. Requests of
a connection are answered in the order in which they came, several in one segment included.
"""

import asyncio
import logging
import struct
from collections.abc import Sequence
from typing import Protocol

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 16
"""Clients at once. Real dongles allow one to four; a runaway client must not eat descriptors."""

MAX_READ_WORDS = 125
"""Registers of one read, as the Modbus specification says (the byte count is one byte)."""

MAX_WRITE_WORDS = 123
"""Registers of one write of function 16, as the Modbus specification says."""

MAX_PDU_BYTES = 253
"""The longest protocol data unit the Modbus specification allows."""

IDLE_TIMEOUT_S = 300.0
"""A connection that completes no request for this long is closed, half a frame or none."""

WRITE_TIMEOUT_S = 10.0
"""A client that does not take its answers within this time is closed."""

ILLEGAL_FUNCTION = 0x01
ILLEGAL_ADDRESS = 0x02
ILLEGAL_VALUE = 0x03
NO_SUCH_UNIT = 0x0B

READ_HOLDING = 0x03
READ_INPUT = 0x04
WRITE_ONE = 0x06
WRITE_MANY = 0x10

_HEADER = struct.Struct(">HHHB")
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


class ModbusServer:
    """Listens on one address and answers for one unit."""

    def __init__(self, device: Device, unit_id: int = 1) -> None:
        self._device = device
        self._unit_id = unit_id
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self.requests = 0
        """Requests answered so far, refusals included."""

    @property
    def connections(self) -> int:
        """Clients connected now."""
        return len(self._talks)

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address, with the real port where 0 was given."""
        self._server = await asyncio.start_server(self._accept, host, port)
        bound = self._server.sockets[0].getsockname()
        return str(bound[0]), int(bound[1])

    async def close(self) -> None:
        """Stop listening and drop every client."""
        if self._server is not None:
            self._server.close()
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._talks) >= MAX_CONNECTIONS:
            log.warning("too many clients, one turned away", extra={"limit": MAX_CONNECTIONS})
            writer.transport.abort()
            return
        talk = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve_one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client went away, fell silent, or stopped in the middle of a frame.
        finally:
            writer.transport.abort()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the stream can no longer be understood."""
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            header = await reader.readexactly(_HEADER.size)
            transaction, protocol, length, unit = _HEADER.unpack(header)
            if protocol != 0 or not 2 <= length <= MAX_PDU_BYTES + 1:
                return False
            pdu = await reader.readexactly(length - 1)
        reply = self._reply(unit, pdu)
        writer.write(_HEADER.pack(transaction, 0, len(reply) + 1, unit) + reply)
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await writer.drain()
        return True

    def _reply(self, unit: int, pdu: bytes) -> bytes:
        self.requests += 1
        if unit != self._unit_id:
            return bytes([pdu[0] | 0x80, NO_SUCH_UNIT])
        return answer(pdu, self._device)
