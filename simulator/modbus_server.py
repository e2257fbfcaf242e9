"""A Modbus TCP server over raw bytes: framing, connections, and troubles put into single bytes.

It owns the bytes and the connections; what a request is answered is `modbus_pdu`'s. It is our own,
not a library's, because faults have to be put into single bytes.

Rules. A request whose framing cannot be trusted (protocol id not 0, impossible length) closes the
connection, for there is no way to find the next frame. Everything else gets an answer, unless
trouble is ordered. Requests of a connection are answered in the order in which they came, several
in one segment included; only a late reply goes out after its successors.
"""

import asyncio
import logging
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from simulator import mischief
from simulator.door import MODBUS
from simulator.face import Face
from simulator.latecomers import stop_listening
from simulator.modbus_pdu import MAX_PDU_BYTES, answer_unit, asked_span
from simulator.trouble import Order, Quirk, Trouble, Troubles

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 16
"""Clients at once. Real dongles allow one to four; a runaway client must not eat descriptors."""

IDLE_TIMEOUT_S = 300.0
"""A connection that completes no request for this long is closed, half a frame or none."""

WRITE_TIMEOUT_S = 10.0
"""A client that does not take its answers within this time is closed."""

MAX_LATE_REPLIES = 64
"""Answers of one connection that wait to go out late; further ones are never sent."""

CLOSING_SPANS = ((13200, 13207), (13250, 13999))
"""Document addresses at which firmware .95.03 hangs up instead of refusing (quirk b)."""

PADDED_AT = (2613, 2629)
"""Document addresses whose block comes padded (quirk a)."""

PADDED_TELLS_WORDS = 11
PADDED_SENDS_WORDS = 15

_HEADER = struct.Struct(">HHHB")

HEADER_BYTES = _HEADER.size
"""Transaction, protocol, length, unit."""


class Talk(Protocol):
    """One connection's way to put frames on the wire. A frame is header and protocol data unit."""

    async def request(self, reader: asyncio.StreamReader) -> bytes | None:
        """The next frame; None when the stream can no longer be understood."""

    def answer(self, frame: bytes) -> bytes | None:
        """What the port itself answers, as a protocol data unit; None where the plant answers."""

    def sealed(self, frame: bytes) -> bytes:
        """The answer as it travels."""


class PlainTalk:
    """Modbus TCP as it is specified."""

    async def request(self, reader: asyncio.StreamReader) -> bytes | None:
        """As Talk."""
        return await read_frame(reader, await reader.readexactly(HEADER_BYTES))

    def answer(self, frame: bytes) -> bytes | None:
        """As Talk."""
        return None

    def sealed(self, frame: bytes) -> bytes:
        """As Talk."""
        return frame


async def read_frame(reader: asyncio.StreamReader, header: bytes) -> bytes | None:
    """The frame that begins with this header; None when its framing cannot be trusted."""
    _, protocol, length, _ = _HEADER.unpack(header)
    if protocol != 0 or not 2 <= length <= MAX_PDU_BYTES + 1:
        return None
    return header + await reader.readexactly(length - 1)


class ModbusDoor:
    """The inverter's own Modbus TCP port."""

    def __init__(
        self,
        face: Face,
        troubles: Troubles,
        name: str = MODBUS,
        talk: Callable[[], Talk] = PlainTalk,
    ) -> None:
        """`talk` makes what each connection speaks."""
        self.name = name
        self._talk = talk
        self._face = face
        self._troubles = troubles
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self.requests = 0
        """Requests understood so far, whatever became of them."""

    @property
    def connections(self) -> int:
        """Clients connected now."""
        return len(self._talks)

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the real port where 0 was given."""
        self._server = await asyncio.start_server(self._accept, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop every client."""
        if self._server is not None:
            server, self._server = self._server, None
            await stop_listening(server)
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or len(self._talks) >= MAX_CONNECTIONS:
            log.warning("too many clients, one turned away", extra={"limit": MAX_CONNECTIONS})
            writer.transport.abort()
            return
        talk = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        # Here and not in the talk, which runs no line when it is cancelled before its first.
        talk.add_done_callback(lambda _: writer.transport.abort())

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out, spoken = _Out(writer), self._talk()
        try:
            while await self._serve_one(reader, out, spoken):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client went away, fell silent, or stopped in the middle of a frame.
        finally:
            out.cancel()

    async def _serve_one(self, reader: asyncio.StreamReader, out: "_Out", talk: Talk) -> bool:
        """Answer one request; False when the connection is to be closed."""
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            request = await talk.request(reader)
        if request is None:
            return False
        self.requests += 1
        order = self._troubles.draw(self.name)
        await asyncio.sleep(mischief.wait_before_s(order))
        if mischief.hangs_up(order) or self._closes_instead(request[HEADER_BYTES:]):
            return False
        if not mischief.swallows(order):
            frame = self._frame(request, self._reply(request, order, talk))
            await out.perform(self._act(order, frame, talk))
        return True

    def _act(self, order: Order | None, frame: bytes, talk: Talk) -> mischief.Act:
        """A wrong number is wrong within; everything else happens to the bytes that travel."""
        dice = self._troubles.dice(self.name)
        if order is not None and order.trouble is Trouble.WRONG_TRANSACTION:
            within = mischief.act(order, frame, dice)
            return replace(within, frame=talk.sealed(within.frame))
        return mischief.act(order, talk.sealed(frame), dice)

    def _reply(self, request: bytes, order: Order | None, talk: Talk) -> bytes:
        pdu = request[HEADER_BYTES:]
        code = mischief.refusal(order)
        if code is not None:
            return bytes([pdu[0] | 0x80, code])
        own = talk.answer(request)
        return answer_unit(self._face, self.name, request[6], pdu) if own is None else own

    def _closes_instead(self, pdu: bytes) -> bool:
        """Quirk (b)."""
        span = asked_span(pdu)
        return (
            self._troubles.has(Quirk.CLOSES_INSTEAD)
            and span is not None
            and any(span.start <= high and low < span.stop for low, high in CLOSING_SPANS)
        )

    def _frame(self, request: bytes, reply: bytes) -> bytes:
        """The whole answer, with the quirks (a) and (e) of its framing."""
        transaction, _, _, unit = _HEADER.unpack_from(request)
        if self._troubles.has(Quirk.PADDED_FRAME):
            reply = _padded(reply, request[HEADER_BYTES:])
        length = len(reply) + 1
        if reply[0] & 0x80 and self._troubles.has(Quirk.SHORT_EXCEPTION_LENGTH):
            length -= 1
        return _HEADER.pack(transaction, 0, length, unit) + reply


def _padded(reply: bytes, pdu: bytes) -> bytes:
    """Quirk (a): at two addresses 15 registers follow a byte count of 11."""
    span = asked_span(pdu)
    if span is None or span.start not in PADDED_AT or reply[0] & 0x80:
        return reply
    told = reply[2 : 2 + 2 * PADDED_TELLS_WORDS]
    return bytes([reply[0], 2 * PADDED_TELLS_WORDS]) + told.ljust(2 * PADDED_SENDS_WORDS, b"\0")


class _Out:
    """One connection's way out: at once, byte by byte, or aside and later."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._late: set[asyncio.Task[None]] = set()

    async def perform(self, act: mischief.Act) -> None:
        """Send an answer the way the act says."""
        if not act.later_s:
            await self._send(act)
        elif len(self._late) < MAX_LATE_REPLIES:
            task = asyncio.get_running_loop().create_task(self._send_late(act))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    def cancel(self) -> None:
        """Forget what was to go out later."""
        for task in list(self._late):
            task.cancel()

    async def _send_late(self, act: mischief.Act) -> None:
        await asyncio.sleep(act.later_s)
        try:
            await self._send(act)
        except OSError:
            self._writer.transport.abort()

    async def _send(self, act: mischief.Act) -> None:
        step = 1 if act.drip_s else max(1, len(act.frame))
        for start in range(0, len(act.frame), step):
            if start:
                await asyncio.sleep(act.drip_s / len(act.frame))
            self._writer.write(act.frame[start : start + step])
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._writer.drain()
