"""GET readings: the latest values of all devices, with their units."""

import msgspec

from server.api.call import Call, Nothing, Reply, answer
from server.model.device import LinkState
from server.model.quantity import QUANTITIES
from server.model.reading import ClockQuality, Value
from server.model.snapshot import DeviceView


class Measured(msgspec.Struct, frozen=True):
    """One value. `unit` is empty for words and codes."""

    value: Value
    unit: str


class DeviceReadings(msgspec.Struct, frozen=True):
    """The last reading of one device; `taken_at_ms` is null when there is none yet.

    What the device marks as unavailable is absent from `values`. `state` says whether the device
    answers now: values of one that does not are old.
    """

    device: str
    name: str
    profile: str
    model: str
    state: LinkState
    taken_at_ms: int | None
    clock: ClockQuality | None
    values: dict[str, Measured]


class Readings(msgspec.Struct, frozen=True):
    """The readings of all devices as known at `at_ms`."""

    at_ms: int
    devices: tuple[DeviceReadings, ...]


def show(call: Call[Nothing, Nothing]) -> Reply:
    """All latest readings."""
    snapshot = call.snapshot
    return answer(Readings(snapshot.at_ms, tuple(_device(each) for each in snapshot.devices)))


def _device(view: DeviceView) -> DeviceReadings:
    config, latest, identity = view.config, view.latest, view.identity
    return DeviceReadings(
        device=config.device_id,
        name=config.name,
        profile=config.profile,
        model=identity.model if identity is not None else config.model,
        state=view.state,
        taken_at_ms=latest.taken_at_ms if latest is not None else None,
        clock=latest.clock if latest is not None else None,
        values={
            name: Measured(value, QUANTITIES[name].unit if name in QUANTITIES else "")
            for name, value in (latest.values.items() if latest is not None else ())
        },
    )
