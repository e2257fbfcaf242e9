"""H4, the UART framing of HCI (Bluetooth Core 5.3, Vol 4, Part A), on any stream of bytes.

An indicator byte, a head with a length, a body. What is no packet is answered with a hardware
error event, and everything is skipped until the bytes of HCI_Reset, which is how a real controller
finds its way back (Vol 4, Part A, 4). Knows no command but that one.
"""

import asyncio
import logging
from typing import Protocol

from bumble import hci

from virtual_radio.controller import ACL_BYTES, RadioController

logger = logging.getLogger(__name__)

RESET = bytes(hci.HCI_Reset_Command())
"""The bytes at which a controller that has lost its way begins again."""

MAX_PACKET_BYTES = 1 + 4 + ACL_BYTES
"""The longest packet that is believed: an ACL packet as long as this controller takes. (A command
is at most 4 + 255 bytes; the longer of the two is what can be swallowed by a false length.)"""

READ_BYTES = 4096
"""Asked of a stream at a time."""

MAX_BACKLOG_BYTES = 1_000_000
"""What a host may leave unread before it is given up: no memory grows with a host that hangs."""

_HEAD_BYTES = {hci.HCI_COMMAND_PACKET: 4, hci.HCI_ACL_DATA_PACKET: 5}


class Framer:
    """Cuts a stream into packets."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._lost = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """The packets that are complete now; None where the stream has become nonsense."""
        self._pending += data
        found: list[bytes | None] = []
        while self._pending:
            if self._lost and not self._resume():
                break
            length = self._length()
            if length is None:
                break
            if length < 0:
                self._lost = True
                found.append(None)
            elif len(self._pending) < length:
                break
            else:
                found.append(bytes(self._pending[:length]))
                del self._pending[:length]
        return found

    def _length(self) -> int | None:
        """Of the packet that begins here; None: not known yet, negative: this is no packet."""
        head = _HEAD_BYTES.get(self._pending[0])
        if head is None:
            return -1
        if len(self._pending) < head:
            return None
        if head == _HEAD_BYTES[hci.HCI_COMMAND_PACKET]:
            return head + self._pending[3]
        body = int.from_bytes(self._pending[3:5], "little")
        return head + body if body <= ACL_BYTES else -1

    def _resume(self) -> bool:
        begin = self._pending.find(RESET)
        if begin < 0:
            del self._pending[: max(0, len(self._pending) - len(RESET) + 1)]
            return False
        del self._pending[:begin]
        self._lost = False
        return True


def feed(controller: RadioController, framer: Framer, data: bytes) -> None:
    """Bytes from a host, cut anywhere."""
    for packet in framer.feed(data):
        if packet is None:
            controller.hardware_error()
        else:
            controller.on_packet(packet)


class Sink(Protocol):
    """Where packets for a host go."""

    def on_packet(self, packet: bytes) -> None:
        """One H4 packet."""
        ...


class StreamSink:
    """Packets for a host at the other end of a stream, as long as it reads them."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def on_packet(self, packet: bytes) -> None:
        """One H4 packet."""
        if self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() > MAX_BACKLOG_BYTES:
            logger.error("the host does not read; giving it up")
            self._writer.transport.abort()
            return
        self._writer.write(packet)


class Attachment:
    """A controller at the end of a stream, for as long as the stream lives."""

    def __init__(
        self,
        controller: RadioController,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.controller = controller
        self._reader = reader
        self._writer = writer
        controller.host = StreamSink(writer)
        self._task = asyncio.get_running_loop().create_task(self._pump(), name="virtual radio H4")

    async def wait_closed(self) -> None:
        """Return when the host has closed its end, or after close()."""
        await asyncio.wait({self._task})

    async def close(self) -> None:
        """Stop and close the stream. Idempotent; never raises."""
        self._task.cancel()
        await asyncio.wait({self._task})
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            logger.debug("the stream was gone already")

    async def _pump(self) -> None:
        framer = Framer()
        try:
            while data := await self._reader.read(READ_BYTES):
                feed(self.controller, framer, data)
        except OSError as gone:
            logger.debug("the host has gone", extra={"reason": str(gone)})
        finally:
            self.controller.host = None
