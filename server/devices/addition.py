"""What is configured when a device is added: pure functions from what was found to DeviceConfigs.

Owns the names of new devices. Refuses to know how they were found and where they are kept.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial

from server.devices.profile import Profile, find_profile
from server.errors import SettingsError
from server.model.device import DeviceConfig, Endpoint
from server.model.request import AddDevice, Found, FoundDevices

KnownSerial = Callable[[str], str]
"""Device id -> the serial that a device of this id has said it has, "" if it never did."""

DEFAULT_INTERVAL_S = 5.0
"""How often a device added by hand is read, unless told otherwise."""


def new_devices(
    known: Sequence[DeviceConfig],
    profiles: Mapping[str, Profile],
    request: AddDevice,
    found: FoundDevices | None,
    known_serial: KnownSerial = lambda device_id: "",
) -> tuple[DeviceConfig, ...]:
    """The device asked for, then what is beside and behind it and not configured yet.

    Without `found` it is added unseen. `known_serial` says which serial a device of an id has had.
    Raises SettingsError when it is configured already.
    """
    taken = frozenset(each.device_id for each in known)
    free = partial(_free_id, taken=taken, known_serial=known_serial)
    if found is None:
        place = f"{request.endpoint.host}:{request.endpoint.port}:{request.unit_id}"
        unseen = DeviceConfig(
            device_id=free(place, ""),
            name=request.name or place,
            endpoint=request.endpoint,
            unit_id=request.unit_id,
            profile=request.profile,
            interval_s=DEFAULT_INTERVAL_S if request.interval_s is None else request.interval_s,
            user=request.account.user,
            password=request.account.password,
        )
        return (_refused_if_known(unseen, known),)
    configs: list[DeviceConfig] = []
    for number, each in enumerate(found.devices):
        parent = configs[each.behind] if each.behind is not None else None
        configs.append(_config(each, request, "" if number else request.name, parent, free))
    main = _refused_if_known(configs[0], known)
    main = replace(main, parent=_parent_among(known, profiles, main))
    return (main, *(each for each in configs[1:] if _same(each, known) is None))


def _same(config: DeviceConfig, known: Sequence[DeviceConfig]) -> DeviceConfig | None:
    """The configured device that has this place or this serial."""
    for each in known:
        same_place = (each.endpoint, each.unit_id) == (config.endpoint, config.unit_id)
        if same_place or (config.serial and config.serial in (each.serial, each.device_id)):
            return each
    return None


def _refused_if_known(config: DeviceConfig, known: Sequence[DeviceConfig]) -> DeviceConfig:
    same = _same(config, known)
    if same is not None:
        at = f"{same.endpoint.host}, port {same.endpoint.port}, unit {same.unit_id}"
        name = same.name or same.device_id
        raise SettingsError(f"{name} is configured already, at {at}: remove it first")
    return config


def _free_id(wanted: str, serial: str, *, taken: Set[str], known_serial: KnownSerial) -> str:
    """An id for a new device: printable, and never one under which another one was known.

    Readings and curves go by the id; those of two machines must not be joined.
    """
    plain = re.sub(r"[^A-Za-z0-9._:\[\]-]+", "_", wanted)
    device_id, number = plain, 1
    while device_id in taken or known_serial(device_id) not in ("", serial):
        number += 1
        device_id = f"{plain}-{number}"
    return device_id


def _parent_among(
    known: Sequence[DeviceConfig], profiles: Mapping[str, Profile], config: DeviceConfig
) -> str:
    """The id of a configured device behind which one like this sits, at the same endpoint."""
    for each in known:
        profile = find_profile(profiles, each.profile)
        children = profile.children if profile else ()
        if each.endpoint == config.endpoint and config.profile in [c.profile for c in children]:
            return each.device_id
    return ""


def _config(
    found: Found,
    request: AddDevice,
    name: str,
    parent: DeviceConfig | None,
    free: Callable[[str, str], str],
) -> DeviceConfig:
    identity, endpoint = found.identity, found.endpoint
    place = _place(endpoint, found.unit_id)
    named = f"{parent.name} {found.name}".strip() if parent else identity.model
    return DeviceConfig(
        device_id=free(identity.serial or place, identity.serial),
        name=name or named or identity.serial or place,
        endpoint=endpoint,
        unit_id=found.unit_id,
        profile=identity.profile,
        interval_s=DEFAULT_INTERVAL_S if request.interval_s is None else request.interval_s,
        serial=identity.serial,
        model=identity.model,
        parent=parent.device_id if parent else "",
        user=request.account.user,
        password=request.account.password,
    )


def _place(endpoint: Endpoint, unit_id: int) -> str:
    return f"{endpoint.host}:{endpoint.port}:{unit_id}"
