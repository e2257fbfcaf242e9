"""What a newer version wrote into the settings and this one does not know: kept, and not used.

A box that goes back by one release must not lose what the newer one was told. The file's version
says that it is newer; then keys that are no setting here, values and devices that are refused here
and what a device has beyond our keys are set apart, and put back when the file is written.
Knows documents alone, no file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from server.model.configuration import CONFIGURATION_VERSION
from server.model.setting import DEVICE, ENDPOINT, SECTIONS, SETTINGS, Device
from server.model.setting_rule import ListOf

Document = dict[str, Any]
Place = tuple[str, ...]

NOTHING: Mapping[Any, Any] = MappingProxyType({})

MAX_NAMED = 10
"""Names told in the sentence about what is kept; the rest are counted."""

_DEVICES = ("devices",)


@dataclass(frozen=True, slots=True)
class Unknown:
    """What was set apart. Empty, with the version of this program, when the file is ours."""

    version: int = CONFIGURATION_VERSION
    values: Mapping[Place, Any] = field(default_factory=lambda: NOTHING)
    """Whole values by place, ("api", "tls")."""
    items: Mapping[Place, tuple[Any, ...]] = field(default_factory=lambda: NOTHING)
    """Items of lists that are refused here, by the list's place."""
    extras: Mapping[str, Document] = field(default_factory=lambda: NOTHING)
    """By device: keys that no device has here; `endpoint` holds those of its endpoint."""

    @property
    def problem(self) -> str:
        """In words, "" when the file is ours."""
        if self.version == CONFIGURATION_VERSION:
            return ""
        names = [".".join(place) for place in self.values]
        names += [f"{len(items)} of {'.'.join(place)}" for place, items in self.items.items()]
        names += [f"{key} of {device}" for device, extra in self.extras.items() for key in extra]
        shown = [name[:100] for name in names if name.isprintable()][:MAX_NAMED]
        more = [f"{len(names) - len(shown)} more"] if len(names) > len(shown) else []
        kept = f"; kept and not used: {', '.join(shown + more)}" if names else ""
        return f"the settings of a newer Egret (version {self.version}){kept}"

    def put_back(self, nested: Document) -> Document:
        """`nested` with everything that was set apart; what is there already counts."""
        for place, value in self.values.items():
            home = nested
            for section in place[:-1]:
                home = home.setdefault(section, {})
            home.setdefault(place[-1], value)
        for place, items in self.items.items():
            home = nested
            for section in place[:-1]:
                home = home.setdefault(section, {})
            home[place[-1]] = [*home.get(place[-1], ()), *items]
        if self.extras:
            devices = nested.get("devices", ())
            nested["devices"] = [self._with_extras(device) for device in devices]
        return nested

    def _with_extras(self, device: Any) -> Any:
        extra = self.extras.get(_device_id(device))
        if not extra:
            return device
        rest = {key: value for key, value in extra.items() if key != "endpoint"}
        full = {**rest, **device}
        if "endpoint" in extra and isinstance(device.get("endpoint"), Mapping):
            full["endpoint"] = {**extra["endpoint"], **device["endpoint"]}
        return full


def set_apart(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], Unknown]:
    """A file's document without what only a newer version knows, and that; all of it if ours."""
    version = document.get("version")
    is_newer = type(version) is int and version > CONFIGURATION_VERSION
    if not is_newer:
        return document, Unknown()
    known: Document = {}
    values: dict[Place, Any] = {}
    items: dict[Place, tuple[Any, ...]] = {}
    extras: dict[str, Document] = {}
    for place, value in _places(document):
        rule = SETTINGS[".".join(place)].rule if ".".join(place) in SETTINGS else None
        if rule is None:
            values[place] = value
            continue
        if isinstance(rule, ListOf) and isinstance(value, list):
            if place == _DEVICES:
                value = [_without_extras(each, extras) for each in value]
            _, _, good = rule.salvage(value, "")
            # By identity: a doubled item is refused, and equal to the one that was taken.
            refused = [each for each in value if not any(each is one for one in good)]
            if refused:
                items[place] = tuple(refused)
            value = good
        elif not _accepts(rule.take, value):
            values[place] = value
            continue
        _put(known, place, value)
    return known, Unknown(int(version or 0), values, items, extras)


def _places(document: Mapping[str, Any]) -> list[tuple[Place, Any]]:
    found: list[tuple[Place, Any]] = []
    for key, value in document.items():
        if key in SECTIONS and isinstance(value, Mapping):
            found += [((key, inner), each) for inner, each in value.items()]
        elif key != "version":
            found.append(((key,), value))
    return found


def _put(document: Document, place: Place, value: Any) -> None:
    for section in place[:-1]:
        document = document.setdefault(section, {})
    document[place[-1]] = value


def _accepts(take: Callable[[Any, str], object], value: Any) -> bool:
    try:
        take(value, "")
    except ValueError:
        return False
    return True


def _without_extras(device: Any, extras: dict[str, Document]) -> Any:
    """A device that this version takes; what it has beyond goes into `extras`, by its id."""
    if not isinstance(device, Mapping):
        return device
    known = {key: value for key, value in device.items() if key in DEVICE or key == "endpoint"}
    extra = {key: value for key, value in device.items() if key not in known}
    endpoint = device.get("endpoint")
    if isinstance(endpoint, Mapping):
        known["endpoint"] = {key: each for key, each in endpoint.items() if key in ENDPOINT}
        if beyond := {key: each for key, each in endpoint.items() if key not in ENDPOINT}:
            extra["endpoint"] = beyond
    if not _accepts(Device().take, known):
        return device  # As it came: refused here, and put back whole.
    if extra:
        extras[_device_id(known)] = extra
    return known


def _device_id(device: Any) -> str:
    """Also of a device that is named by where it is; "" for what is none."""
    try:
        return Device().take(device, "").device_id
    except ValueError:
        return ""
