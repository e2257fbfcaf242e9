"""HCI command sequences as bytes, on whatever controller: ours, Bumble's own, one behind TCP."""

import asyncio
import socket
import time
from typing import Protocol

from bumble import hci
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport.common import AsyncPacketReader

from virtual_radio.bare_host import opcode_of
from virtual_radio.radio import Radio

ANSWER_TIMEOUT_S = 5.0

SCAN_PARAMETERS = hci.HCI_LE_Set_Scan_Parameters_Command(
    le_scan_type=1,
    le_scan_interval=16,
    le_scan_window=16,
    own_address_type=0,
    scanning_filter_policy=0,
)
SCAN_ON = hci.HCI_LE_Set_Scan_Enable_Command(le_scan_enable=1, filter_duplicates=0)
SCAN_OFF = hci.HCI_LE_Set_Scan_Enable_Command(le_scan_enable=0, filter_duplicates=0)
SEQUENCE = [
    bytes(command)
    for command in (
        hci.HCI_Reset_Command(),
        hci.HCI_Read_BD_ADDR_Command(),
        hci.HCI_Read_Local_Version_Information_Command(),
        hci.HCI_Set_Event_Mask_Command(event_mask=b"\xff" * 8),
        hci.HCI_LE_Set_Event_Mask_Command(le_event_mask=b"\xff" * 8),
        hci.HCI_LE_Read_Buffer_Size_Command(),
        hci.HCI_LE_Set_Random_Address_Command(random_address=hci.Address("C0:00:00:00:00:01")),
        SCAN_PARAMETERS,
        SCAN_ON,
        SCAN_OFF,
    )
]
"""What a host does to set a controller up and to scan for a moment: ten commands."""


class Port(Protocol):
    """A way to a controller."""

    async def command(self, packet: bytes) -> bytes:
        """Send one command; the event that answers it."""
        ...


class InProcess:
    """A controller in this process; bytes all the same."""

    def __init__(self, controller: Controller) -> None:
        self.reports = 0
        self._controller = controller
        self._answer: asyncio.Future[bytes] | None = None
        controller.host = self

    def on_packet(self, packet: bytes) -> None:
        """From the controller."""
        if opcode_of(packet) is None:
            self.reports += 1
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(packet)

    async def command(self, packet: bytes) -> bytes:
        """Straight into the controller."""
        self._answer = asyncio.get_running_loop().create_future()
        self._controller.on_packet(packet)
        return await self._answer


class OverTcp:
    """A controller at the other end of a TCP connection. Everything is acknowledged at once: a peer
    that sends in two halves would else wait 40 ms for every answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._packets = AsyncPacketReader(reader)
        self._socket: socket.socket = writer.get_extra_info("socket")
        self._writer = writer

    async def command(self, packet: bytes) -> bytes:
        """There and back."""
        self._writer.write(packet)
        while True:
            self._acknowledge_at_once()
            answer = await asyncio.wait_for(self._packets.next_packet(), ANSWER_TIMEOUT_S)
            if opcode_of(answer) == packet[1:3]:
                return answer

    def _acknowledge_at_once(self) -> None:
        """Linux forgets it again and again."""
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


async def sequences(port: Port, count: int) -> list[float]:
    """Wall seconds of each sequence."""
    taken = []
    for _ in range(count):
        begin = time.perf_counter()
        for packet in SEQUENCE:
            await port.command(packet)
        taken.append(time.perf_counter() - begin)
        await asyncio.sleep(0)
    return taken


async def ours(advertisers: int, count: int) -> list[float]:
    """Our controller, in this process, among so many advertisers."""
    async with Radio() as radio:
        radio.advertisers(advertisers)
        return await sequences(InProcess(radio.controller()), count)


async def bumbles_own(advertisers: int, count: int) -> list[float]:
    """Bumble's, the advertisers being controllers of their own."""
    link = LocalLink()  # type: ignore[no-untyped-call]  # Bumble's
    others = [Controller(f"advertiser {each}", link=link) for each in range(advertisers)]
    for index, each in enumerate(others):
        each.random_address = hci.Address(f"F0:00:00:00:{index >> 8:02X}:{index & 255:02X}")
        each.le_legacy_advertiser.own_address_type = 1
        each.le_legacy_advertiser.advertising_interval_min = 100
        each.le_legacy_advertiser.start()
    try:
        return await sequences(InProcess(Controller("dut", link=link)), count)
    finally:
        for each in others:
            each.le_legacy_advertiser.stop()


async def ours_over_tcp(advertisers: int, count: int) -> list[float]:
    """Ours, behind a TCP connection within this process."""
    async with Radio() as radio:
        radio.advertisers(advertisers)
        server = await asyncio.start_server(
            lambda reader, writer: _ignore(radio.attach_h4(reader, writer)), "127.0.0.1", 0
        )
        port = int(server.sockets[0].getsockname()[1])
        try:
            return await dialled(port, count)
        finally:
            server.close()


def _ignore(_attachment: object) -> None:
    """The radio closes it."""


async def dialled(port: int, count: int) -> list[float]:
    """Whatever answers on this port."""
    line = OverTcp(*await asyncio.open_connection("127.0.0.1", port))
    try:
        return await sequences(line, count)
    finally:
        await line.close()
