"""GET and POST settings: all settings in one object, changed in part.

Devices are shown the way the contract has them and are changed through /api/device, where a change
can be checked against the device itself.
"""

from operator import attrgetter
from typing import Any

import msgspec

from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer, encode
from server.api.device import Connection, connection_of
from server.api.refusals import BadRequest
from server.model.access import Protection
from server.model.configuration import (
    ApiConfig,
    BluetoothConfig,
    ClockConfig,
    Configuration,
    ControlConfig,
    HarvestConfig,
    LogConfig,
    StoreConfig,
)
from server.model.request import ChangeSettings
from server.model.setting import SETTINGS

MAX_SETTINGS_BODY_BYTES = 1024 * 1024
"""All settings are read, changed and sent back as a whole: a gateway's most devices with long
names, printed for a person, are some 600 kB."""

OWNERS_SECTIONS = ("api", "control")
"""Sections that no token changes: a program must not be able to let itself do more."""

_OTHERS = {"": ("id", "version"), "api": ("gql_endpoint", "gql_timeout", "ws_endpoint")}
"""Keys that earlier clients send back and that nothing here depends on."""


class Devices(msgspec.Struct, frozen=True):
    """The configured devices."""

    connections: tuple[Connection, ...]


class Settings(msgspec.Struct, frozen=True):
    """All settings."""

    version: int
    name: str
    api: ApiConfig
    store: StoreConfig
    harvest: HarvestConfig
    control: ControlConfig
    bluetooth: BluetoothConfig
    log: LogConfig
    clock: ClockConfig
    devices: Devices


class SettingsAnswer(msgspec.Struct, frozen=True):
    """All settings under one key."""

    settings: Settings


class SettingsChanged(msgspec.Struct, frozen=True):
    """The settings as they are now, on disk."""

    success: bool
    settings: Settings


def show(call: Call[Nothing, Nothing]) -> Reply:
    """All settings."""
    return answer(SettingsAnswer(shown(call.snapshot.configuration)))


async def change(call: Call[Nothing, dict[str, Any]]) -> Reply:
    """Change those that are given, in the shape of GET, with or without `settings` around."""
    current = call.snapshot.configuration
    changes = changes_of(call.body, current)
    if (
        not call.asker.caller.owner
        and call.context.services.exposure.protection is not Protection.OPEN
    ):
        check_left_alone(changes, current)
    changed = await ask(call.context.desk, ChangeSettings(changes))
    assert isinstance(changed, Configuration)
    return answer(SettingsChanged(True, shown(changed)), about=changed_paths(current, changed))


def changes_of(body: dict[str, Any], current: Configuration) -> dict[str, Any]:
    """What is to be merged; raises BadRequest for what cannot be changed here."""
    inner = body.get("settings", body)
    if not isinstance(inner, dict):
        raise BadRequest("settings: must be an object, as GET /api/settings shows it")
    changes = {key: value for key, value in inner.items() if key not in _OTHERS[""]}
    if isinstance(changes.get("api"), dict):
        changes["api"] = {k: v for k, v in changes["api"].items() if k not in _OTHERS["api"]}
    if "devices" in changes:
        stored = msgspec.json.decode(encode(_devices(current)))
        if changes.pop("devices") != stored:
            raise BadRequest("devices: add and remove them through /api/device")
    if not changes:
        raise BadRequest("settings: give at least one to change, as GET /api/settings shows them")
    return changes


def changed_paths(before: Configuration, after: Configuration) -> tuple[str, ...]:
    """The settings that differ, by their paths; no value."""
    return tuple(path for path in SETTINGS if _at(before, path) != _at(after, path))


def _at(configuration: Configuration, path: str) -> Any:
    return attrgetter(path)(configuration)


def check_left_alone(changes: dict[str, Any], current: Configuration) -> None:
    """Raise PermissionError where a program would change who may enter, or what may be written."""
    for section in OWNERS_SECTIONS:
        wanted, kept = changes.get(section), getattr(current, section)
        if not isinstance(wanted, dict):
            continue  # Refused later, as any wrong shape.
        for key, value in wanted.items():
            if value is None or value != getattr(kept, key, None):
                raise PermissionError(f"{section}.{key}: only the owner may change this")


def shown(configuration: Configuration) -> Settings:
    """The settings as they go out."""
    return Settings(
        version=configuration.version,
        name=configuration.name,
        api=configuration.api,
        store=configuration.store,
        harvest=configuration.harvest,
        control=configuration.control,
        bluetooth=configuration.bluetooth,
        log=configuration.log,
        clock=configuration.clock,
        devices=_devices(configuration),
    )


def _devices(configuration: Configuration) -> Devices:
    return Devices(tuple(connection_of(each) for each in configuration.devices))
