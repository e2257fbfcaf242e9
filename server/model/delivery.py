"""Values that travel between the store and the sinks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.model.reading import Stored


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a sink says about the device beside its readings."""

    device_id: str
    name: str
    profile: str
    serial: str
    model: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one device, in order of their position, to be delivered together."""

    device: DeviceFacts
    records: Sequence[Stored]


@dataclass(frozen=True, slots=True)
class Ack:
    """The endpoint has taken every record of the batch. `size_bytes` is what was sent."""

    size_bytes: int


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit that is on disk. `head` is the highest position of the store now."""

    head: int
    added: int
    size_bytes: int
    """The database's size on disk, its write-ahead log included."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """The endpoint of `sink_id` accuses the record at `position`; it is not sent again."""

    sink_id: str
    position: int
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Retention:
    """What the disk is kept within; see `configuration.StoreConfig`."""

    max_bytes: int
    max_age_ms: int
    min_free_bytes: int
    trusted: bool = True
    """False: nobody knows what time it is, so nothing is too old; space counts all the same."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """One slice of pruning. Nothing up to position `upto` is left.

    `dropped` counts, per sink, the records that it had not taken; `more` says that the limits
    are still exceeded and another slice should follow.
    """

    removed: int
    upto: int
    dropped: Mapping[str, int]
    more: bool
    size_bytes: int
    free_bytes: int
    oldest_ms: int | None
