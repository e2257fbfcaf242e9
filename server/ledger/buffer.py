"""The commit buffer: readings on their way to disk, and where they get their identity.

Rules: a reading gets its sequence when its batch is frozen, never before; a frozen batch is
retried unchanged until it is committed and is never dropped, so the sequences on disk have no
holes; while it is being retried, at most MAX_BUFFERED further readings are kept, and then the
oldest, not yet numbered, goes and is counted. Mutable, owned by the engine thread.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from server.model.reading import ClockQuality, Reading, Record

MAX_BUFFERED = 20_000
"""Readings waiting in memory: twenty seconds of a thousand devices, about 40 MB at worst."""

MAX_BATCH = 5_000
"""Most readings of one transaction, so that no commit takes long."""


class Buffer:
    """See the module's docstring. `boot` is this start's random identity."""

    def __init__(self, boot: int, limit: int = MAX_BUFFERED) -> None:
        self.boot = boot
        self.accepted = 0
        """The highest sequence on disk."""
        self.dropped = 0
        self._limit = limit
        self._waiting: deque[Reading] = deque()  # bounded by MAX_BUFFERED
        self._sequence = 0
        self._frozen: tuple[Record, ...] = ()

    def add(self, reading: Reading) -> None:
        """Take a reading; when full, the oldest one goes and is counted."""
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(reading)

    @property
    def in_flight(self) -> bool:
        """Whether a frozen batch is on its way to disk."""
        return bool(self._frozen)

    def freeze(self) -> tuple[Record, ...]:
        """Number the oldest readings; what is frozen already comes back unchanged."""
        if not self._frozen:
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            self._frozen = tuple(
                Record(self.boot, sequence, reading)
                for sequence, reading in enumerate(taken, self._sequence + 1)
            )
            self._sequence += len(taken)
        return self._frozen

    def committed(self, batch: tuple[Record, ...]) -> None:
        """The frozen batch is on disk: its readings are accepted. Any other batch is not it."""
        if batch is not self._frozen:
            return
        if batch:
            self.accepted = batch[-1].sequence
        self._frozen = ()

    def correct(self, corrected: Callable[[Reading], Reading]) -> None:
        """Replace what waits, not yet numbered, by its corrected self."""
        self._waiting = deque(map(corrected, self._waiting))  # bounded by MAX_BUFFERED

    @property
    def oldest(self) -> Reading | None:
        """The reading that has waited longest for the disk, None when none does."""
        if self._frozen:
            return self._frozen[0].reading
        return self._waiting[0] if self._waiting else None

    @property
    def frozen_unsynced(self) -> bool:
        """Whether the batch on its way to disk holds readings stamped by an unsynced clock."""
        return any(each.reading.clock is ClockQuality.UNSYNCED for each in self._frozen)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._frozen)


def corrected(reading: Reading, epoch_ms: int) -> Reading:
    """The reading as a synchronised clock would have stamped it."""
    if reading.clock is not ClockQuality.UNSYNCED:
        return reading
    taken_at_ms = epoch_ms + reading.uptime_ms
    return replace(reading, taken_at_ms=taken_at_ms, clock=ClockQuality.CORRECTED)
