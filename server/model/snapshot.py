"""What the gateway looks like at one moment: the only thing that API reads ever see."""

from dataclasses import dataclass

from server.model.bluetooth import DoorView
from server.model.configuration import Configuration
from server.model.device import DeviceConfig, Identity, LinkState, Space
from server.model.notice import Notice
from server.model.reading import ClockQuality, Reading
from server.model.statistics import Statistics
from server.model.wifi import WifiView


@dataclass(frozen=True, slots=True)
class Refusal:
    """A register that the device refuses; it is asked for again once a day."""

    space: Space
    address: int
    count: int
    code: int
    """The Modbus exception code; 0 when the device closed the connection instead."""
    at_ms: int


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device. `since_ms` is when its link entered `state`; `error` is in words, "" if none."""

    config: DeviceConfig
    state: LinkState
    since_ms: int
    error: str
    retry_at_ms: int | None
    identity: Identity | None
    latest: Reading | None
    refused: tuple[Refusal, ...]
    polls: int
    failures: int
    missed: int


@dataclass(frozen=True, slots=True)
class SinkView:
    """One sink. `state` is `idle`, `delivering`, `retrying` or `never` (nothing sent yet)."""

    sink_id: str
    kind: str
    target: str
    state: str
    error: str
    backlog: int
    gaps: int
    last_ack_ms: int | None
    delivered: int
    dropped: int
    """Records that retention removed before this sink took them."""
    quarantined: int
    retry_at_ms: int | None


@dataclass(frozen=True, slots=True)
class StoreView:
    """The database. `accepted` is the highest sequence of this boot on disk, 0 if none."""

    state: str
    """`ok`, `full`, `failing`."""
    error: str
    accepted: int
    accepted_total: int
    buffered: int
    buffer_dropped: int
    size_bytes: int
    free_bytes: int
    oldest_ms: int | None
    last_commit_ms: int | None
    pruned: int


@dataclass(frozen=True, slots=True)
class GatewayView:
    """The box itself. `boot` is 16 hexadecimal digits."""

    name: str
    serial: str
    public_key: str
    version: str
    boot: str
    mode: str
    mode_since_ms: int
    started_at_ms: int
    uptime_ms: int
    clock: ClockQuality
    healthy: bool
    health: str
    """Why it is not healthy, in words; empty when it is."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything, at `at_ms`; `version` rises with each one published."""

    version: int
    at_ms: int
    gateway: GatewayView
    devices: tuple[DeviceView, ...]
    sinks: tuple[SinkView, ...]
    store: StoreView
    engine: Statistics
    notices: tuple[Notice, ...]
    configuration: Configuration
    wifi: WifiView = WifiView()
    door: DoorView = DoorView()
