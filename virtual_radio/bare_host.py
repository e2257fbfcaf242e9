"""A host that is nothing but bytes: for tests of HCI command sequences.

It sends whatever it is given, sound or not, and shows the answers as they came. Events are told
apart by their first bytes only (Bluetooth Core 5.3, Vol 4, Part E, 7.7.14 and 7.7.15).
"""

import asyncio
from collections.abc import Callable

from bumble import hci

from virtual_radio.controller import RadioController
from virtual_radio.h4 import Framer, feed

ANSWER_TIMEOUT_S = 1.0
"""A controller answers a command within a second (Vol 4, Part E, 4.5)."""
MAX_KEPT = 100_000
"""Packets that it remembers; a test that needs more looks at the radio's capture."""

Fits = Callable[[bytes], bool]


class BareHost:
    """The host of one controller."""

    def __init__(self, controller: RadioController) -> None:
        self.controller = controller
        self.received: list[bytes] = []
        """Every packet from the controller, oldest first."""
        self._framer = Framer()
        self._waiting: list[tuple[Fits, asyncio.Future[bytes]]] = []
        controller.host = self

    def on_packet(self, packet: bytes) -> None:
        """From the controller."""
        if len(self.received) < MAX_KEPT:
            self.received.append(packet)
        for fits, future in list(self._waiting):
            if fits(packet) and not future.done():
                future.set_result(packet)
                return

    def send(self, data: bytes) -> None:
        """Bytes of the H4 stream, cut anywhere, broken anyhow."""
        feed(self.controller, self._framer, data)

    def send_packet(self, packet: bytes) -> None:
        """Exactly one packet, past the framing: its length may lie."""
        self.controller.on_packet(packet)

    async def command(self, packet: bytes, timeout_s: float = ANSWER_TIMEOUT_S) -> bytes:
        """Send one command packet; the event that answers it, whole. Raises TimeoutError."""
        opcode = packet[1:3]
        answer = self._next(lambda event: opcode_of(event) == opcode)
        self.send_packet(packet)
        return await self._within(answer, timeout_s)

    async def status(self, packet: bytes, timeout_s: float = ANSWER_TIMEOUT_S) -> int:
        """Send one command packet; the status in the answer. Raises TimeoutError."""
        return status_of(await self.command(packet, timeout_s))

    async def event(
        self, code: int, subevent: int | None = None, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> bytes:
        """The next event of this kind. Raises TimeoutError."""

        def fits(packet: bytes) -> bool:
            head = packet[:2] == bytes([hci.HCI_EVENT_PACKET, code])
            return head and (subevent is None or packet[3] == subevent)

        return await self._within(self._next(fits), timeout_s)

    def _next(self, fits: Fits) -> "asyncio.Future[bytes]":
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((fits, future))
        return future

    async def _within(self, future: "asyncio.Future[bytes]", timeout_s: float) -> bytes:
        try:
            return await asyncio.wait_for(future, timeout_s)
        finally:
            self._waiting = [each for each in self._waiting if each[1] is not future]


def opcode_of(event: bytes) -> bytes | None:
    """Of the command that an event answers; None if it answers none."""
    if event[:2] == bytes([hci.HCI_EVENT_PACKET, hci.HCI_COMMAND_COMPLETE_EVENT]):
        return event[4:6]
    if event[:2] == bytes([hci.HCI_EVENT_PACKET, hci.HCI_COMMAND_STATUS_EVENT]):
        return event[5:7]
    return None


def status_of(event: bytes) -> int:
    """The status in an event that answers a command."""
    return event[6] if event[1] == hci.HCI_COMMAND_COMPLETE_EVENT else event[3]


def packet(opcode: int, parameters: bytes = b"") -> bytes:
    """One HCI command packet. Raises ValueError for more than 255 bytes of parameters."""
    return (
        bytes([hci.HCI_COMMAND_PACKET])
        + opcode.to_bytes(2, "little")
        + bytes([len(parameters)])
        + parameters
    )
