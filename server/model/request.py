"""What may be asked of the gateway from outside, as values.

The API (and later BLE and MQTT) hands one of these to the engine through the inbox and gets an
answer: a value named in the docstring, or an error of `server.errors`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.model.audit import AuditRange
from server.model.access import Scope, Token
from server.model.bluetooth import DoorReport
from server.model.device import Account, Endpoint, Identity, Space


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask an address what it is. Answer: FoundDevices; raises UnsupportedDevice, Retry.

    `endpoint` and `unit_id` are tried first; `ways` and `units` are all that may be tried, where
    there is a choice. What sits behind the device is looked for with `children`.
    """

    endpoint: Endpoint
    unit_id: int
    ways: tuple[Endpoint, ...] = ()
    units: tuple[int, ...] = ()
    children: bool = True
    account: Account = Account()


@dataclass(frozen=True, slots=True)
class Found:
    """One device that answered. `behind` is the place of its parent in the list, None for none."""

    identity: Identity
    endpoint: Endpoint
    unit_id: int
    name: str = ""
    """What it is called beside its parent's name: "battery"."""
    behind: int | None = None


@dataclass(frozen=True, slots=True)
class FoundDevices:
    """The answer to Probe: the device asked for comes first. `progress` is what was done."""

    devices: tuple[Found, ...]
    progress: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddDevice:
    """Configure a device. Answer: the DeviceConfig as stored.

    With profile `auto` it is probed first, as with Probe, and what sits behind it is added along
    with it; with a named profile it is stored as given and connected to in its own time, so that a
    device that sleeps can be added at night.
    """

    endpoint: Endpoint
    unit_id: int
    profile: str
    name: str = ""
    interval_s: float | None = None
    ways: tuple[Endpoint, ...] = ()
    units: tuple[int, ...] = ()
    children: bool = True
    account: Account = Account()


@dataclass(frozen=True, slots=True)
class RemoveDevice:
    """Forget a device and those behind it; their readings stay.

    Answer: the DeviceConfig removed; KeyError if none.
    """

    device_id: str


@dataclass(frozen=True, slots=True)
class ReadRegisters:
    """Read words, once, on the device's lane. Answer: tuple of `count` words."""

    device_id: str
    space: Space
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class WriteStep:
    """Words to write from wire `address` on."""

    address: int
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PauseStep:
    """Milliseconds to wait between writes."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class WriteRegisters:
    """Raw writes; raises PermissionError unless `control.raw_writes` is on. Answer: None."""

    device_id: str
    steps: tuple[WriteStep | PauseStep, ...]


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """Merge `changes` (nested, as in settings.json) into the settings. Answer: Configuration.

    Raises SettingsError naming the key. What can only change at a restart is said in a notice.
    """

    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DismissNotice:
    """Remove a notice. Answer: the Notice removed; KeyError if there is none."""

    notice_id: int


@dataclass(frozen=True, slots=True)
class QueryHistory:
    """A quantity over a range. Answer: History."""

    device_id: str
    quantity: str
    from_ms: int
    to_ms: int
    points: int


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a curve: `at_ms` is the start of its interval; absent intervals are absent."""

    at_ms: int
    mean: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class History:
    """The answer to QueryHistory; `step_ms` is the width of one interval."""

    device_id: str
    quantity: str
    unit: str
    step_ms: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class JoinWifi:
    """Join a network. Answer: WifiJoined; without `wait` None, as soon as it has begun.

    Raises WifiRefused, WifiUnanswered, WifiUnavailable, Busy while another one is being joined.
    """

    ssid: str
    psk: str = field(default="", repr=False)
    hidden: bool = False
    """True: the network does not say its name, so it is asked for although no scan shows it."""
    wait: bool = True


@dataclass(frozen=True, slots=True)
class ScanWifi:
    """Look for networks. Answer: WifiState; soon after another scan, what that one found."""


@dataclass(frozen=True, slots=True)
class ForgetWifi:
    """Remove what is stored for a network. Answer: how many; KeyError if there is nothing."""

    ssid: str


@dataclass(frozen=True, slots=True)
class AskDoor:
    """The owner opens or closes the phone's door. Answer: DoorView."""

    open: bool


@dataclass(frozen=True, slots=True)
class ReportDoor:
    """The Bluetooth service says how it is. Answer: DoorView."""

    report: DoorReport


@dataclass(frozen=True, slots=True)
class ClaimBox:
    """Become the owner with what the box shows only to who stands beside it. Answer: LoggedIn.

    `source` is the address of who asks. Every session ends, and every token too unless
    `keep_tokens`. Raises NotLetIn, TooManyTries, SettingsError, Busy.
    """

    secret: str = field(repr=False)
    password: str = field(repr=False)
    source: str
    keep_tokens: bool = False


@dataclass(frozen=True, slots=True)
class LogIn:
    """The owner enters. Answer: LoggedIn; raises NotLetIn, TooManyTries, Busy."""

    password: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class LogOut:
    """End the session of this cookie; nothing happens if there is none. Answer: None."""

    session: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Another password; every session ends. Answer: LoggedIn, the only session from then on.

    Raises as ClaimBox does.
    """

    old: str = field(repr=False)
    new: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class MakeToken:
    """A way in for a program. Answer: IssuedToken; raises SettingsError, Busy."""

    name: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """Take it back. Answer: None; KeyError if there is none, SettingsError, Busy."""

    token_id: str


@dataclass(frozen=True, slots=True)
class QueryAudit:
    """Who changed what. Answer: AuditEntry values, the newest first; raises SettingsError."""

    wanted: AuditRange


@dataclass(frozen=True, slots=True)
class ExportAudit:
    """All of that, as the bytes of a file. Raises SettingsError."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The cookie of a session that has just begun, and the seconds that it lasts."""

    session: str = field(repr=False)
    lasts_s: float


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token at the one moment at which it can be seen."""

    token: Token
    credential: str = field(repr=False)


Request = (
    Probe
    | AddDevice
    | RemoveDevice
    | ReadRegisters
    | WriteRegisters
    | ChangeSettings
    | DismissNotice
    | QueryHistory
    | JoinWifi
    | ScanWifi
    | ForgetWifi
    | AskDoor
    | ReportDoor
    | ClaimBox
    | LogIn
    | LogOut
    | ChangePassword
    | MakeToken
    | RevokeToken
    | QueryAudit
    | ExportAudit
)
