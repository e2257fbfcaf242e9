"""A controller between bytes and the air: the classic cases, and no input that silences it."""

import asyncio

import pytest
from bumble import hci
from hypothesis import example, given, settings
from hypothesis import strategies as st

from virtual_radio.bare_host import BareHost, packet, status_of
from virtual_radio.clock import VirtualLoop, elapse
from virtual_radio.commands import KNOWN
from virtual_radio.controller import MAX_OPCODES, RadioController
from virtual_radio.faults import HANG, times
from virtual_radio.radio import Radio
from virtual_radio_unit_test import hci_packets as h

INVALID = 0x12
DISALLOWED = 0x0C
UNKNOWN = 0x01
ABSENT = "F0:00:00:00:00:99"


@pytest.mark.parametrize(
    ("interval", "window", "expected"),
    [
        (0x60, 0x60, h.SUCCESS),
        (0x60, 0x61, INVALID),
        (0x0004, 0x0004, h.SUCCESS),
        (0x0003, 0x0003, INVALID),
        (0x4000, 0x4000, h.SUCCESS),
        (0x4001, 0x0010, INVALID),
        (0x0060, 0x0000, INVALID),
    ],
)
async def test_scan_windows_fit_into_their_interval(
    bare_host: BareHost, interval: int, window: int, expected: int
) -> None:
    """A scan window above its interval, or out of range, is an invalid parameter."""
    assert expected == await bare_host.status(h.scan_parameters(interval, window))


async def test_scanning_is_not_enabled_twice(bare_host: BareHost) -> None:
    """The second time is disallowed; after an end it may begin anew."""
    commands = (h.SCAN_ON, h.SCAN_ON, h.SCAN_OFF, h.SCAN_OFF, h.SCAN_ON)

    found = [await bare_host.status(each) for each in commands]

    assert [h.SUCCESS, DISALLOWED, h.SUCCESS, h.SUCCESS, h.SUCCESS] == found


async def test_advertising_may_be_enabled_twice(bare_host: BareHost) -> None:
    """The standard allows it (7.8.9)."""
    assert [h.SUCCESS] * 2 == [await bare_host.status(h.ADVERTISE) for _ in range(2)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (h.SCAN_ON, h.scan_parameters()),
        (h.ADVERTISE, h.advertising_parameters()),
        (h.SCAN_ON, h.random_address("C0:00:00:00:00:02")),
        (h.ADVERTISE, h.random_address("C0:00:00:00:00:02")),
        (h.create_connection(ABSENT), h.create_connection(ABSENT)),
        (h.create_connection(ABSENT), h.accept_list(ABSENT)),
        (h.RESET, h.CANCEL),
    ],
)
async def test_commands_out_of_order_are_disallowed(
    bare_host: BareHost, first: bytes, second: bytes
) -> None:
    """What must not be changed while it is used is not changed."""
    await bare_host.status(first)

    assert DISALLOWED == await bare_host.status(second)


@pytest.mark.parametrize(
    "command",
    [
        h.advertising_parameters(shortest=0x1F),
        h.advertising_parameters(longest=0x4001),
        h.advertising_parameters(shortest=0xA1),
        h.advertising_parameters(kind=5),
        h.advertising_parameters(own=4),
        h.advertising_parameters(channels=0),
        h.scan_parameters(active=2),
        h.scan_parameters(policy=4),
        h.create_connection(ABSENT, interval=5),
        h.create_connection(ABSENT, interval=0x0C81),
        h.create_connection(ABSENT, timeout=9),
        h.create_connection(ABSENT, latency=500),
        h.create_connection(ABSENT, interval=800, timeout=72),
        h.create_connection(ABSENT, policy=2),
        h.create_connection(ABSENT, window=0x61),
        packet(hci.HCI_LE_SET_ADVERTISING_ENABLE_COMMAND, b"\x02"),
        packet(hci.HCI_LE_SET_SCAN_ENABLE_COMMAND, b"\x01\x02"),
        packet(hci.HCI_LE_SET_ADVERTISING_DATA_COMMAND, b"\x20" + bytes(31)),
    ],
)
async def test_parameters_out_of_range_are_invalid(bare_host: BareHost, command: bytes) -> None:
    """Each is refused, and nothing has changed."""
    assert INVALID == await bare_host.status(command)
    assert not bare_host.controller.receiver.listening
    assert not bare_host.controller.advertising


@pytest.mark.parametrize("opcode", [h.UNKNOWN_OPCODE, 0x0000, 0xFFFF, 0x0401, 0x2036, 0x2043])
async def test_unknown_opcodes_are_answered(bare_host: BareHost, opcode: int) -> None:
    """A vendor's, reserved ones, classic inquiry, extended advertising: all are unknown here."""
    assert UNKNOWN == await bare_host.status(packet(opcode))


@pytest.mark.parametrize("opcode", sorted(KNOWN))
async def test_every_known_command_is_answered_however_short(
    bare_host: BareHost, opcode: int
) -> None:
    """No parameters at all: done, or refused, but never ignored."""
    answer = await bare_host.command(packet(opcode))

    assert answer[0] == hci.HCI_EVENT_PACKET


@pytest.mark.parametrize(
    "command", [h.scan_parameters(), h.SCAN_ON, h.ADVERTISE, h.create_connection(ABSENT)]
)
@pytest.mark.parametrize("change", [-1, 1])
async def test_parameters_of_the_wrong_length_are_invalid(
    bare_host: BareHost, command: bytes, change: int
) -> None:
    """A byte too few or too many, with a head that says so."""
    parameters = command[4:][:change] if change < 0 else command[4:] + b"\0"
    opcode = int.from_bytes(command[1:3], "little")

    assert INVALID == await bare_host.status(packet(opcode, parameters))


async def test_a_length_that_lies_is_invalid(bare_host: BareHost) -> None:
    """The head announces more than came."""
    assert INVALID == await bare_host.status(h.scan_parameters()[:-2])


@pytest.mark.parametrize("junk", [b"", b"\x01", b"\x01\x03\x0c", b"\x09abc", b"\x04\x0e\x00"])
async def test_packets_that_are_none_are_hardware_errors(bare_host: BareHost, junk: bytes) -> None:
    """Too short, of no kind, or an event from a host: the host is told to reset."""
    event = bare_host.event(hci.HCI_HARDWARE_ERROR_EVENT)
    waiting = asyncio.ensure_future(event)
    await elapse(0)
    bare_host.send_packet(junk)

    assert b"\x04\x10\x01\x01" == await waiting


async def test_data_for_no_connection_is_dropped(bare_host: BareHost) -> None:
    """As real controllers do; the next command is answered."""
    bare_host.send_packet(h.acl(0x0EFF, b"\x01\x00\x04\x00x"))

    assert h.SUCCESS == await bare_host.status(h.READ_ADDRESS)


async def test_an_absent_peer_can_be_given_up(bare_host: BareHost) -> None:
    """The cancel is answered, then the connection has failed with 0x02, and another may follow."""
    await bare_host.status(h.random_address("C0:00:00:00:00:01"))
    await bare_host.status(h.create_connection(ABSENT))
    complete = asyncio.ensure_future(bare_host.event(hci.HCI_LE_META_EVENT, 0x01))
    await elapse(0)

    cancelled = await bare_host.status(h.CANCEL)

    assert h.SUCCESS == cancelled
    assert 0x02 == (await complete)[4]
    assert h.SUCCESS == await bare_host.status(h.create_connection(ABSENT))


async def test_a_reset_clears_everything(bare_host: BareHost) -> None:
    """Scanning, advertising, connecting, lists and addresses: as after power-on."""
    for command in (
        h.random_address("C0:00:00:00:00:01"),
        h.accept_list(ABSENT),
        h.SCAN_ON_FILTERED,
        h.advertising_data(b"\x02\x01\x06"),
        h.ADVERTISE,
        h.create_connection(ABSENT),
    ):
        assert h.SUCCESS == await bare_host.status(command)

    await bare_host.status(h.RESET)

    controller = bare_host.controller
    assert not (controller.scanning or controller.advertising or controller.initiating)
    assert [] == controller.receiver.accept_list
    assert b"" == controller.le_legacy_advertiser.advertising_data
    assert "00:00:00:00:00:00" == controller.random_address.to_string(False)
    assert h.SUCCESS == await bare_host.status(h.SCAN_ON)


@pytest.mark.parametrize("status", [0x03, 0x07, 0x0C, 0x1F])
@pytest.mark.parametrize("command", [h.RESET, h.SCAN_ON, h.create_connection(ABSENT)])
async def test_any_opcode_may_fail(bare_host: BareHost, command: bytes, status: int) -> None:
    """The table's status goes out in the form of that command, and nothing is done."""
    opcode = int.from_bytes(command[1:3], "little")
    bare_host.controller.faults[opcode] = status

    assert status == await bare_host.status(command)
    assert not bare_host.controller.receiver.listening


async def test_an_opcode_may_hang(bare_host: BareHost) -> None:
    """No answer comes, and the next command is answered."""
    bare_host.controller.faults[hci.HCI_RESET_COMMAND] = HANG

    with pytest.raises(TimeoutError):
        await bare_host.command(h.RESET)
    assert h.SUCCESS == await bare_host.status(h.READ_ADDRESS)


async def test_a_fault_may_pass(bare_host: BareHost) -> None:
    """Twice busy, then well."""
    bare_host.controller.faults[hci.HCI_RESET_COMMAND] = times(2, 0x3A)

    assert [0x3A, 0x3A, 0x00] == [await bare_host.status(h.RESET) for _ in range(3)]


async def test_commands_are_remembered(bare_host: BareHost) -> None:
    """A test may ask what a host has sent."""
    await bare_host.status(h.RESET)
    await bare_host.status(h.SCAN_ON)

    expected = [hci.HCI_RESET_COMMAND, hci.HCI_LE_SET_SCAN_ENABLE_COMMAND]
    assert expected == list(bare_host.controller.opcodes)


async def test_not_all_commands_are_remembered(bare_host: BareHost) -> None:
    """The last ones, so that a host may run for days."""
    for _ in range(MAX_OPCODES):
        bare_host.send_packet(h.READ_ADDRESS)
    bare_host.send_packet(h.RESET)

    assert MAX_OPCODES == len(bare_host.controller.opcodes)
    assert hci.HCI_RESET_COMMAND == bare_host.controller.opcodes[-1]


async def test_features_that_would_mislead_a_host_are_masked(controller: RadioController) -> None:
    """With extended advertising or privacy, Linux waits for events of the new kind."""
    masked = hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LL_PRIVACY

    assert not controller.le_features & masked
    assert controller.le_features & hci.LeFeatureMask.LE_ENCRYPTION
    assert controller.supported_commands <= KNOWN


def answers_after(junk: list[bytes]) -> bool:
    """Whether a controller that was fed junk answers the next command."""

    async def main() -> bool:
        async with Radio() as radio:
            host = BareHost(radio.controller())
            for each in junk:
                host.send_packet(each)
            await elapse(0.1)
            answer = await host.command(h.READ_ADDRESS)
            return status_of(answer) == h.SUCCESS

    failures: list[object] = []
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _loop, context: failures.append(context))
        answered = runner.run(main())
    return answered and not failures


commands = st.builds(packet, st.sampled_from(sorted(KNOWN)), st.binary(max_size=40))
unknown = st.builds(packet, st.integers(0, 0xFFFF), st.binary(max_size=40))
data = st.builds(h.acl, st.integers(0, 0x3FFF), st.binary(max_size=300))


@given(st.lists(st.one_of(commands, unknown, data, st.binary(max_size=60)), max_size=8))
@settings(max_examples=150, deadline=None)
@example([h.SCAN_ON, h.ADVERTISE, h.create_connection("00:00:00:00:00:00", peer_type=0)])
def test_no_packets_silence_it(junk: list[bytes]) -> None:
    """Whatever comes, in whatever order: no failure behind the scenes, and the next command is
    answered."""
    assert answers_after(junk)
