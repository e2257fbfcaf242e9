"""GET /api/snapshot: everything at once, as the page shows it.

The values of `model.snapshot` go out under their own names. Left out are the settings, which have
their own route, and the raw words of readings, which only a receiver needs.
"""

from collections.abc import Mapping

import msgspec

from server.api.call import JSON, Call, Nothing, Reply, encode
from server.model.bluetooth import DoorReport
from server.model.device import DeviceConfig, Identity, LinkState
from server.model.notice import Notice
from server.model.reading import ClockQuality, Reading, Value
from server.model.snapshot import (
    DeviceView,
    GatewayView,
    Refusal,
    SinkView,
    Snapshot,
    StoreView,
)
from server.model.statistics import Statistics
from server.model.wifi import WifiProgress, WifiView


class LatestReading(msgspec.Struct, frozen=True):
    """The last reading of a device; what it marked as unavailable is absent from `values`."""

    device: str
    taken_at_ms: int
    uptime_ms: int
    clock: ClockQuality
    values: Mapping[str, Value]


class DeviceState(msgspec.Struct, frozen=True):
    """One device; `since_ms` is when its link entered `state`, `error` is in words."""

    config: DeviceConfig
    state: LinkState
    since_ms: int
    error: str
    retry_at_ms: int | None
    identity: Identity | None
    latest: LatestReading | None
    refused: tuple[Refusal, ...]
    polls: int
    failures: int
    missed: int


class WifiNow(msgspec.Struct, frozen=True):
    """Wi-Fi in short; `message` says how it is, or why there is none. GET /api/wifi lists more."""

    available: bool
    message: str
    connected: str | None
    progress: WifiProgress


class Door(msgspec.Struct, frozen=True):
    """The phone's door; `service` is null while no Bluetooth service reports."""

    number: int
    open: bool
    window_s: float
    legacy_apps: bool
    service: DoorReport | None


class GatewaySnapshot(msgspec.Struct, frozen=True):
    """The gateway at `at_ms`; `version` rises with each snapshot."""

    version: int
    at_ms: int
    gateway: GatewayView
    devices: tuple[DeviceState, ...]
    sinks: tuple[SinkView, ...]
    store: StoreView
    engine: Statistics
    notices: tuple[Notice, ...]
    wifi: WifiNow
    bluetooth: Door


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The whole snapshot."""
    return Reply(200, call.context.live.snapshot_json(call.snapshot), JSON)


def stream(call: Call[Nothing, Nothing]) -> Reply:
    """The same, again at each change, as server-sent events."""
    return Reply(200, call.context.live.open_feed(call.asker.still_may), EVENTS)


EVENTS = ((b"content-type", b"text/event-stream"), *JSON[1:], (b"x-accel-buffering", b"no"))


def render(snapshot: Snapshot) -> bytes:
    """The JSON of one snapshot."""
    view = GatewaySnapshot(
        version=snapshot.version,
        at_ms=snapshot.at_ms,
        gateway=snapshot.gateway,
        devices=tuple(_device(each) for each in snapshot.devices),
        sinks=snapshot.sinks,
        store=snapshot.store,
        engine=snapshot.engine,
        notices=snapshot.notices,
        wifi=_wifi(snapshot.wifi),
        bluetooth=_door(snapshot),
    )
    return encode(view)


def _wifi(view: WifiView) -> WifiNow:
    state = view.state
    return WifiNow(state.available, state.message, state.connected, view.progress)


def _door(snapshot: Snapshot) -> Door:
    door, settings = snapshot.door, snapshot.configuration.bluetooth
    return Door(door.number, door.open, settings.window_s, settings.legacy_apps, door.report)


def _device(view: DeviceView) -> DeviceState:
    return DeviceState(
        config=view.config.masked,
        state=view.state,
        since_ms=view.since_ms,
        error=view.error,
        retry_at_ms=view.retry_at_ms,
        identity=view.identity,
        latest=_latest(view.latest),
        refused=view.refused,
        polls=view.polls,
        failures=view.failures,
        missed=view.missed,
    )


def _latest(reading: Reading | None) -> LatestReading | None:
    if reading is None:
        return None
    return LatestReading(
        device=reading.device,
        taken_at_ms=reading.taken_at_ms,
        uptime_ms=reading.uptime_ms,
        clock=reading.clock,
        values=reading.values,
    )
