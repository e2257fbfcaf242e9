"""The GATT application that bluetoothd is shown: its object tree, and what it answers to a call.

Owns the snapshots. Rules:

- A value is asked for once per read: at offset 0, per central and characteristic. Every later part
  of a long read (Read Blob) comes out of that snapshot, whatever the value has become since.
- bluetoothd cuts what it is given to the connection's MTU; it is given everything from the offset.
- A long write arrives whole: bluetoothd joins its parts.
- What `Values` raises beyond Refused is a fault of ours. The central is told 0x0E, the log has it
  once until that characteristic works again, and everything else goes on.

Knows no bus: calls come in as values. Source: BlueZ 5.66, doc/gatt-api.txt.
"""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from dbus_fast import Variant

from bluetooth.bluez import words
from bluetooth.bluez.bus import DbusRefused, Heard, Reply
from bluetooth.errors import Refused
from bluetooth.gatt import MAX_VALUE_BYTES, AttError, Characteristic, Service
from bluetooth.ports import Values

log = logging.getLogger(__name__)

ROOT = "/org/egret/gatt"
"""Where the application lies on our connection; nobody else sees it."""

MAX_CLIENTS = 16
"""Centrals for which snapshots are kept, the longest silent forgotten first. A Bluetooth adapter
holds fewer connections than that; what is more has left without our being told."""

Properties = dict[str, Variant]
Objects = dict[str, dict[str, Properties]]


class Application:
    """Serves `services` out of `values`. Raises ValueError if a UUID is there twice."""

    def __init__(self, services: Sequence[Service], values: Values) -> None:
        self.values = values
        self.objects: Objects = {}
        self._path_of: dict[str, str] = {}
        self._served: dict[str, Characteristic] = {}
        self._described: dict[str, bytes] = {}
        self._snapshots: OrderedDict[str, dict[str, bytes]] = OrderedDict()
        self._failing: set[str] = set()
        for number, service in enumerate(services):
            self._add(f"{ROOT}/service{number:02d}", service)

    def path_of(self, uuid: str) -> str | None:
        """The object path of a characteristic; None if it is not served."""
        return self._path_of.get(uuid)

    def clients(self) -> tuple[str, ...]:
        """Who has asked for anything since they connected."""
        return tuple(self._snapshots)

    def left(self, client: str) -> None:
        """Forget a central, and tell `values` if it had asked for anything."""
        if self._snapshots.pop(client, None) is None:
            return
        try:
            self.values.left(client)
        except Exception:  # A fault of ours must not end the service.
            log.exception("could not forget a central")

    def answer(self, heard: Heard) -> Reply | None:
        """Answer a call; None if it is not for this application. Raises DbusRefused."""
        if heard.path == ROOT and heard.interface == words.OBJECT_MANAGER:
            return Reply("a{oa{sa{sv}}}", (self.objects,))
        if heard.path not in self.objects:
            return None
        if heard.interface == words.PROPERTIES:
            return property_reply(self.objects[heard.path], heard)
        if heard.interface == words.DESCRIPTOR and heard.member == "ReadValue":
            return Reply("ay", (_from(self._described[heard.path], _option(heard, 0, "offset")),))
        if heard.interface == words.CHARACTERISTIC:
            return self._answer_characteristic(heard)
        return None

    def _answer_characteristic(self, heard: Heard) -> Reply | None:
        served = self._served[heard.path]
        match heard.member:
            case "ReadValue":
                client = str(_option(heard, 0, "device") or "")
                return Reply("ay", (self._read(served.uuid, client, _option(heard, 0, "offset")),))
            case "WriteValue":
                self._write(served.uuid, heard)
                return Reply()
            # Who gets a notification is bluetoothd's business: it keeps each central's choice.
            case "StartNotify" | "StopNotify" | "Confirm":
                return Reply()
        return None

    def _read(self, uuid: str, client: str, offset: Any) -> bytes:
        kept = self._snapshots_of(client)
        if not offset or uuid not in kept:
            kept[uuid] = self._ask(uuid, client)
        return _from(kept[uuid], offset)

    def _ask(self, uuid: str, client: str) -> bytes:
        try:
            value = bytes(self.values.read(client, uuid))
            if len(value) > MAX_VALUE_BYTES:
                raise ValueError(f"{len(value)} bytes are more than an attribute may have")
        except Exception as error:
            raise self._refusal(uuid, error) from error
        self._failing.discard(uuid)
        return value

    def _write(self, uuid: str, heard: Heard) -> None:
        if _option(heard, 1, "prepare-authorize"):
            return  # A question whether a long write may begin; the write itself is judged.
        value = bytes(heard.body[0])
        if _option(heard, 1, "offset"):
            raise DbusRefused(words.ERROR_OF[AttError.INVALID_OFFSET], "write the value whole")
        if len(value) > MAX_VALUE_BYTES:
            raise DbusRefused(words.ERROR_OF[AttError.INVALID_VALUE_LENGTH], "at most 512 bytes")
        client = str(_option(heard, 1, "device") or "")
        self._snapshots_of(client)
        try:
            self.values.write(client, uuid, value)
        except Exception as error:
            raise self._refusal(uuid, error) from error
        self._failing.discard(uuid)

    def _refusal(self, uuid: str, error: Exception) -> DbusRefused:
        if isinstance(error, Refused):
            return DbusRefused(words.ERROR_OF.get(error.code, words.UNLIKELY), error.text)
        if uuid not in self._failing:
            self._failing.add(uuid)
            log.error("a characteristic fails", extra={"uuid": uuid}, exc_info=error)
        return DbusRefused(words.UNLIKELY, "an error of the service; its log says more")

    def _snapshots_of(self, client: str) -> dict[str, bytes]:
        kept = self._snapshots.setdefault(client, {})
        self._snapshots.move_to_end(client)
        while len(self._snapshots) > MAX_CLIENTS:
            self.left(next(iter(self._snapshots)))
        return kept

    def _add(self, path: str, service: Service) -> None:
        self.objects[path] = {
            words.SERVICE: {"UUID": Variant("s", service.uuid), "Primary": Variant("b", True)}
        }
        for number, served in enumerate(service.characteristics):
            if served.uuid in self._path_of:
                raise ValueError(f"characteristic {served.uuid} is there twice")
            self._add_characteristic(f"{path}/char{number:02d}", path, served)

    def _add_characteristic(self, path: str, service_path: str, served: Characteristic) -> None:
        self.objects[path] = {
            words.CHARACTERISTIC: {
                "UUID": Variant("s", served.uuid),
                "Service": Variant("o", service_path),
                "Flags": Variant("as", sorted(served.properties)),
            }
        }
        self._path_of[served.uuid] = path
        self._served[path] = served
        if not served.name:
            return
        self.objects[f"{path}/name"] = {
            words.DESCRIPTOR: {
                "UUID": Variant("s", words.USER_DESCRIPTION),
                "Characteristic": Variant("o", path),
                "Flags": Variant("as", ["read"]),
            }
        }
        self._described[f"{path}/name"] = served.name.encode()[:MAX_VALUE_BYTES]


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


def _option(heard: Heard, place: int, name: str) -> Any:
    """An entry of the options that come with a call, without its type; None if it is not there."""
    options = heard.body[place] if len(heard.body) > place else {}
    entry = options.get(name)
    return entry.value if isinstance(entry, Variant) else entry


def _from(value: bytes, offset: Any) -> bytes:
    start = int(offset or 0)
    if start > len(value):
        raise DbusRefused(words.ERROR_OF[AttError.INVALID_OFFSET], "the value is shorter")
    return value[start:]
