"""A reading: what one device said at one moment, decoded and raw, and who it is.

`Reading` is what a poll makes; `Record` is the same once it has been given its identity and
accepted, that is committed to disk. The identity is (boot, sequence) within this gateway and
never changes; two records never share one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = int | float | str


class ClockQuality(StrEnum):
    """How far the wall clock could be trusted when a timestamp was made."""

    UNSYNCED = "unsynced"
    """Nothing has set the clock since boot: the timestamp is a guess."""
    SYNCED = "synced"
    """The operating system reports a clock that is disciplined by a time source."""
    CORRECTED = "corrected"
    """Taken unsynced, moved by the measured difference once the clock was synchronised."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One poll of one device.

    `taken_at_ms` is UTC milliseconds, `uptime_ms` monotonic milliseconds since the process
    started. `values` maps quantity names (`model.quantity`) to SI values; what the device
    marked as unavailable is absent. `words` maps wire addresses to the raw 16-bit words those
    values were decoded from; words of unavailable registers and of bridged gaps are absent.
    """

    device: str
    taken_at_ms: int
    uptime_ms: int
    clock: ClockQuality
    values: Mapping[str, Value]
    words: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Record:
    """A reading with its identity. `boot` is random 64 bits (0 <= boot < 2**63) per start."""

    boot: int
    sequence: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as the store hands it to sinks: `position` rises in the order of commit."""

    position: int
    record: Record
