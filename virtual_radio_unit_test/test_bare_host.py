"""The host that is nothing but bytes."""

import asyncio

import pytest
from bumble import hci

from virtual_radio.bare_host import MAX_KEPT, BareHost, opcode_of, packet, status_of
from virtual_radio.clock import elapse
from virtual_radio_unit_test import hci_packets as h


def test_a_command_packet_has_a_head() -> None:
    """Indicator, opcode with the least byte first, length."""
    assert b"\x01\x0c\x20\x02\x01\x00" == packet(0x200C, b"\x01\x00")


def test_a_command_packet_has_a_longest_length() -> None:
    """255 bytes of parameters, no more."""
    assert 4 + 255 == len(packet(0x200C, bytes(255)))
    with pytest.raises(ValueError):
        packet(0x200C, bytes(256))


@pytest.mark.parametrize(
    ("event", "opcode", "status"),
    [
        (b"\x04\x0e\x04\x01\x03\x0c\x07", b"\x03\x0c", 0x07),
        (b"\x04\x0f\x04\x0c\x01\x0d\x20", b"\x0d\x20", 0x0C),
    ],
)
def test_answers_name_their_command(event: bytes, opcode: bytes, status: int) -> None:
    """In the complete and in the status form."""
    assert (opcode, status) == (opcode_of(event), status_of(event))


def test_other_events_answer_nothing() -> None:
    """A disconnection names no command."""
    assert opcode_of(b"\x04\x05\x04\x00\x01\x00\x13") is None


async def test_answers_find_their_command(bare_host: BareHost) -> None:
    """Two at once, each gets its own."""
    one, two = await asyncio.gather(
        bare_host.command(h.RESET), bare_host.command(h.scan_parameters(window=0x61))
    )

    assert (h.SUCCESS, 0x12) == (status_of(one), status_of(two))


async def test_a_stream_may_be_cut_anywhere(bare_host: BareHost) -> None:
    """The answer is the same."""
    for byte in h.RESET + h.SCAN_ON:
        bare_host.send(bytes([byte]))
    await elapse(0)

    await elapse(0.1)
    assert [h.RESET[1:3], h.SCAN_ON[1:3]] == [opcode_of(each) for each in bare_host.received]


async def test_an_event_can_be_awaited(bare_host: BareHost) -> None:
    """By its code, and within a time."""
    with pytest.raises(TimeoutError):
        await bare_host.event(hci.HCI_HARDWARE_ERROR_EVENT, timeout_s=0.5)


async def test_what_it_keeps_is_bounded(bare_host: BareHost) -> None:
    """The rest is in the capture."""
    for _ in range(MAX_KEPT + 1):
        bare_host.on_packet(b"\x04\x10\x01\x01")

    assert MAX_KEPT == len(bare_host.received)
