"""H4: a stream cut into packets, and the way back after nonsense."""

import asyncio
from pathlib import Path

import pytest
from bumble import hci
from hypothesis import given, settings
from hypothesis import strategies as st

from virtual_radio.bare_host import BareHost, status_of
from virtual_radio.clock import VirtualLoop
from virtual_radio.h4 import (
    MAX_BACKLOG_BYTES,
    MAX_PACKET_BYTES,
    RESET,
    Attachment,
    Framer,
    StreamSink,
)

from virtual_radio.radio import Radio
from virtual_radio_unit_test import hci_packets as h

SYNC = bytes(MAX_PACKET_BYTES + 4) + RESET
"""What brings any controller back: more than a false length can swallow, then a reset."""


def cut(data: bytes, size: int) -> list[bytes]:
    """The same in pieces."""
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_packets_come_whole_however_the_stream_is_cut(size: int) -> None:
    """Commands and data, one after the other."""
    packets = [h.RESET, h.scan_parameters(), h.acl(1, b"x" * 200), h.SCAN_ON]
    framer = Framer()

    found = [each for piece in cut(b"".join(packets), size) for each in framer.feed(piece)]

    assert packets == found


@pytest.mark.parametrize("junk", [b"\x00", b"\xff" * 50, b"\x04\x0e\x04", b"\x02\x01\x00\xff\xff"])
def test_nonsense_is_reported_once_and_left_at_a_reset(junk: bytes) -> None:
    """An unknown indicator, an event, data longer than the buffer: lost until the reset."""
    framer = Framer()

    assert [None, RESET, h.SCAN_ON] == framer.feed(junk + RESET + h.SCAN_ON)


def test_a_reset_that_comes_in_two_halves_is_found() -> None:
    """Nothing is thrown away that may be its beginning."""
    framer = Framer()

    first = framer.feed(b"\xff" * 20 + RESET[:2])

    assert ([None], [RESET]) == (first, framer.feed(RESET[2:]))


def test_a_truncated_packet_waits_for_its_rest() -> None:
    """Nobody can know that no more will come."""
    framer = Framer()

    assert [] == framer.feed(h.scan_parameters()[:-1])
    assert [h.scan_parameters()] == framer.feed(h.scan_parameters()[-1:])


@given(st.lists(st.binary(max_size=80), max_size=6), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_whatever_came_before_a_controller_is_brought_back(junk: list[bytes], size: int) -> None:
    """After any bytes, the longest packet's worth of zeros and a reset, commands are answered."""

    async def main() -> int:
        async with Radio() as radio:
            host = BareHost(radio.controller())
            for piece in cut(b"".join(junk) + SYNC, size):
                host.send(piece)
            return status_of(await host.command(h.READ_ADDRESS))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert h.SUCCESS == runner.run(main())


@pytest.mark.real_time
async def test_a_unix_socket_is_a_uart(radio: Radio, tmp_path: Path) -> None:
    """A host at the other end of a socket gets its answers; when it leaves, its controller is
    without a host."""
    attached: asyncio.Future[Attachment] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_unix_server(
        lambda reader, writer: attached.set_result(radio.attach_h4(reader, writer)),
        tmp_path / "uart",
    )
    reader, writer = await asyncio.open_unix_connection(tmp_path / "uart")

    writer.write(h.RESET)
    answer = await asyncio.wait_for(reader.readexactly(7), 5)
    writer.close()
    await asyncio.wait_for((await attached).wait_closed(), 5)

    server.close()
    assert b"\x04\x0e\x04\x01\x03\x0c\x00" == answer
    assert (await attached).controller.host is None
    await (await attached).close()


class FullTransport:
    """A transport whose other end does not read."""

    def __init__(self) -> None:
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        """One byte too many."""
        return MAX_BACKLOG_BYTES + 1

    def abort(self) -> None:
        """Remember it."""
        self.aborted = True


class FullWriter:
    """As much of a StreamWriter as the sink needs."""

    def __init__(self) -> None:
        self.transport = FullTransport()
        self.written = 0

    def is_closing(self) -> bool:
        """As after an abort."""
        return self.transport.aborted

    def write(self, data: bytes) -> None:
        """Count it."""
        self.written += len(data)


def test_a_host_that_does_not_read_is_given_up() -> None:
    """Beyond the backlog the stream is aborted, and nothing more is written."""
    writer = FullWriter()
    sink = StreamSink(writer)  # type: ignore[arg-type]  # as much of one as it needs

    for _ in range(3):
        sink.on_packet(bytes(hci.HCI_Reset_Command()))

    assert (True, 0) == (writer.transport.aborted, writer.written)
