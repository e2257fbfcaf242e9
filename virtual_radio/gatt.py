"""GATT tables of virtual peripherals as values, and the errors of GATT.

Values may be callables, so that a test decides at the moment of reading; what it raises as
GattError goes over the air as that code.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from bumble import att, core
from bumble.gatt import (
    GATT_CHARACTERISTIC_USER_DESCRIPTION_DESCRIPTOR,
    Characteristic,
    CharacteristicValue,
    Descriptor,
    Service,
)

MAX_VALUE_BYTES = 512
"""Longest attribute value (Bluetooth Core 5.3, Vol 3, Part F, 3.2.9)."""

_PROPERTIES = {
    "read": Characteristic.Properties.READ,
    "write": Characteristic.Properties.WRITE,
    "write-without-response": Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    "notify": Characteristic.Properties.NOTIFY,
    "indicate": Characteristic.Properties.INDICATE,
}
T = TypeVar("T")
WRITES = {"write", "write-without-response"}


class GattError(Exception):
    """The peer refused with an error code of the attribute protocol (Vol 3, Part F, 3.4.1.1)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the peer answered with ATT error 0x{code:02X}")
        self.code = code


class Disconnected(Exception):
    """The connection is over; connect again."""


class NoSuchAttribute(LookupError):
    """The peer has no characteristic of that UUID."""


OnRead = Callable[[str], bytes]
"""Who asks (an address), to the whole value. May raise GattError."""
OnWrite = Callable[[str, bytes], None]
"""Who writes, and what, whole. May raise GattError."""


@dataclass(slots=True)
class VirtualCharacteristic:
    """One value of a virtual peripheral."""

    uuid: str
    properties: frozenset[str]
    """Of: read, write, write-without-response, notify, indicate."""
    value: bytes = b""
    """What is read, and what was written last, unless the callables say otherwise."""
    on_read: OnRead | None = None
    on_write: OnWrite | None = None
    description: str = ""
    """For people; a descriptor where it is given."""

    def __post_init__(self) -> None:
        unknown = self.properties - set(_PROPERTIES)
        if unknown:
            raise ValueError(f"no such property: {sorted(unknown)}; known: {sorted(_PROPERTIES)}")

    def read(self, client: str) -> bytes:
        """The value for this client. Raises GattError."""
        if "read" not in self.properties:
            raise GattError(att.ATT_READ_NOT_PERMITTED_ERROR)
        return self.on_read(client) if self.on_read else self.value

    def write(self, client: str, value: bytes) -> None:
        """Take a value from this client. Raises GattError. (Bumble's server asks for no
        permission.)"""
        if not WRITES & self.properties:
            raise GattError(att.ATT_WRITE_NOT_PERMITTED_ERROR)
        if len(value) > MAX_VALUE_BYTES:
            raise GattError(att.ATT_INVALID_ATTRIBUTE_LENGTH_ERROR)
        if self.on_write:
            self.on_write(client, value)
        else:
            self.value = value


@dataclass(frozen=True, slots=True)
class VirtualService:
    """A primary service of a virtual peripheral."""

    uuid: str
    characteristics: tuple[VirtualCharacteristic, ...] = field(default=())


def characteristic(
    uuid: str,
    *properties: str,
    value: bytes = b"",
    on_read: OnRead | None = None,
    on_write: OnWrite | None = None,
    description: str = "",
) -> VirtualCharacteristic:
    """Short for a VirtualCharacteristic. Raises ValueError."""
    return VirtualCharacteristic(uuid, frozenset(properties), value, on_read, on_write, description)


def service(uuid: str, *characteristics: VirtualCharacteristic) -> VirtualService:
    """Short for a VirtualService."""
    return VirtualService(uuid, characteristics)


def bumble_services(
    services: Iterable[VirtualService],
) -> tuple[list[Service], dict[str, Characteristic[bytes]]]:
    """For Bumble: its services, and its characteristics by UUID."""
    made: list[Service] = []
    by_uuid: dict[str, Characteristic[bytes]] = {}
    for each in services:
        members = [_bumble(one) for one in each.characteristics]
        by_uuid.update(
            {one.uuid: member for one, member in zip(each.characteristics, members, strict=True)}
        )
        made.append(Service(core.UUID(each.uuid), members))
    return made, by_uuid


def _bumble(one: VirtualCharacteristic) -> Characteristic[bytes]:
    properties = Characteristic.Properties(0)
    for name in one.properties:
        properties |= _PROPERTIES[name]
    permissions = Characteristic.Permissions(0)
    if "read" in one.properties:
        permissions |= Characteristic.Permissions.READABLE
    if WRITES & one.properties:
        permissions |= Characteristic.Permissions.WRITEABLE
    value = CharacteristicValue(
        read=lambda connection: _translated(lambda: one.read(_client(connection))),
        write=lambda connection, new: _translated(lambda: one.write(_client(connection), new)),
    )
    descriptors = [_described(one.description)] if one.description else []
    return Characteristic(core.UUID(one.uuid), properties, permissions, value, descriptors)


def _described(text: str) -> Descriptor:
    kind = GATT_CHARACTERISTIC_USER_DESCRIPTION_DESCRIPTOR
    return Descriptor(kind, Descriptor.Permissions.READABLE, text.encode())


def _client(connection: object) -> str:
    return str(getattr(connection, "peer_address", "")).removesuffix("/P")


def _translated(run: Callable[[], T]) -> T:
    try:
        return run()
    except GattError as refused:
        raise att.ATT_Error(refused.code) from refused
