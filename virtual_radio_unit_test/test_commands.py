"""Which commands are known, and what is refused, without a controller."""

from dataclasses import dataclass

import pytest
from bumble import hci

from virtual_radio.commands import CHECKS, KNOWN, UNKNOWN_CONNECTION, fixed_length, refusal


@dataclass(frozen=True, slots=True)
class State:
    """A controller's state as a test sets it."""

    scanning: bool = False
    advertising: bool = False
    initiating: bool = False
    connected: bool = False

    def connected_to(self, address: hci.Address) -> bool:
        """To everybody or to nobody."""
        return self.connected

    def knows_handle(self, handle: int) -> bool:
        """Every handle or none."""
        return self.connected


CONNECT = hci.HCI_LE_Create_Connection_Command(
    le_scan_interval=0x60,
    le_scan_window=0x60,
    initiator_filter_policy=0,
    peer_address_type=1,
    peer_address=hci.Address("F0:00:00:00:00:01"),
    own_address_type=hci.OwnAddressType.RANDOM,
    connection_interval_min=24,
    connection_interval_max=24,
    max_latency=0,
    supervision_timeout=72,
    min_ce_length=0,
    max_ce_length=0,
)


def test_every_check_is_for_a_known_command() -> None:
    """No check can lie idle."""
    assert set(CHECKS) <= KNOWN


def test_what_a_linux_host_needs_is_known() -> None:
    """The commands with which its kernel sets a controller up and scans."""
    needed = {
        0x0C03,
        0x1001,
        0x1002,
        0x1003,
        0x1009,
        0x2001,
        0x2002,
        0x2003,
        0x2005,
        0x200B,
        0x200C,
    }

    assert needed <= KNOWN


def test_later_inventions_are_unknown() -> None:
    """Extended advertising, periodic advertising, isochronous channels, classic inquiry."""
    assert KNOWN.isdisjoint({0x2036, 0x2039, 0x203E, 0x2041, 0x2043, 0x2044, 0x2062, 0x0401})


def test_a_sound_command_is_not_refused() -> None:
    """Go on."""
    assert refusal(State(), CONNECT) is None


def test_a_connection_exists_only_once() -> None:
    """0x0B for a peer that is connected already."""
    assert hci.HCI_ErrorCode.CONNECTION_ALREADY_EXISTS_ERROR == refusal(
        State(connected=True), CONNECT
    )


@pytest.mark.parametrize(
    "command",
    [
        hci.HCI_Disconnect_Command(connection_handle=5, reason=0x13),
        hci.HCI_LE_Read_Remote_Features_Command(connection_handle=5),
        hci.HCI_LE_Read_PHY_Command(connection_handle=5),
    ],
)
def test_an_unknown_connection_is_refused(command: hci.HCI_Command) -> None:
    """By whatever command it is named."""
    assert UNKNOWN_CONNECTION == refusal(State(), command)
    assert refusal(State(connected=True), command) is None


def test_lengths_are_known_where_they_are_fixed() -> None:
    """Twenty-five bytes for a connection; none can be told where a command ends in a list."""
    assert 25 == fixed_length(CONNECT)
    assert 0 == fixed_length(hci.HCI_Reset_Command())
