"""Connections in the air: order, loss, range and the supervision timeout, as HCI bytes."""

import asyncio
from dataclasses import dataclass

import pytest
from bumble import hci
from hypothesis import given, settings
from hypothesis import strategies as st

from virtual_radio.bare_host import BareHost, packet
from virtual_radio.clock import VirtualLoop, elapse
from virtual_radio.commands import KNOWN
from virtual_radio.connection import MAX_UNDER_WAY
from virtual_radio.controller import ACL_BYTES
from virtual_radio.radio import Radio
from virtual_radio_unit_test import hci_packets as h

CENTRAL = "C0:00:00:00:00:01"
PERIPHERAL = "F0:00:00:00:00:07"
TIMEOUT_S = 0.72

ON_THE_CONNECTION = st.builds(
    packet,
    st.sampled_from(sorted(KNOWN)),
    st.builds(bytes.__add__, st.just(b"\x01\x00"), st.binary(max_size=12)),
)
"""Commands whose parameters begin with the handle of the connection."""
JUNK = st.one_of(
    ON_THE_CONNECTION,
    st.builds(packet, st.sampled_from(sorted(KNOWN)), st.binary(max_size=30)),
    st.builds(h.acl, st.sampled_from([0x0001, 0x1001, 0x2001, 0x3001]), st.binary(max_size=260)),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two hosts whose controllers are connected, each with handle 1."""

    central: BareHost
    peripheral: BareHost

    def received(self, host: BareHost) -> list[bytes]:
        """The payloads of the ACL packets that a host got."""
        return [each[5:] for each in host.received if each[0] == hci.HCI_ACL_DATA_PACKET]

    def ended(self, host: BareHost) -> list[int]:
        """Reasons of the disconnections that a host was told of."""
        return [each[6] for each in host.received if each[:2] == b"\x04\x05"]

    def credits(self, host: BareHost) -> int:
        """How many packets its controller has reported as completed."""
        return sum(each[:2] == b"\x04\x13" for each in host.received)


async def connect(radio: Radio, public: bool = False) -> Pair:
    """Two bare hosts with a connection of 30 ms and 720 ms."""
    central, peripheral = (BareHost(radio.controller()) for _ in range(2))
    await peripheral.status(h.random_address(PERIPHERAL))
    await peripheral.status(h.advertising_parameters(own=0 if public else 1))
    await peripheral.status(h.ADVERTISE)
    await central.status(h.random_address(CENTRAL))
    address = peripheral.controller.public_address.to_string(False) if public else PERIPHERAL
    await central.status(h.create_connection(address, peer_type=0 if public else 1))
    await elapse(0.2)
    return Pair(central, peripheral)


def pdu(number: int, size: int = 1) -> bytes:
    """An L2CAP packet that says its number."""
    body = number.to_bytes(2, "little") + b"." * size
    return len(body).to_bytes(2, "little") + b"\x04\x00" + body


@pytest.mark.parametrize("public", [False, True])
async def test_data_arrives_from_either_kind_of_address(radio: Radio, public: bool) -> None:
    """Both ways, whether the peripheral uses its random or its public address."""
    pair = await connect(radio, public)

    pair.central.send_packet(h.acl(1, pdu(1)))
    pair.peripheral.send_packet(h.acl(1, pdu(2)))
    await elapse(0.1)

    assert [pdu(1)] == pair.received(pair.peripheral)
    assert [pdu(2)] == pair.received(pair.central)


@pytest.mark.parametrize("loss", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("latency_s", [0.0, 0.02])
async def test_data_arrives_in_order_whatever_is_lost(
    radio: Radio, loss: float, latency_s: float
) -> None:
    """Lost packets are sent again, and none overtakes another."""
    pair = await connect(radio)
    radio.loss, radio.latency_s = loss, latency_s
    sent = [pdu(number) for number in range(40)]

    for each in sent:
        pair.central.send_packet(h.acl(1, each))
    await elapse(30.0)

    assert sent == pair.received(pair.peripheral)
    assert len(sent) == pair.credits(pair.central)


async def test_latency_delays_what_is_sent(radio: Radio) -> None:
    """Half a second under way: not there before, there after."""
    pair = await connect(radio)
    radio.latency_s = 0.5

    pair.central.send_packet(h.acl(1, pdu(1)))
    await elapse(0.49)
    before = pair.received(pair.peripheral)
    await elapse(0.02)

    assert [] == before
    assert [pdu(1)] == pair.received(pair.peripheral)


async def test_out_of_range_ends_in_a_supervision_timeout(radio: Radio) -> None:
    """Both ends are told 0x08, after the timeout and not before."""
    pair = await connect(radio)
    radio.out_of_range(PERIPHERAL)

    await elapse(TIMEOUT_S - 0.01)
    before = pair.ended(pair.central) + pair.ended(pair.peripheral)
    await elapse(0.02)

    assert [] == before
    assert [0x08] == pair.ended(pair.central) == pair.ended(pair.peripheral)


async def test_whoever_comes_back_in_time_gets_everything(radio: Radio) -> None:
    """Data that was sent out of range arrives; the connection stands."""
    pair = await connect(radio)
    radio.out_of_range(PERIPHERAL)
    pair.central.send_packet(h.acl(1, pdu(1)))
    await elapse(TIMEOUT_S / 2)
    radio.in_range(PERIPHERAL)

    await elapse(2.0)

    assert [pdu(1)] == pair.received(pair.peripheral)
    assert [] == pair.ended(pair.central)


async def test_losing_everything_is_out_of_range(radio: Radio) -> None:
    """A loss of 1 ends connections."""
    pair = await connect(radio)

    radio.loss = 1.0
    await elapse(TIMEOUT_S + 0.01)

    assert [0x08] == pair.ended(pair.central)


async def test_each_side_learns_who_ended_it(radio: Radio) -> None:
    """The peer gets the reason, the own host 0x16, after all data that was sent before."""
    pair = await connect(radio)
    pair.central.send_packet(h.acl(1, pdu(1)))

    await pair.central.status(h.disconnect(1, reason=0x13))
    await elapse(0.1)

    assert [0x16] == pair.ended(pair.central)
    assert [0x13] == pair.ended(pair.peripheral)
    assert [pdu(1)] == pair.received(pair.peripheral)


async def test_a_goodbye_that_nobody_hears_is_a_timeout(radio: Radio) -> None:
    """Out of range, the peer finds out by itself."""
    pair = await connect(radio)
    radio.out_of_range(PERIPHERAL)

    await pair.central.status(h.disconnect(1))
    await elapse(TIMEOUT_S + 0.01)

    assert [0x16] == pair.ended(pair.central)
    assert [0x08] == pair.ended(pair.peripheral)


async def test_a_reset_is_silent(radio: Radio) -> None:
    """The own host is told nothing, the peer finds out by itself."""
    pair = await connect(radio)

    await pair.central.status(h.RESET)
    await elapse(TIMEOUT_S + 0.01)

    assert [] == pair.ended(pair.central)
    assert [0x08] == pair.ended(pair.peripheral)


async def test_nobody_is_connected_to_the_same_peer_twice(radio: Radio) -> None:
    """After a silent reset the central gets in again only when the peer has given up the old
    connection; that one's end does not touch the new one."""
    pair = await connect(radio)
    await pair.central.status(h.RESET)
    await pair.peripheral.status(h.ADVERTISE)
    await pair.central.status(h.random_address(CENTRAL))
    await pair.central.status(h.create_connection(PERIPHERAL))

    await elapse(TIMEOUT_S - 0.05)
    before = pair.central.controller.initiating
    await elapse(1.0)
    pair.central.send_packet(h.acl(1, pdu(1)))
    await elapse(0.1)

    assert before
    assert [0x08] == pair.ended(pair.peripheral)
    assert [pdu(1)] == pair.received(pair.peripheral)


@given(st.lists(st.tuples(st.booleans(), JUNK), max_size=10))
@settings(max_examples=100, deadline=None)
def test_no_packets_upset_a_connection(junk: list[tuple[bool, bytes]]) -> None:
    """Whatever either host sends: nothing fails behind the scenes, and both are answered."""
    failures: list[object] = []

    async def main() -> list[int]:
        async with Radio() as radio:
            pair = await connect(radio)
            for central, each in junk:
                (pair.central if central else pair.peripheral).send_packet(each)
            await elapse(5.0)
            hosts = (pair.central, pair.peripheral)
            return [await each.status(h.READ_ADDRESS) for each in hosts]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _loop, context: failures.append(context))
        assert [h.SUCCESS] * 2 == runner.run(main())
    assert [] == failures


async def test_an_unknown_handle_is_refused(radio: Radio) -> None:
    """Disconnecting what is no connection: 0x02, and no event follows."""
    pair = await connect(radio)

    assert 0x02 == await pair.central.status(h.disconnect(7))
    assert [] == pair.ended(pair.central)


async def test_long_packets_arrive_in_pieces(radio: Radio) -> None:
    """A host gets at most as many bytes at a time as the controller announces."""
    pair = await connect(radio)
    long = pdu(1, 600)

    for begin in range(0, len(long), ACL_BYTES):
        piece = long[begin : begin + ACL_BYTES]
        flags = 0x1000 if begin else 0x0000
        pair.central.send_packet(h.acl(1 | flags, piece))
    await elapse(0.1)

    pieces = pair.received(pair.peripheral)
    assert long == b"".join(pieces)
    assert [ACL_BYTES, ACL_BYTES, len(long) - 2 * ACL_BYTES] == [len(each) for each in pieces]
    assert 3 == pair.credits(pair.central)


async def test_a_host_without_credits_is_told(radio: Radio) -> None:
    """More packets than the controller has room for: Data Buffer Overflow, the rest is kept."""
    pair = await connect(radio)
    radio.latency_s = 0.1

    for number in range(MAX_UNDER_WAY + 1):
        pair.central.send_packet(h.acl(1, pdu(number)))
    await elapse(1.0)

    assert 1 == sum(each[:2] == b"\x04\x1a" for each in pair.central.received)
    assert MAX_UNDER_WAY == len(pair.received(pair.peripheral))


async def test_connections_are_told_apart(radio: Radio) -> None:
    """Two centrals at one peripheral: each gets its own data."""
    pair = await connect(radio)
    other = BareHost(radio.controller())
    await other.status(h.random_address("C0:00:00:00:00:02"))
    await pair.peripheral.status(h.ADVERTISE)
    await other.status(h.create_connection(PERIPHERAL))
    await elapse(0.2)

    pair.peripheral.send_packet(h.acl(1, pdu(1)))
    pair.peripheral.send_packet(h.acl(2, pdu(2)))
    await elapse(0.1)

    assert [pdu(1)] == pair.received(pair.central)
    assert [pdu(2)] == pair.received(other)


async def test_new_parameters_change_the_timeout(radio: Radio) -> None:
    """After a connection update to 2 s both ends last that long."""
    pair = await connect(radio)
    update = bytes.fromhex("0100 1800 1800 0000 c800 0000 0000")
    status = await pair.central.status(b"\x01\x13\x20" + bytes([len(update)]) + update)
    radio.out_of_range(PERIPHERAL)

    await elapse(1.9)
    before = pair.ended(pair.central)
    await elapse(0.2)

    assert 0x00 == status
    assert [] == before
    assert [0x08] == pair.ended(pair.central) == pair.ended(pair.peripheral)
