"""The GATT application that bluetoothd is shown: its object tree, and what it answers to a call.

bluetoothd cuts what it is given to the connection's MTU, so it is given everything from the offset
that it asks for; the parts of a long write it joins by itself. Who asks is in the options of each
call. Knows no bus: calls come in as values. Source: BlueZ 5.66, doc/gatt-api.txt.
"""

from collections.abc import Sequence
from typing import Any

from dbus_fast import Variant

from bluetooth.bluez import words
from bluetooth.bluez.bus import DbusRefused, Heard, Reply
from bluetooth.errors import Refused
from bluetooth.gatt import MAX_VALUE_BYTES, AttError, Characteristic, Service
from bluetooth.served_values import ServedValues

ROOT = "/org/egret/gatt"
"""Where the application lies on our connection; nobody else sees it."""

Properties = dict[str, Variant]
Objects = dict[str, dict[str, Properties]]


class Application:
    """Serves `services` out of `served`. Raises ValueError if a characteristic is there twice."""

    def __init__(self, services: Sequence[Service], served: ServedValues) -> None:
        self.objects: Objects = {}
        self._served = served
        self._path_of: dict[str, str] = {}
        self._uuid_at: dict[str, str] = {}
        self._described: dict[str, bytes] = {}
        for number, service in enumerate(services):
            self._add(f"{ROOT}/service{number:02d}", service)

    def path_of(self, uuid: str) -> str | None:
        """The object path of a characteristic; None if it is not served."""
        return self._path_of.get(uuid)

    def answer(self, heard: Heard) -> Reply | None:
        """Answer a call; None if it is not for this application. Raises DbusRefused."""
        if heard.path == ROOT and heard.interface == words.OBJECT_MANAGER:
            return Reply("a{oa{sa{sv}}}", (self.objects,))
        if heard.path not in self.objects:
            return None
        if heard.interface == words.PROPERTIES:
            return property_reply(self.objects[heard.path], heard)
        try:
            if heard.path in self._uuid_at and heard.interface == words.CHARACTERISTIC:
                return self._answer_characteristic(self._uuid_at[heard.path], heard)
            if heard.path in self._described and heard.interface == words.DESCRIPTOR:
                return self._answer_descriptor(self._described[heard.path], heard)
        except Refused as refused:
            name = words.ERROR_OF.get(refused.code, words.UNLIKELY)
            raise DbusRefused(name, refused.text) from refused
        return None

    def _answer_characteristic(self, uuid: str, heard: Heard) -> Reply | None:
        match heard.member, heard.body:
            case "ReadValue", (dict(options),):
                client, offset = _client(options), _offset(options)
                return Reply("ay", (self._served.read(client, uuid, offset),))
            case "WriteValue", (bytes(value), dict(options)):
                # A question whether a long write may begin needs no answer: the write is judged.
                if not _plain(options.get("prepare-authorize")):
                    self._served.write(_client(options), uuid, value, _offset(options))
                return Reply()
            # Who gets a notification is bluetoothd's business: it keeps each central's choice.
            case ("StartNotify" | "StopNotify" | "Confirm"), ():
                return Reply()
        return None

    def _answer_descriptor(self, value: bytes, heard: Heard) -> Reply | None:
        match heard.member, heard.body:
            case "ReadValue", (dict(options),):
                if _offset(options) > len(value):
                    raise Refused(AttError.INVALID_OFFSET, "the description is shorter")
                return Reply("ay", (value[_offset(options) :],))
        return None

    def _add(self, path: str, service: Service) -> None:
        self.objects[path] = {
            words.SERVICE: {"UUID": Variant("s", service.uuid), "Primary": Variant("b", True)}
        }
        for number, characteristic in enumerate(service.characteristics):
            if characteristic.uuid in self._path_of:
                raise ValueError(f"characteristic {characteristic.uuid} is there twice")
            self._add_characteristic(f"{path}/char{number:02d}", path, characteristic)

    def _add_characteristic(self, path: str, service: str, added: Characteristic) -> None:
        self.objects[path] = {
            words.CHARACTERISTIC: {
                "UUID": Variant("s", added.uuid),
                "Service": Variant("o", service),
                "Flags": Variant("as", sorted(str(each) for each in added.properties)),
            }
        }
        self._path_of[added.uuid] = path
        self._uuid_at[path] = added.uuid
        if added.name:
            self._describe(f"{path}/name", path, added.name)

    def _describe(self, path: str, characteristic: str, name: str) -> None:
        self.objects[path] = {
            words.DESCRIPTOR: {
                "UUID": Variant("s", words.USER_DESCRIPTION),
                "Characteristic": Variant("o", characteristic),
                "Flags": Variant("as", ["read"]),
            }
        }
        self._described[path] = name.encode()[:MAX_VALUE_BYTES]


def property_reply(interfaces: dict[str, Properties], heard: Heard) -> Reply:
    """Answer Get, GetAll or Set of org.freedesktop.DBus.Properties. Raises DbusRefused."""
    properties = interfaces.get(str(heard.body[0])) if heard.body else None
    if properties is None:
        raise DbusRefused(words.INVALID_ARGUMENTS, "no such interface here")
    match heard.member, heard.body:
        case "GetAll", (_,):
            return Reply("a{sv}", (properties,))
        case "Get", (_, str(name)) if name in properties:
            return Reply("v", (properties[name],))
        case "Get", _:
            raise DbusRefused(words.UNKNOWN_PROPERTY, "no such property")
        case "Set", _:
            raise DbusRefused(words.PROPERTY_READ_ONLY, "nothing here can be set")
    raise DbusRefused(words.UNKNOWN_METHOD, "no such method")


def _plain(option: Any) -> Any:
    return option.value if isinstance(option, Variant) else option


def _client(options: dict[str, Any]) -> str:
    return str(_plain(options.get("device")) or "")


def _offset(options: dict[str, Any]) -> int:
    return int(_plain(options.get("offset")) or 0)
