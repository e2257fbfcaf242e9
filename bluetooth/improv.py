"""Improv Wi-Fi over Bluetooth LE, version 2.4: the bytes, both halves.

https://www.improv-wifi.com/ble/ is the specification. Pure: no clock, no client, no gateway, no
state of the service; bluetooth.improv_flow has those.

    command   [command] [length of data] [data ...] [checksum]
    result    [command] [length of data] [length][string] [length][string] ... [checksum]

The checksum is the low byte of the sum of all bytes before it. A command may come in several
writes. One byte counts the data, so 255 bytes are the most that a command or a result carries.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from bluetooth.errors import BluetoothError

MAX_DATA_BYTES = 255
"""What the one length byte of a packet can say."""
MAX_PACKET_BYTES = MAX_DATA_BYTES + 3
"""With command, length and checksum."""
MAX_SSID_BYTES = 32
"""IEEE 802.11-2020, 9.4.2.2."""
MAX_LABEL_CHARACTERS = 63
"""Of one label of a host name: a name without dots has one."""


class State(IntEnum):
    """Value of the characteristic "current state"."""

    AUTHORIZATION_REQUIRED = 0x01
    AUTHORIZED = 0x02
    PROVISIONING = 0x03
    PROVISIONED = 0x04


class Error(IntEnum):
    """Value of the characteristic "error state"."""

    NONE = 0x00
    INVALID_RPC = 0x01
    UNKNOWN_RPC = 0x02
    UNABLE_TO_CONNECT = 0x03
    NOT_AUTHORIZED = 0x04
    BAD_HOSTNAME = 0x05
    UNKNOWN = 0xFF


class Capability(IntFlag):
    """Bits of the characteristic "capabilities".

    The table of version 2.4 ends with the host name; clients know the device name as the next bit
    (home-assistant-libs/py-improv-ble-client, improv_ble_client/protocol.py).
    """

    IDENTIFY = 1 << 0
    DEVICE_INFO = 1 << 1
    SCAN_WIFI = 1 << 2
    HOSTNAME = 1 << 3
    DEVICE_NAME = 1 << 4


class Command(IntEnum):
    """First byte of a command and of its result."""

    WIFI_SETTINGS = 0x01
    IDENTIFY = 0x02
    DEVICE_INFO = 0x03
    SCAN_WIFI = 0x04
    HOSTNAME = 0x05
    DEVICE_NAME = 0x06


class BadPacket(BluetoothError):
    """Bytes that are no packet, or not one for its command."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A command or a result, its checksum verified. `command` may be one that nobody knows."""

    command: int
    data: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the air. Raises BadPacket for more data than the length byte can say."""
        if len(self.data) > MAX_DATA_BYTES:
            raise BadPacket(f"{len(self.data)} bytes do not fit; {MAX_DATA_BYTES} do")
        packet = bytes((self.command, len(self.data))) + self.data
        return packet + bytes((checksum(packet),))


def checksum(packet: bytes) -> int:
    """The low byte of the sum."""
    return sum(packet) & 0xFF


def parse_packet(packet: bytes) -> Packet:
    """Read a whole packet. Raises BadPacket."""
    if len(packet) < 3 or len(packet) != packet[1] + 3:
        raise BadPacket("a packet is command, length, as many bytes, checksum")
    if packet[-1] != checksum(packet[:-1]):
        raise BadPacket("the checksum is wrong")
    return Packet(packet[0], packet[2:-1])


class PacketAssembler:
    """Puts the writes of one client together to commands; holds at most one unfinished."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def waits(self) -> bool:
        """Whether a command has begun and more of it must come."""
        return bool(self._buffer)

    def feed(self, piece: bytes) -> Packet | None:
        """Take one write; the command when it is complete. Raises BadPacket and starts anew."""
        self._buffer += piece
        if len(self._buffer) < 2 or len(self._buffer) < self._buffer[1] + 3:
            return None
        packet = bytes(self._buffer)
        self.reset()
        return parse_packet(packet)

    def reset(self) -> None:
        """Forget the unfinished command: the client paused or left."""
        self._buffer.clear()


def join_strings(strings: Sequence[str | bytes]) -> bytes:
    """A list of strings, each with its length before it. Raises BadPacket for one over 255."""
    data = bytearray()
    for each in strings:
        text = each.encode() if isinstance(each, str) else each
        if len(text) > MAX_DATA_BYTES:
            raise BadPacket("a string is too long")
        data.append(len(text))
        data += text
    return bytes(data)


def split_strings(data: bytes) -> list[bytes]:
    """The reverse of join_strings. Raises BadPacket where a string ends beyond the data."""
    strings = []
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise BadPacket("a string is longer than the packet")
        strings.append(data[at + 1 : end])
        at = end
    return strings


def text(string: bytes) -> str:
    """A string of a packet. Raises BadPacket when it is not UTF-8."""
    try:
        return string.decode("utf-8")
    except UnicodeDecodeError:
        raise BadPacket("strings are UTF-8") from None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What to join, and with what. An open network has an empty password."""

    ssid: str
    password: str

    def __repr__(self) -> str:
        """Without the password: this may reach a log."""
        return f"Credentials(ssid={self.ssid!r})"

    def packet(self) -> Packet:
        """Command 01."""
        return Packet(Command.WIFI_SETTINGS, join_strings((self.ssid, self.password)))


def parse_credentials(data: bytes) -> Credentials:
    """The data of command 01. Raises BadPacket."""
    strings = split_strings(data)
    if len(strings) != 2 or not 1 <= len(strings[0]) <= MAX_SSID_BYTES:
        raise BadPacket(f"send an SSID of 1 to {MAX_SSID_BYTES} bytes and a password")
    return Credentials(text(strings[0]), text(strings[1]))


def parse_name(data: bytes) -> str:
    """The data of "set host name" and "set device name". Raises BadPacket.

    The specification puts the bare name there; a widespread client puts its length before it once
    more (py-improv-ble-client). No name begins with the character that such a length would be,
    except by a rare chance, so a first byte that counts all the others is taken for one.
    """
    if len(data) > 1 and data[0] == len(data) - 1:
        data = data[1:]
    return text(data)


def is_hostname(name: str) -> bool:
    """Whether the specification takes it: RFC 1123, letters, digits and hyphens alone."""
    return len(name) <= MAX_LABEL_CHARACTERS and bool(_HOSTNAME.fullmatch(name))


_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


def result(command: int, strings: Sequence[str | bytes]) -> bytes:
    """A result on the air. Raises BadPacket when it does not fit."""
    return Packet(command, join_strings(strings)).encode()


@dataclass(frozen=True, slots=True)
class Network:
    """One Wi-Fi in sight. `security` in the specification's words: NO, WEP, WPA2, WPA2/WPA3 ..."""

    ssid: str
    rssi_dbm: int
    security: str

    def strings(self) -> tuple[str, str, str]:
        """As they stand in the result."""
        return self.ssid, str(self.rssi_dbm), self.security


def scan_result(networks: Iterable[Network]) -> bytes:
    """The result of command 04: the strongest first, and of those as many as fit."""
    data = b""
    for each in sorted(networks, key=lambda network: (-network.rssi_dbm, network.ssid)):
        longer = data + join_strings(each.strings())
        if len(longer) > MAX_DATA_BYTES:
            break
        data = longer
    return Packet(Command.SCAN_WIFI, data).encode()


def parse_scan(data: bytes) -> list[Network]:
    """What a phone reads in the data of a scan's result. Raises BadPacket."""
    strings = [text(each) for each in split_strings(data)]
    if len(strings) % 3:
        raise BadPacket("a scan has three strings for each network")
    try:
        return [
            Network(strings[at], int(strings[at + 1]), strings[at + 2])
            for at in range(0, len(strings), 3)
        ]
    except ValueError:
        raise BadPacket("a signal strength is no number") from None


def service_data(state: State, capabilities: Capability) -> bytes:
    """What stands in the advertisement under IMPROV_DATA_UUID: state, capabilities, reserve."""
    return bytes((state, capabilities, 0, 0, 0, 0))
