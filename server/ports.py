"""Every seam of the gateway, as a Protocol of one to three methods.

Units stand in the docstrings. Adapters (`transports`, `store`, `sinks`, `identity`, `host`)
implement these and never import one another; tasks and devices know only these.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol

from server.model.access import Book, EntryView
from server.model.audit import AuditEntry, AuditRange
from server.model.cursor import Cursor, Span
from server.model.delivery import Ack, Batch, Committed, Pruned, Quarantined, Retention
from server.model.device import Space
from server.model.reading import ClockQuality, Record, Stored
from server.model.release import Release
from server.model.request import History, JoinWifi, QueryHistory, Request
from server.model.snapshot import Snapshot
from server.model.wifi import WifiJoined, WifiState, WifiTold


class Clock(Protocol):
    """The only source of time."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never steps."""
        ...

    def utc_ms(self) -> int:
        """Wall-clock milliseconds since 1970, UTC; may step."""
        ...

    def quality(self) -> ClockQuality:
        """UNSYNCED or SYNCED: what the operating system says about the wall clock now."""
        ...


class RegisterReader(Protocol):
    """Reads words; one request in flight."""

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """Return exactly `count` 16-bit words from wire `address` on.

        Raises RegisterRefused (the device answered with an exception), LinkClosed (it closed
        the connection instead of answering), DeviceTimeout, DeviceUnreachable, ProtocolError.
        After any of these but RegisterRefused the connection is dropped, so that a late reply
        can never be matched to another request; the next call opens a new one.
        """
        ...


class RegisterWriter(Protocol):
    """Writes words to holding registers; raises as RegisterReader does."""

    def write(self, unit_id: int, address: int, words: Sequence[int]) -> None:
        """Write `words` from wire `address` on with function 0x10 (0x06 for one word)."""
        ...


class Session(Protocol):
    """The life of a connection."""

    def open(self) -> None:
        """Connect within the transport's time limit; raises DeviceUnreachable. Idempotent."""
        ...

    def close(self) -> None:
        """Give the connection back. Idempotent; never raises."""
        ...

    def abort(self) -> None:
        """Break a call in flight from another thread, at once. Never blocks, never raises."""
        ...


class Transport(RegisterReader, RegisterWriter, Session, Protocol):
    """One endpoint: opened, read, written, closed; owned by one lane."""


class Pins(Protocol):
    """The certificates that dongles showed first; a dongle signs its own, so nothing else can
    prove that it is still the same one. Any lane may ask."""

    def pinned(self, host: str) -> str | None:
        """The SHA-256 fingerprint of `host` in lower-case hex, None before its first use."""
        ...

    def pin(self, host: str, fingerprint: str) -> None:
        """Keep it, at its first use. Never raises."""
        ...


class Embargoes(Protocol):
    """Until when accounts are left alone, and why, over a restart. Any lane may ask."""

    def known(self, name: str) -> tuple[int, str] | None:
        """UTC milliseconds and words, be they over; None for what was never kept."""
        ...

    def keep(self, name: str, until_ms: int, words: str) -> None:
        """Keep it. Never raises."""
        ...


class Sink(Protocol):
    """One endpoint that takes records."""

    def publish(self, batch: Batch) -> Ack:
        """Deliver one device's records; return only once the endpoint has taken them all.

        Raises SinkUnavailable, BatchTooLarge, RecordsRefused. Has its own time limit.
        """
        ...

    def abort(self) -> None:
        """Break a call in flight from another thread, at once. Never blocks, never raises."""
        ...

    def close(self) -> None:
        """Give connections back. Never raises."""
        ...


class SinkSetup(Protocol):
    """One configured sink and how it wants to be fed."""

    @property
    def sink_id(self) -> str:
        """Its stable name: cursors are kept under it."""
        ...

    @property
    def kind(self) -> str:
        """Which adapter serves it: `harvest`, ..."""
        ...

    @property
    def target(self) -> str:
        """Where it goes, for people: a URL without secrets."""
        ...

    @property
    def sink(self) -> Sink:
        """The adapter."""
        ...

    @property
    def interval_s(self) -> float:
        """Seconds between batches."""
        ...

    @property
    def batch_records(self) -> int:
        """Most records of one batch."""
        ...

    @property
    def timeout_s(self) -> float:
        """Seconds that one request may wait for a connection, and again for the answer."""
        ...

    @property
    def history(self) -> bool:
        """Whether it also wants what was stored before it was configured."""
        ...


class Signer(Protocol):
    """The gateway's identity: a P-256 key that never leaves its adapter."""

    @property
    def serial(self) -> str:
        """The gateway's serial number, 18 hexadecimal digits."""
        ...

    @property
    def public_key(self) -> bytes:
        """The public point, 64 bytes: x then y, big-endian."""
        ...

    def sign(self, message: bytes) -> bytes:
        """ES256: ECDSA over SHA-256 of `message`; 64 bytes: r then s, big-endian."""
        ...


Preempted = Callable[[], bool]
"""Asked between frames: True when something more important waits for this lane."""


class RecordWriter(Protocol):
    """The one writer of the database; used on the database lane alone."""

    def commit(
        self,
        records: Sequence[Record],
        cursors: Mapping[str, Cursor],
        quarantines: Sequence[Quarantined] = (),
    ) -> Committed:
        """Put records, their aggregates, cursor moves and refusals on disk in one transaction.

        Idempotent: a record that is there already (same boot and sequence) is left alone and
        counts into no aggregate twice, so a batch may be retried unchanged. Two readings of a
        device never share a millisecond: a clash moves the later one on by the least that is
        free. Raises StoreFull, StoreUnavailable.
        """
        ...

    def prune(self, limits: Retention, now_ms: int) -> Pruned:
        """Remove one slice of the oldest records beyond the limits. Raises as commit does."""
        ...

    def correct_clock(self, boot: int, after: int, epoch_ms: int) -> int:
        """Restamp a slice of the unsynced records of `boot` beyond position `after`.

        Returns how many; call again until it is 0. In between, commits may go on.
        Each gets `epoch_ms` (the UTC time at which this boot's uptime was zero) plus its own
        uptime, and the quality `corrected`. Raises as commit does.
        """
        ...


class Quarantiner(Protocol):
    """Keeps what an endpoint refuses; the same adapter as the RecordWriter, on its lane."""

    def quarantine(self, sink_id: str, position: int, reason: str, at_ms: int) -> None:
        """Remember that `sink_id` refuses the record at `position`. Raises as commit does."""
        ...

    def forget_sink(self, sink_id: str) -> None:
        """Forget the cursor of a sink that is no longer configured. Raises as commit does."""
        ...

    def abort(self) -> None:
        """Break a statement in flight from another thread. Never blocks, never raises."""
        ...


class Memory(Protocol):
    """Small texts that survive a restart; the same adapter as the RecordWriter, on its lane."""

    def remember(self, key: str, value: bytes | str) -> None:
        """Keep `value` over what was there. Raises as commit does."""
        ...

    def recall(self, key: str) -> str | None:
        """What was last remembered, None if nothing. Raises as commit does."""
        ...


class Store(RecordWriter, Quarantiner, Memory, Protocol):
    """The writing side of the database as a whole."""


class RecordReader(Protocol):
    """A read-only connection; one per sink and one for history, each on its own lane."""

    def after(self, span: Span, limit: int) -> Sequence[Stored]:
        """At most `limit` records of `span`, by position. Raises StoreUnavailable."""
        ...

    def history(self, query: QueryHistory) -> History:
        """A curve, from the aggregates. Raises StoreUnavailable."""
        ...

    def abort(self) -> None:
        """Break a query in flight from another thread. Never blocks, never raises."""
        ...

    def close(self) -> None:
        """Give the connection back. Never raises."""
        ...


class WifiAttempt(Protocol):
    """One network being joined, step by step; used by one thread at a time."""

    def advance(self) -> WifiTold | WifiJoined:
        """Go on to what is worth telling next, or to the end; blocks meanwhile.

        Raises WifiRefused, WifiUnanswered, WifiUnavailable, and is over then; the network that
        the box was on before is back, if it is to be had.
        """
        ...

    def abort(self) -> None:
        """Break a step in flight from another thread, at once. Never blocks, never raises."""
        ...

    def close(self) -> None:
        """Give up where nothing is in flight. Idempotent; never raises, never waits."""
        ...


class WifiRadio(Protocol):
    """What is on the air."""

    def look(self) -> WifiState:
        """What is known without asking the radio. Raises WifiUnavailable."""
        ...

    def scan(self) -> WifiState:
        """Have the radio look, some seconds. Raises WifiUnavailable, WifiUnanswered."""
        ...

    def abort(self) -> None:
        """Break a call in flight from another thread, at once. Never blocks, never raises."""
        ...


class WifiProfiles(Protocol):
    """The networks that the box belongs to."""

    def join(self, wanted: JoinWifi) -> WifiAttempt:
        """Begin to join a network; nothing happens before the first `advance`."""
        ...

    def forget(self, ssid: str) -> int:
        """Remove what is stored for a network; returns how many. Raises WifiUnavailable."""
        ...


class Wifi(WifiRadio, WifiProfiles, Protocol):
    """The box's Wi-Fi; used on its own lane alone."""


class Certificates(Protocol):
    """The TLS certificate that is shown; used on the lane of files alone."""

    def look(self) -> str:
        """Renew and reload what needs it; returns what the owner should know, "" for nothing.

        Raises IdentityError; then what was shown before is shown on.
        """
        ...


class AuditKeeper(Protocol):
    """Keeps who changed what; used on the files' lane alone. Every method raises SettingsError."""

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Number them and put them on disk."""
        ...

    def page(self, wanted: AuditRange) -> tuple[AuditEntry, ...]:
        """What was asked for, the newest first."""
        ...

    def export(self) -> bytes:
        """All of it, one JSON object a line, the oldest first."""
        ...


class EntryKeeper(Protocol):
    """Keeps who may enter; used on the lane of files alone."""

    def write(self, book: Book) -> None:
        """Put it on disk, whole or not at all; raises SettingsError."""
        ...


class ReleaseKeeper(Protocol):
    """Keeps which version is on trial; used on the lane of files alone."""

    def write(self, release: Release) -> None:
        """Put it on disk, whole or not at all; raises SettingsError."""
        ...


class Desk(Protocol):
    """The gateway as the API sees it: reads are snapshots, everything else is asked."""

    def snapshot(self) -> Snapshot:
        """The last published snapshot; any thread, no waiting."""
        ...

    def entry(self) -> EntryView:
        """Who may enter at this moment; any thread, no waiting."""
        ...

    def ask(self, request: Request) -> Future[object]:
        """Hand a request to the engine; raises Busy when the inbox is full. Any thread."""
        ...

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` (from the engine thread, must not block) after each new snapshot.

        Returns the function that ends the subscription.
        """
        ...
