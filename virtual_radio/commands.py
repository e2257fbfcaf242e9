"""Which HCI commands these controllers know, and what they refuse, as pure decisions.

A controller of Bluetooth LE 5.0 with legacy advertising. Extended advertising, periodic
advertising, isochronous channels, channel sounding and LL privacy are left out, with their feature
bits: with them a host waits for events of the new kind, which Bumble's controller does not send.
Ranges are those of Bluetooth Core 5.3, Vol 4, Part E, by the number of the command's section.
"""

from collections.abc import Callable
from typing import Protocol

from bumble import hci
from bumble.controller import Controller

from virtual_radio.adverts import MAX_DATA_BYTES

INVALID = hci.HCI_ErrorCode.INVALID_COMMAND_PARAMETERS_ERROR
DISALLOWED = hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR
UNKNOWN = hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR
UNKNOWN_CONNECTION = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR

MASKED_FEATURES = (
    hci.LeFeatureMask.LL_PRIVACY
    | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
    | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    | hci.LeFeatureMask.LE_2M_PHY
    | hci.LeFeatureMask.LE_CODED_PHY
)

_CONTROL_GROUPS = (3, 4, 5)
"""Opcode groups that are taken as a whole: baseband, informational and status commands."""
_LE_GROUP = 8
_LAST_LEGACY_LE = 0x31
"""LE Set Default PHY; what follows belongs to extended advertising and later inventions."""
_LATER_LE = {
    hci.HCI_LE_READ_TRANSMIT_POWER_COMMAND,
    hci.HCI_LE_READ_BUFFER_SIZE_V2_COMMAND,
}
_LINK_CONTROL = {hci.HCI_DISCONNECT_COMMAND}
_ABSENT = {hci.HCI_LE_READ_LOCAL_P_256_PUBLIC_KEY_COMMAND}
"""Bumble's handler of it answers in the wrong form; hosts then use their own curve."""

INTERVAL_UNITS = range(0x0020, 0x4000 + 1)
"""Of advertising: 20 ms to 10.24 s (7.8.5)."""
SCAN_UNITS = range(0x0004, 0x4000 + 1)
"""Of scan intervals and windows: 2.5 ms to 10.24 s (7.8.10)."""
CONNECTION_UNITS = range(0x0006, 0x0C80 + 1)
"""Of connection intervals: 7.5 ms to 4 s (7.8.12)."""
TIMEOUT_UNITS = range(0x000A, 0x0C80 + 1)
"""Of supervision timeouts: 100 ms to 32 s (7.8.12)."""
MAX_LATENCY_EVENTS = 0x01F3
"""Of a peripheral (7.8.12)."""


def _known() -> frozenset[int]:
    known = set(_LINK_CONTROL)
    for opcode, command in hci.HCI_Command.command_classes.items():
        group, number = opcode >> 10, opcode & 0x3FF
        legacy = group == _LE_GROUP and (number <= _LAST_LEGACY_LE or opcode in _LATER_LE)
        handled = hasattr(Controller, f"on_{command.__name__.lower()}")
        if handled and (legacy or group in _CONTROL_GROUPS):
            known.add(opcode)
    return frozenset(known - _ABSENT)


KNOWN = _known()
"""Opcodes that are answered; all others get 0x01 Unknown HCI Command."""


class State(Protocol):
    """What a decision looks at."""

    @property
    def scanning(self) -> bool: ...

    @property
    def advertising(self) -> bool: ...

    @property
    def initiating(self) -> bool: ...

    def connected_to(self, address: hci.Address) -> bool: ...

    def knows_handle(self, handle: int) -> bool: ...


Check = Callable[[State, hci.HCI_Command], int | None]


def _random_address(state: State, _command: hci.HCI_Command) -> int | None:
    """7.8.4"""
    return DISALLOWED if state.scanning or state.advertising or state.initiating else None


def _advertising_parameters(state: State, command: hci.HCI_Command) -> int | None:
    """7.8.5"""
    assert isinstance(command, hci.HCI_LE_Set_Advertising_Parameters_Command)
    if state.advertising:
        return DISALLOWED
    shortest, longest = command.advertising_interval_min, command.advertising_interval_max
    directed = command.advertising_type == 1
    sound = directed or (
        shortest in INTERVAL_UNITS and longest in INTERVAL_UNITS and shortest <= longest
    )
    sound = sound and command.advertising_type <= 4 and command.own_address_type <= 3
    return None if sound and 1 <= command.advertising_channel_map <= 7 else INVALID


def _switch(value: int) -> int | None:
    return None if value in (0, 1) else INVALID


def _data(_state: State, command: hci.HCI_Command) -> int | None:
    """7.8.7 and 7.8.8: the first byte says how many of the others count."""
    return None if command.parameters[0] <= MAX_DATA_BYTES else INVALID


def _advertising_enable(_state: State, command: hci.HCI_Command) -> int | None:
    """7.8.9: enabling it twice is allowed."""
    assert isinstance(command, hci.HCI_LE_Set_Advertising_Enable_Command)
    return _switch(command.advertising_enable)


def _scan_parameters(state: State, command: hci.HCI_Command) -> int | None:
    """7.8.10"""
    assert isinstance(command, hci.HCI_LE_Set_Scan_Parameters_Command)
    if state.scanning:
        return DISALLOWED
    sound = (
        command.le_scan_type <= 1
        and command.le_scan_interval in SCAN_UNITS
        and command.le_scan_window in SCAN_UNITS
        and command.le_scan_window <= command.le_scan_interval
        and command.own_address_type <= 3
        and command.scanning_filter_policy <= 3
    )
    return None if sound else INVALID


def _scan_enable(state: State, command: hci.HCI_Command) -> int | None:
    """7.8.11. The standard lets a second enable change the duplicates filter; controllers in the
    field, Zephyr's among them, refuse it, and so hosts must not do it."""
    assert isinstance(command, hci.HCI_LE_Set_Scan_Enable_Command)
    if state.scanning and command.le_scan_enable:
        return DISALLOWED
    return _switch(command.le_scan_enable) or _switch(command.filter_duplicates)


def _sound_connection(shortest: int, longest: int, latency: int, timeout: int) -> bool:
    """The supervision timeout must outlast the peripheral's latency twice (7.8.12)."""
    sound = shortest in CONNECTION_UNITS and longest in CONNECTION_UNITS and shortest <= longest
    sound = sound and latency <= MAX_LATENCY_EVENTS and timeout in TIMEOUT_UNITS
    return sound and timeout * 10 > (1 + latency) * longest * 1.25 * 2


def _create_connection(state: State, command: hci.HCI_Command) -> int | None:
    """7.8.12"""
    assert isinstance(command, hci.HCI_LE_Create_Connection_Command)
    if state.initiating:
        return DISALLOWED
    sound = _sound_connection(
        command.connection_interval_min,
        command.connection_interval_max,
        command.max_latency,
        command.supervision_timeout,
    )
    sound = sound and command.le_scan_interval in SCAN_UNITS
    sound = sound and command.le_scan_window in SCAN_UNITS
    if not sound or command.le_scan_window > command.le_scan_interval:
        return INVALID
    if command.initiator_filter_policy == 0 and state.connected_to(command.peer_address):
        return hci.HCI_ErrorCode.CONNECTION_ALREADY_EXISTS_ERROR
    return None if command.initiator_filter_policy <= 1 else INVALID


def _cancel(state: State, _command: hci.HCI_Command) -> int | None:
    """7.8.13"""
    return None if state.initiating else DISALLOWED


def _accept_list(state: State, _command: hci.HCI_Command) -> int | None:
    """7.8.15 to 7.8.17: not while the list may be in use."""
    return DISALLOWED if state.initiating else None


def _connection_update(state: State, command: hci.HCI_Command) -> int | None:
    """7.8.18"""
    assert isinstance(command, hci.HCI_LE_Connection_Update_Command)
    if not state.knows_handle(command.connection_handle):
        return UNKNOWN_CONNECTION
    sound = _sound_connection(
        command.connection_interval_min,
        command.connection_interval_max,
        command.max_latency,
        command.supervision_timeout,
    )
    return None if sound else INVALID


def _handle(state: State, command: hci.HCI_Command) -> int | None:
    """Whatever is about one connection."""
    handle = getattr(command, "connection_handle", -1)
    return None if state.knows_handle(handle) else UNKNOWN_CONNECTION


CHECKS: dict[int, Check] = {
    hci.HCI_DISCONNECT_COMMAND: _handle,
    hci.HCI_LE_SET_RANDOM_ADDRESS_COMMAND: _random_address,
    hci.HCI_LE_SET_ADVERTISING_PARAMETERS_COMMAND: _advertising_parameters,
    hci.HCI_LE_SET_ADVERTISING_DATA_COMMAND: _data,
    hci.HCI_LE_SET_SCAN_RESPONSE_DATA_COMMAND: _data,
    hci.HCI_LE_SET_ADVERTISING_ENABLE_COMMAND: _advertising_enable,
    hci.HCI_LE_SET_SCAN_PARAMETERS_COMMAND: _scan_parameters,
    hci.HCI_LE_SET_SCAN_ENABLE_COMMAND: _scan_enable,
    hci.HCI_LE_CREATE_CONNECTION_COMMAND: _create_connection,
    hci.HCI_LE_CREATE_CONNECTION_CANCEL_COMMAND: _cancel,
    hci.HCI_LE_CLEAR_FILTER_ACCEPT_LIST_COMMAND: _accept_list,
    hci.HCI_LE_ADD_DEVICE_TO_FILTER_ACCEPT_LIST_COMMAND: _accept_list,
    hci.HCI_LE_REMOVE_DEVICE_FROM_FILTER_ACCEPT_LIST_COMMAND: _accept_list,
    hci.HCI_LE_CONNECTION_UPDATE_COMMAND: _connection_update,
    hci.HCI_LE_READ_REMOTE_FEATURES_COMMAND: _handle,
    hci.HCI_LE_ENABLE_ENCRYPTION_COMMAND: _handle,
    hci.HCI_LE_READ_PHY_COMMAND: _handle,
}


def refusal(state: State, command: hci.HCI_Command) -> int | None:
    """The status with which a command is refused; None: go on."""
    if command.op_code not in KNOWN:
        return UNKNOWN
    check = CHECKS.get(command.op_code)
    return check(state, command) if check else None


def fixed_length(command: hci.HCI_Command) -> int | None:
    """Bytes of parameters that this command must have; None where its length varies."""
    if any(not _is_fixed(each) for each in type(command).fields):
        return None
    serialized: bytes = hci.HCI_Object.dict_to_bytes(  # type: ignore[no-untyped-call]  # Bumble's
        command.__dict__, command.fields
    )
    return len(serialized)


def _is_fixed(field: object) -> bool:
    spec = field[1] if isinstance(field, tuple) else None
    return spec is not None and spec not in ("*", "v")
