"""What is configured when a device is added: pure functions from what was found to DeviceConfigs.

Owns the names of new devices. Refuses to know how they were found and where they are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from server.devices.profile import Profile, find_profile
from server.errors import Busy
from server.model.device import DeviceConfig, Endpoint
from server.model.request import AddDevice, Found, FoundDevices

DEFAULT_INTERVAL_S = 5.0
"""How often a device added by hand is read, unless told otherwise."""


def new_devices(
    known: Sequence[DeviceConfig],
    profiles: Mapping[str, Profile],
    request: AddDevice,
    found: FoundDevices | None,
) -> tuple[DeviceConfig, ...]:
    """The device asked for, then what is beside and behind it and not configured yet.

    Without `found` it is added unseen. Raises Busy when it is configured already.
    """
    if found is None:
        place = f"{request.endpoint.host}:{request.endpoint.port}:{request.unit_id}"
        unseen = DeviceConfig(
            device_id=place,
            name=request.name or place,
            endpoint=request.endpoint,
            unit_id=request.unit_id,
            profile=request.profile,
            interval_s=request.interval_s or DEFAULT_INTERVAL_S,
        )
        return (_refused_if_known(unseen, known),)
    configs: list[DeviceConfig] = []
    for number, each in enumerate(found.devices):
        parent = configs[each.behind] if each.behind is not None else None
        configs.append(_config(each, request, "" if number else request.name, parent))
    main = _refused_if_known(configs[0], known)
    main = replace(main, parent=_parent_among(known, profiles, main))
    return (main, *(each for each in configs[1:] if _same(each, known) is None))


def _same(config: DeviceConfig, known: Sequence[DeviceConfig]) -> DeviceConfig | None:
    """The configured device that has this place or this id."""
    for each in known:
        same_place = (each.endpoint, each.unit_id) == (config.endpoint, config.unit_id)
        if same_place or each.device_id == config.device_id:
            return each
    return None


def _refused_if_known(config: DeviceConfig, known: Sequence[DeviceConfig]) -> DeviceConfig:
    same = _same(config, known)
    if same is not None:
        raise Busy(f"{same.name or same.device_id} is configured already at this address")
    return config


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
    found: Found, request: AddDevice, name: str, parent: DeviceConfig | None
) -> DeviceConfig:
    identity, endpoint = found.identity, found.endpoint
    place = _place(endpoint, found.unit_id)
    named = f"{parent.name} {found.name}".strip() if parent else identity.model
    return DeviceConfig(
        device_id=identity.serial or place,
        name=name or named or identity.serial or place,
        endpoint=endpoint,
        unit_id=found.unit_id,
        profile=identity.profile,
        interval_s=request.interval_s or DEFAULT_INTERVAL_S,
        serial=identity.serial,
        model=identity.model,
        parent=parent.device_id if parent else "",
    )


def _place(endpoint: Endpoint, unit_id: int) -> str:
    return f"{endpoint.host}:{endpoint.port}:{unit_id}"
