"""GET supported, inverter/supported and device/supported/configurations: what can be connected."""

import msgspec

from server.api.addressing import AUTO, DEFAULT_UNIT_ID
from server.api.call import Call, Nothing, Reply, answer
from server.model.device import KNOWN_SCHEMES
from server.model.setting import DEFAULT_MODBUS_PORT

ASKED = ("sungrow",)
"""Types that name a maker only."""


class Family(msgspec.Struct, frozen=True):
    """One device family."""

    name: str
    title: str
    models: tuple[str, ...]


class SupportedFamilies(msgspec.Struct, frozen=True):
    """`inverters` are the device types that may be given; `devices` says what they stand for."""

    inverters: tuple[str, ...]
    devices: tuple[Family, ...]


class Key(msgspec.Struct, frozen=True):
    """One key of a connection."""

    type: str
    description: str
    required: bool
    default: str | int | bool | None = None
    choices: tuple[str, ...] = ()


class Configurations(msgspec.Struct, frozen=True):
    """Per kind of connection, the keys that POST /api/device takes."""

    TCP: dict[str, Key]


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The device families."""
    families = call.context.services.supported
    return answer(
        SupportedFamilies(
            inverters=device_types(call),
            devices=tuple(Family(each.name, each.title, each.models) for each in families),
        )
    )


def device_types(call: Call[Nothing, Nothing]) -> tuple[str, ...]:
    """The device types: every profile, and `sungrow`, which asks the device which one it is."""
    names = sorted(each.name for each in call.context.services.supported)
    return (*names, *(each for each in ASKED if each not in names))


def configurations(call: Call[Nothing, Nothing]) -> Reply:
    """What a connection needs."""
    return answer(
        Configurations(
            TCP={
                "ip": Key("string", "IP address or host name of the device", True),
                "port": Key("int", "port; with auto, found out", False, DEFAULT_MODBUS_PORT),
                "slave_id": Key(
                    "int", "Modbus unit id; with auto, found out", False, DEFAULT_UNIT_ID
                ),
                "scheme": Key(
                    "string", "the way to it; with auto, found out", False, "", KNOWN_SCHEMES
                ),
                "device_type": Key(
                    "string", "auto asks the device", False, AUTO, (AUTO, *device_types(call))
                ),
                "name": Key("string", "what you call it", False, ""),
                "battery": Key("bool", "with auto: add the battery behind it too", False, True),
                "interval_s": Key("number", "seconds between readings", False),
            }
        )
    )
