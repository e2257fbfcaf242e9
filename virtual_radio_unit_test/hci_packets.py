"""HCI commands as bytes, with the parameters that tests turn."""

import struct

from bumble import hci

from virtual_radio.bare_host import packet

RESET = packet(hci.HCI_RESET_COMMAND)
CANCEL = packet(hci.HCI_LE_CREATE_CONNECTION_CANCEL_COMMAND)
SCAN_ON = packet(hci.HCI_LE_SET_SCAN_ENABLE_COMMAND, b"\x01\x00")
SCAN_ON_FILTERED = packet(hci.HCI_LE_SET_SCAN_ENABLE_COMMAND, b"\x01\x01")
SCAN_OFF = packet(hci.HCI_LE_SET_SCAN_ENABLE_COMMAND, b"\x00\x00")
ADVERTISE = packet(hci.HCI_LE_SET_ADVERTISING_ENABLE_COMMAND, b"\x01")
SILENCE = packet(hci.HCI_LE_SET_ADVERTISING_ENABLE_COMMAND, b"\x00")
READ_ADDRESS = packet(hci.HCI_READ_BD_ADDR_COMMAND)
UNKNOWN_OPCODE = 0xFC12
"""A vendor's own, of a vendor that we are not."""

SUCCESS = 0x00


def scan_parameters(
    interval: int = 0x60, window: int = 0x60, active: int = 1, policy: int = 0
) -> bytes:
    """LE Set Scan Parameters."""
    fields = struct.pack("<BHHBB", active, interval, window, 0, policy)
    return packet(hci.HCI_LE_SET_SCAN_PARAMETERS_COMMAND, fields)


def advertising_parameters(
    shortest: int = 0xA0, longest: int = 0xA0, kind: int = 0, own: int = 1, channels: int = 7
) -> bytes:
    """LE Set Advertising Parameters."""
    fields = struct.pack("<HHBBB6sBB", shortest, longest, kind, own, 0, bytes(6), channels, 0)
    return packet(hci.HCI_LE_SET_ADVERTISING_PARAMETERS_COMMAND, fields)


def advertising_data(data: bytes) -> bytes:
    """LE Set Advertising Data."""
    fields = bytes([len(data)]) + data.ljust(31, b"\0")
    return packet(hci.HCI_LE_SET_ADVERTISING_DATA_COMMAND, fields)


def scan_response(data: bytes) -> bytes:
    """LE Set Scan Response Data."""
    fields = bytes([len(data)]) + data.ljust(31, b"\0")
    return packet(hci.HCI_LE_SET_SCAN_RESPONSE_DATA_COMMAND, fields)


def random_address(address: str) -> bytes:
    """LE Set Random Address."""
    fields = bytes.fromhex(address.replace(":", ""))[::-1]
    return packet(hci.HCI_LE_SET_RANDOM_ADDRESS_COMMAND, fields)


def create_connection(
    peer: str,
    interval: int = 24,
    timeout: int = 72,
    latency: int = 0,
    policy: int = 0,
    window: int = 0x60,
    peer_type: int = 1,
) -> bytes:
    """LE Create Connection, from our random address."""
    address = bytes.fromhex(peer.replace(":", ""))[::-1]
    head = struct.pack("<HHBB6sB", 0x60, window, policy, peer_type, address, 1)
    tail = struct.pack("<HHHHHH", interval, interval, latency, timeout, 0, 0)
    return packet(hci.HCI_LE_CREATE_CONNECTION_COMMAND, head + tail)


def accept_list(peer: str, peer_type: int = 1) -> bytes:
    """LE Add Device To Filter Accept List."""
    fields = bytes([peer_type]) + bytes.fromhex(peer.replace(":", ""))[::-1]
    return packet(hci.HCI_LE_ADD_DEVICE_TO_FILTER_ACCEPT_LIST_COMMAND, fields)


def disconnect(handle: int, reason: int = 0x13) -> bytes:
    """Disconnect."""
    return packet(hci.HCI_DISCONNECT_COMMAND, struct.pack("<HB", handle, reason))


def acl(handle: int, data: bytes) -> bytes:
    """An ACL packet that begins an L2CAP packet."""
    return bytes([hci.HCI_ACL_DATA_PACKET]) + struct.pack("<HH", handle, len(data)) + data
