"""Records and stores as the tests of the store need them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from server.model.cursor import Span
from server.model.delivery import Retention
from server.model.reading import ClockQuality, Reading, Record, Stored, Value
from server.store.database import Opened, open_store
from server.store.readings import open_reader

START_MS = 1_750_000_020_000
"""The start of a minute, seven minutes into an hour."""

BOOT = 0x0123456789ABCDEF
DAY_MS = 86_400_000
PLENTY = 10**12
EVERYTHING = Span(0, 2**62)
NO_LIMIT = Retention(max_bytes=PLENTY, max_age_ms=10_000 * DAY_MS, min_free_bytes=0)


def record(
    sequence: int,
    device: str = "A1",
    at_ms: int | None = None,
    *,
    boot: int = BOOT,
    clock: ClockQuality = ClockQuality.SYNCED,
    values: Mapping[str, Value] | None = None,
    uptime_ms: int | None = None,
    padding: int = 2,
) -> Record:
    """The record of that sequence, a second after the one before; `padding` is its words."""
    reading = Reading(
        device=device,
        taken_at_ms=START_MS + 1000 * sequence if at_ms is None else at_ms,
        uptime_ms=1000 * sequence if uptime_ms is None else uptime_ms,
        clock=clock,
        values={"pv_power": float(sequence)} if values is None else values,
        words={5000 + number: sequence % 65536 for number in range(padding)},
    )
    return Record(boot, sequence, reading)


def records(first: int, last: int, **changes: object) -> list[Record]:
    """The records of sequence `first` to `last`."""
    return [record(sequence, **changes) for sequence in range(first, last + 1)]  # type: ignore


@contextmanager
def opened(folder: Path, **how: object) -> Iterator[Opened]:
    """An open store that is closed at the end; no syncing, for the tests' sake."""
    found = open_store(folder, **{"synchronous": "OFF", **how})  # type: ignore[arg-type]
    try:
        yield found
    finally:
        found.writer.close()


def everything(folder: Path) -> Sequence[Stored]:
    """All records on disk."""
    reader = open_reader(folder)
    try:
        return reader.after(EVERYTHING, 5_000)
    finally:
        reader.close()


def stored_records(folder: Path) -> list[Record]:
    """All records on disk, without their positions."""
    return [each.record for each in everything(folder)]


def positions(folder: Path) -> list[int]:
    """The positions on disk."""
    return [each.position for each in everything(folder)]
