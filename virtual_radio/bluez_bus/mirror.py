"""Turns the application that a peripheral registers into attributes of a Bluetooth host.

Every read and write of a central becomes a call of ReadValue or WriteValue on the peripheral's
objects, with the options that bluetoothd adds; what the peripheral emits becomes notifications.
Source: BlueZ 5.66, doc/gatt-api.txt and src/gatt-database.c.
"""

import logging
from collections.abc import Callable
from typing import Any

from bumble import att
from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Characteristic, Descriptor, Service
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from virtual_radio.bluez_bus.attributes import Remote

log = logging.getLogger(__name__)

SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
DESCRIPTOR = "org.bluez.GattDescriptor1"

_P = Characteristic.Properties
_PROPERTY_OF = {
    "broadcast": _P.BROADCAST,
    "read": _P.READ,
    "write-without-response": _P.WRITE_WITHOUT_RESPONSE,
    "write": _P.WRITE,
    "notify": _P.NOTIFY,
    "indicate": _P.INDICATE,
}

_ATT_ERROR_OF = {
    "org.bluez.Error.Failed": 0x80,
    "org.bluez.Error.NotSupported": 0x06,
    "org.bluez.Error.NotAuthorized": 0x08,
    "org.bluez.Error.InvalidValueLength": 0x0D,
    "org.bluez.Error.InvalidOffset": 0x07,
    "org.bluez.Error.InProgress": 0xFE,
}
_NOT_PERMITTED = "org.bluez.Error.NotPermitted"
_UNLIKELY = 0x0E

DevicePath = Callable[[Connection], str]


class Mirror:
    """One registered application: `owner` is the connection it lives on, `path` its root."""

    def __init__(self, bus: MessageBus, owner: str, path: str, device_path: DevicePath) -> None:
        self.owner = owner
        self.path = path
        self.services: list[tuple[Service, dict[Any, Remote]]] = []
        self.characteristic_at: dict[str, Characteristic[bytes]] = {}
        self._bus = bus
        self._device_path = device_path

    async def load(self) -> None:
        """Read the object tree. Raises DBusError as bluetoothd answers to a bad one."""
        body = await self.call(self.path, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        objects = {
            path: {name: _plain(values) for name, values in interfaces.items()}
            for path, interfaces in body[0].items()
        }
        for path, values in _with(objects, SERVICE):
            self.services.append(self._service(path, values, objects))
        if not self.services:
            raise DBusError("org.bluez.Error.Failed", "No object received")

    async def subscribe(self, path: str, wanted: bool) -> None:
        """The first central wants notifications, or the last one no longer does."""
        try:
            await self.call(path, CHARACTERISTIC, "StartNotify" if wanted else "StopNotify")
        except att.ATT_Error:
            log.warning("the application refuses notifications", extra={"path": path})

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: Any
    ) -> list[Any]:
        """Raises ATT_Error, as bluetoothd translates what the application answers."""
        message = Message(
            destination=self.owner,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        reply = await self._bus.call(message)
        if reply is None:
            raise att.ATT_Error(_UNLIKELY)
        if reply.message_type is MessageType.ERROR:
            raise att.ATT_Error(_att_error(str(reply.error_name), reply.body, member))
        return list(reply.body)

    def _service(
        self, path: str, values: dict[str, Any], objects: dict[str, Any]
    ) -> tuple[Service, dict[Any, Remote]]:
        remotes: dict[Any, Remote] = {}
        characteristics = []
        for below, found in _with(objects, CHARACTERISTIC):
            if found["Service"] != path:
                continue
            remote = self._remote(below, CHARACTERISTIC)
            descriptors = self._descriptors(below, objects, remotes)
            characteristic: Characteristic[bytes] = Characteristic(
                found["UUID"],
                _properties(found["Flags"]),
                _permissions(found["Flags"]),
                _value(remote),
                descriptors,
            )
            remotes[characteristic] = remote
            self.characteristic_at[below] = characteristic
            characteristics.append(characteristic)
        return Service(values["UUID"], characteristics, primary=values["Primary"]), remotes

    def _descriptors(
        self, path: str, objects: dict[str, Any], remotes: dict[Any, Remote]
    ) -> list[Descriptor]:
        descriptors = []
        for below, found in _with(objects, DESCRIPTOR):
            if found["Characteristic"] != path:
                continue
            remote = self._remote(below, DESCRIPTOR)
            flags = _permissions(found["Flags"])
            descriptor = Descriptor(UUID(found["UUID"]), flags, _value(remote))
            remotes[descriptor] = remote
            descriptors.append(descriptor)
        return descriptors

    def _remote(self, path: str, interface: str) -> Remote:
        async def read_at(connection: Connection, offset: int) -> bytes:
            options = self._options(connection, offset)
            (value,) = await self.call(path, interface, "ReadValue", "a{sv}", options)
            if len(value) > att_max_value():
                raise att.ATT_Error(att.ATT_INVALID_ATTRIBUTE_LENGTH_ERROR)
            return bytes(value)

        async def write_as(connection: Connection, value: bytes, how: str) -> None:
            options = self._options(connection, 0) | {"type": Variant("s", how)}
            await self.call(path, interface, "WriteValue", "aya{sv}", bytes(value), options)

        return Remote(read_at, write_as)

    def _options(self, connection: Connection, offset: int) -> dict[str, Variant]:
        options = {
            "device": Variant("o", self._device_path(connection)),
            "link": Variant("s", "LE"),
            "mtu": Variant("q", connection.att_mtu),
        }
        if offset:  # bluetoothd leaves out an offset of 0.
            options["offset"] = Variant("q", offset)
        return options


def att_max_value() -> int:
    """Longest attribute value (Vol 3, Part F, 3.2.9)."""
    return 512


def _att_error(name: str, body: list[Any], member: str) -> int:
    if name == _NOT_PERMITTED:
        return 0x03 if member == "WriteValue" else 0x02
    if name == "org.bluez.Error.Failed" and body:
        try:
            code = int(str(body[0]), 0)
        except ValueError:
            return 0x80
        return code if 0x80 <= code <= 0x9F else _UNLIKELY
    return _ATT_ERROR_OF.get(name, _UNLIKELY)


def _value(remote: Remote) -> att.AttributeValue[bytes]:
    """For what Bumble asks by itself: Read By Type, Write Request, Execute Write."""

    async def read(connection: Connection) -> bytes:
        return await remote.read_at(connection, 0)

    async def write(connection: Connection, value: bytes) -> None:
        await remote.write_as(connection, value, "request")

    return att.AttributeValue(read=read, write=write)


def _properties(flags: list[str]) -> Characteristic.Properties:
    properties = _P(0)
    for flag in flags:
        properties |= _PROPERTY_OF.get(flag, _P(0))
    return properties


def _permissions(flags: list[str]) -> att.Attribute.Permissions:
    permissions = att.Attribute.Permissions(0)
    if "read" in flags:
        permissions |= att.Attribute.READABLE
    if {"write", "write-without-response"} & set(flags):
        permissions |= att.Attribute.WRITEABLE
    return permissions


def _plain(values: dict[str, Variant]) -> dict[str, Any]:
    return {name: value.value for name, value in values.items()}


def _with(objects: dict[str, Any], interface: str) -> list[tuple[str, dict[str, Any]]]:
    return sorted((path, found[interface]) for path, found in objects.items() if interface in found)
