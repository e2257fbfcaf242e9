"""GATT as values: services, characteristics, advertisements. Knows no radio and no library.

The tables name every UUID that this box serves. The native service and its two characteristics
are those that phone apps of this family of gateways speak already; the Improv ones are those of
the Improv Wi-Fi specification, version 2.4; the Egret service is our own.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from collections.abc import Mapping

MAX_VALUE_BYTES = 512
"""Longest attribute value (Bluetooth Core 5.3, Vol 3, Part F, 3.2.9)."""


class Property(StrEnum):
    """What a central may do, in BlueZ's words."""

    READ = "read"
    WRITE = "write"
    WRITE_WITHOUT_RESPONSE = "write-without-response"
    NOTIFY = "notify"
    INDICATE = "indicate"


class AttError(IntEnum):
    """Error codes of the attribute protocol that we answer with (Vol 3, Part F, 3.4.1.1)."""

    READ_NOT_PERMITTED = 0x02
    WRITE_NOT_PERMITTED = 0x03
    INSUFFICIENT_AUTHORIZATION = 0x08
    INVALID_OFFSET = 0x07
    INVALID_VALUE_LENGTH = 0x0D
    UNLIKELY = 0x0E
    INSUFFICIENT_RESOURCES = 0x11


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One value that a central sees."""

    uuid: str
    """Lower case, 128 bits."""
    properties: frozenset[Property]
    name: str
    """For people: its user description."""


@dataclass(frozen=True, slots=True)
class Service:
    """A group of characteristics; always primary."""

    uuid: str
    characteristics: tuple[Characteristic, ...]


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What is sent into the air. Everything here stands in the advertisement itself, but the name,
    which a central may have to ask for (scan response)."""

    service_uuids: tuple[str, ...]
    name: str
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    """By UUID: 128 bits, lower case, also for a 16-bit one."""


_READ_NOTIFY = frozenset((Property.READ, Property.NOTIFY))
_WRITES = frozenset((Property.WRITE, Property.WRITE_WITHOUT_RESPONSE))

REQUEST_UUID = "51ff12bb-3ed8-46e5-b4f9-d64e2fec021b"
RESPONSE_UUID = "51ff12bb-3ed8-46e5-b4f9-d64e2fec021c"
NATIVE = Service(
    "a07498ca-ad5b-474e-940d-16f1fbe7e8cd",
    (
        Characteristic(REQUEST_UUID, _WRITES, "request"),
        Characteristic(RESPONSE_UUID, _READ_NOTIFY | {Property.INDICATE}, "response"),
    ),
)
"""EGWTTP: requests to the gateway's API as text."""

IMPROV_STATE_UUID = "00467768-6228-2272-4663-277478268001"
IMPROV_ERROR_UUID = "00467768-6228-2272-4663-277478268002"
IMPROV_COMMAND_UUID = "00467768-6228-2272-4663-277478268003"
IMPROV_RESULT_UUID = "00467768-6228-2272-4663-277478268004"
IMPROV_CAPABILITIES_UUID = "00467768-6228-2272-4663-277478268005"
IMPROV_DATA_UUID = "00004677-0000-1000-8000-00805f9b34fb"
"""Key of the service data that Improv wants in the advertisement."""
IMPROV = Service(
    "00467768-6228-2272-4663-277478268000",
    (
        Characteristic(IMPROV_STATE_UUID, _READ_NOTIFY, "current state"),
        Characteristic(IMPROV_ERROR_UUID, _READ_NOTIFY, "error state"),
        Characteristic(IMPROV_COMMAND_UUID, _WRITES, "RPC command"),
        Characteristic(IMPROV_RESULT_UUID, _READ_NOTIFY, "RPC result"),
        Characteristic(IMPROV_CAPABILITIES_UUID, frozenset((Property.READ,)), "capabilities"),
    ),
)
"""Improv Wi-Fi."""

SESSION_UUID = "b5e1c3f2-6d0a-4c57-9e38-2f7a41d80c01"
DOOR_STATE_UUID = "b5e1c3f2-6d0a-4c57-9e38-2f7a41d80c02"
PROGRESS_UUID = "b5e1c3f2-6d0a-4c57-9e38-2f7a41d80c03"
EGRET = Service(
    "b5e1c3f2-6d0a-4c57-9e38-2f7a41d80c00",
    (
        Characteristic(SESSION_UUID, _WRITES | {Property.NOTIFY}, "session"),
        Characteristic(DOOR_STATE_UUID, _READ_NOTIFY, "door state"),
        Characteristic(PROGRESS_UUID, _READ_NOTIFY, "progress"),
    ),
)
"""The encrypted session keyed by the label's secret, what the door allows, and what happens."""

SERVICES = (NATIVE, IMPROV, EGRET)
