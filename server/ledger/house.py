"""Everything that the engine thread owns, in one place for the tasks.

A House holds references, no behaviour of its own but arithmetic on its clock: what happens is
in the tasks, and what moves is in the owners (plant, buffer, delivery, notices, disk).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from server.devices.plant import Moment, OpenTransport, Plant
from server.devices.profile import Profile
from server.engine.modes import Facts, Mode
from server.engine.task import Submission
from server.ledger.audit import AuditLedger
from server.ledger.buffer import Buffer
from server.ledger.delivery import Delivery
from server.ledger.disk import Disk
from server.ledger.door import DoorLedger
from server.ledger.entry import Entry
from server.ledger.notices import NoticeBoard
from server.ledger.trial import Trial, proven
from server.ledger.wifi import WifiLedger
from server.model.access import Book, Password
from server.model.configuration import Configuration
from server.ports import (
    AuditKeeper,
    Clock,
    EntryKeeper,
    RecordReader,
    ReleaseKeeper,
    SinkSetup,
    Store,
    Transport,
    Wifi,
)
from server.settings import Settings

SNAPSHOT_EVERY_S = 1.0
"""How old the page, and the mode, may be at most."""

DATABASE_LANE = "database"
HISTORY_LANE = "history"
FILES_LANE = "files"
WIFI_LANE = "wifi"
ENTRY_LANE = "entry"
"""Where passwords are digested: one at a time, whatever comes."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """What who may enter is judged and kept with."""

    keeper: EntryKeeper
    digested: Callable[[str], Password]
    """A password as it is kept; takes a tenth of a second."""
    is_right: Callable[[str, Password], bool]
    """Whether a text is the password that is kept; takes as long."""
    claims: Callable[[str, bool], bool]
    """Whether a text claims the box; the second tells whether it has an owner already."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """What the tasks reach the world with."""

    store: Store
    open_reader: Callable[[], RecordReader]
    open_transport: OpenTransport
    sinks_of: Callable[[Configuration], Mapping[str, SinkSetup]]
    profiles: Mapping[str, Profile]
    forget_host: Callable[[str], None] = lambda host: None
    """Drops what was learned of a host whose last device was removed; may write a file."""
    wifi: Wifi | None = None
    """The box's Wi-Fi; None where the machine around us looks after it."""
    entrance: Entrance | None = None
    """None where nobody can become the owner."""
    audit: AuditKeeper | None = None
    """None where nobody keeps who changed what."""
    releases: ReleaseKeeper | None = None
    """None where nobody keeps which version is on trial."""


class Waiting(Protocol):
    """A search under way, as another one for the same host sees it."""

    def give_way(self, following: Callable[[float], tuple[Submission, ...]]) -> None:
        """End soon, and begin `following` then."""
        ...


@dataclass(slots=True)
class House:
    """See the module's docstring. `started` is the monotonic second at which uptime was zero."""

    clock: Clock
    draw: Callable[[], float]
    """A uniform draw in [0, 1), from the one seeded source."""
    adapters: Adapters
    settings: Settings
    plant: Plant
    buffer: Buffer
    delivery: Delivery
    notices: NoticeBoard
    disk: Disk
    started: float
    epoch_ms: int | None = None
    """The UTC time at which uptime was zero, once a synchronised clock has told it."""
    facts: Facts = field(default_factory=lambda: Facts(starting=True))
    mode: Mode = Mode.STARTING
    mode_since_ms: int = 0
    mode_changes: int = 0
    snapshot_every_s: float = SNAPSHOT_EVERY_S
    published_at: float = float("-inf")
    """Monotonic second of the last snapshot."""
    publish: Callable[[float], None] = lambda now: None
    """Reviews the mode and publishes a new snapshot; set by whoever serves them."""
    committed: Callable[[float], None] = lambda now: None
    """Told of every commit; publishes at once when somebody watches."""
    saving: bool = False
    """A change of the settings is on its way to disk; one at a time, so none is lost."""
    searches: dict[str, "Waiting"] = field(default_factory=dict)
    """Hosts that are being looked at: one search a host, because many devices take one client."""
    guests: dict[str, Transport] = field(default_factory=dict)
    """What searches have connected to, by lane; given back with the devices' when it stops."""
    wifi: WifiLedger = field(default_factory=WifiLedger)
    door: DoorLedger = field(default_factory=DoorLedger)
    entry: Entry = field(default_factory=lambda: Entry(Book()))
    audit: AuditLedger = field(default_factory=AuditLedger)
    trial: Trial = field(default_factory=lambda: proven("1"))
    give_up: Callable[[], None] = lambda: None
    """Ends the process for a version that failed its trial; set by whoever runs the loop."""
    reconfigured: Callable[[float], tuple[Submission, ...]] = lambda now: ()
    """Brings devices and sinks in line with the settings; set by the gateway."""
    begun_with: Configuration = field(init=False)
    """The settings at start, by which everything runs that is built once."""

    def __post_init__(self) -> None:
        self.begun_with = self.settings.configuration

    @property
    def configuration(self) -> Configuration:
        """The settings that count now."""
        return self.settings.configuration

    def uptime_ms(self, now: float) -> int:
        """Milliseconds since the process started."""
        return round((now - self.started) * 1000)

    def moment(self) -> Moment:
        """The three clocks of a reading, now. Safe on any thread."""
        clock = self.clock
        return Moment(clock.utc_ms(), self.uptime_ms(clock.monotonic()), clock.quality())
