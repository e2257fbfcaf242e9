"""Every setting, its default and its meaning. `settings.py` reads, checks and writes them."""

from dataclasses import dataclass, field

from server.model.device import DeviceConfig

CONFIGURATION_VERSION = 1


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Where the API and the page listen, and whom they let in."""

    host: str = "127.0.0.1"
    """The address to listen on; 0.0.0.0 is every address of the box."""
    port: int = 8080
    """The TCP port; 0 takes a free one, which is printed at start."""
    access: str = "auto"
    """`protected`: the owner and whoever has a token; `open`: everybody who reaches it, refused on
    a public address; `auto`: open on loopback, protected on a network. Counts from the next
    start."""
    live_readings: bool = False
    """True lets everybody who reaches a protected box read its latest values, and nothing else."""
    tls: str = "auto"
    """`on`: there is a TLS door beside the plain one; `off`: there is none; `auto`: there is one
    unless the API listens on loopback only. This and the following count from the next start."""
    tls_port: int = 8443
    """The TCP port of the TLS door, at the same address; 0 takes a free one."""
    tls_certificate: str = ""
    """A file with the owner's certificate and its chain, in PEM; empty: the box signs its own."""
    tls_key: str = ""
    """The file with its key, in PEM, without a password."""
    plain_http: bool = False
    """True lets a protected box take passwords and tokens over a network unencrypted, as behind a
    proxy that encrypts; else page and secrets go through the TLS door."""
    announce: bool = True
    """False keeps the box from telling the network, by multicast DNS, that it is there."""


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """How readings are kept."""

    commit_interval_s: float = 1.0
    """Seconds between group commits: what a power cut can cost, and how often the disk works."""
    max_bytes: int = 2 * 1024**3
    """Largest size of the database; the oldest records go first."""
    max_age_days: float = 730.0
    """Oldest record kept."""
    min_free_bytes: int = 256 * 1024**2
    """Free space left to the rest of the machine."""
    ballast_bytes: int = 8 * 1024**2
    """A file given up when the disk is full, so that pruning has room to work."""


@dataclass(frozen=True, slots=True)
class HarvestConfig:
    """The signed delivery: every endpoint is a sink of its own, with a cursor of its own."""

    endpoints: tuple[str, ...] = ()
    """Where signed readings are posted to; each is a delivery of its own."""
    interval_s: float = 10.0
    """Seconds between batches."""
    batch_records: int = 500
    """Most records of one request; a 413 halves it for a while."""
    timeout_s: float = 10.0
    """Seconds for connecting, and again for the answer."""
    history: bool = False
    """True: a new endpoint also gets what was stored before it was configured."""


@dataclass(frozen=True, slots=True)
class ControlConfig:
    """What may be written to devices."""

    raw_writes: bool = False
    """True lets POST /api/inverter/modbus write any register: only for experiments."""


@dataclass(frozen=True, slots=True)
class BluetoothConfig:
    """The phone's door."""

    legacy_apps: bool = True
    """Lets phone apps without the label's secret in while the owner holds the door open: what they
    send can then be read and changed by anybody in radio range."""
    window_s: float = 180.0
    """Seconds that the door stays open once the owner opens it."""


@dataclass(frozen=True, slots=True)
class LogConfig:
    """What is logged."""

    level: str = "INFO"
    """The least important thing that is logged."""


@dataclass(frozen=True, slots=True)
class ClockConfig:
    """Whether the wall clock is believed."""

    trust: str = "system"
    """`system`: ask the operating system; `always`: it is right (a laptop, a test)."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """All settings of one gateway, as `DATA/settings.json` holds them."""

    version: int = CONFIGURATION_VERSION
    name: str = ""
    """What the box is called on its page."""
    api: ApiConfig = field(default_factory=ApiConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    harvest: HarvestConfig = field(default_factory=HarvestConfig)
    control: ControlConfig = field(default_factory=ControlConfig)
    bluetooth: BluetoothConfig = field(default_factory=BluetoothConfig)
    log: LogConfig = field(default_factory=LogConfig)
    clock: ClockConfig = field(default_factory=ClockConfig)
    devices: tuple[DeviceConfig, ...] = ()
    """What is read; see below."""
