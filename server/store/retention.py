"""Which records go next: decisions about bytes, age and space, and what one slice removes.

Runs within the writer's transaction. Records go strictly from the oldest position on, so that
what is left is always everything beyond one position.
"""

import sqlite3
from dataclasses import dataclass

from server.model.delivery import Retention
from server.store import aggregates
from server.store.aggregates import HOURS, MINUTES
from server.store.packing import UNSYNCED, is_time

PRUNE_SLICE_ROWS = 1_000
"""Records removed in one transaction: some ten milliseconds, so that commits are not held up."""

PRUNE_SLICE_AGGREGATES = 1_000
"""Rows of minutes or hours removed per device in one transaction."""

SPARE_BYTES_MAX = 16 * 1024**2
"""Free pages kept inside the file while the disk is short of space. Deleting records makes room
in the file and not on the disk, so once the file has this much room to go on with, deleting more
would lose records and win nothing."""

SPARE_SHARE = 20
"""The same for a small file: a twentieth of it."""

MINUTES_KEPT_MS = 31 * 86_400_000
"""Minutes are kept a month: they take about as much as a record each. Hours stay as long as
records may."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How much there is. `full` says that the last commit found no space."""

    file_bytes: int
    spare_bytes: int
    """Free pages inside the file."""
    log_bytes: int
    free_bytes: int
    full: bool

    @property
    def size_bytes(self) -> int:
        """What the data takes: free pages inside the file do not count, the log does."""
        return self.file_bytes - self.spare_bytes + self.log_bytes


def short_of_space(usage: Usage, limits: Retention) -> bool:
    """True when records must go for space, whatever their age.

    The log does not count against `max_bytes`: it is bounded by itself, and pruning makes it
    longer, not shorter.
    """
    if usage.file_bytes - usage.spare_bytes > limits.max_bytes:
        return True
    if not usage.full and usage.free_bytes >= limits.min_free_bytes:
        return False
    return usage.spare_bytes < min(SPARE_BYTES_MAX, usage.file_bytes // SPARE_SHARE)


@dataclass(frozen=True, slots=True)
class Reach:
    """What positions there are: (after, head]."""

    after: int
    head: int


def slice_upto(
    sql: sqlite3.Connection, reach: Reach, usage: Usage, limits: Retention, now_ms: int
) -> int:
    """The last position of the slice that must go now; `reach.after` when nothing must."""
    if short_of_space(usage, limits):
        return min(reach.after + PRUNE_SLICE_ROWS, reach.head)
    if not limits.trusted:
        return reach.after
    return _aged_upto(sql, reach, now_ms, now_ms - limits.max_age_ms)


def _aged_upto(sql: sqlite3.Connection, reach: Reach, now_ms: int, oldest_ms: int) -> int:
    """The last position of the oldest slice that is too old, `reach.after` when none is.

    A record of an unsynced clock, or from the future, has no age of its own: it goes with the
    first dated record behind it that is too old.
    """
    rows = sql.execute(
        "SELECT position, taken_at_ms, clock FROM records WHERE position > ?"
        " ORDER BY position LIMIT ?",
        (reach.after, PRUNE_SLICE_ROWS),
    ).fetchall()
    upto = reach.after
    for position, taken_at_ms, clock in rows:
        if not _dated(taken_at_ms, clock, now_ms):
            continue
        if taken_at_ms >= oldest_ms:
            return upto
        upto = position
    if rows and upto == reach.after and _aged_beyond(sql, rows[-1][0], reach, now_ms, oldest_ms):
        return int(rows[-1][0])
    return upto


def _dated(taken_at_ms: int, clock: int, now_ms: int) -> bool:
    """True for a time that may be believed; a damaged row has none."""
    return clock != UNSYNCED and is_time(taken_at_ms) and taken_at_ms <= now_ms


def _aged_beyond(
    sql: sqlite3.Connection, last: int, reach: Reach, now_ms: int, oldest_ms: int
) -> bool:
    """Look ever further behind a slice without dates for a dated record that is too old."""
    step = 1
    while last + step <= reach.head:
        row = sql.execute(
            "SELECT taken_at_ms, clock FROM records WHERE position = ?", (last + step,)
        ).fetchone()
        if row is not None and _dated(row[0], row[1], now_ms):
            return bool(row[0] < oldest_ms)
        step *= 2
    return False


def remove(sql: sqlite3.Connection, reach: Reach, upto: int) -> int:
    """Delete every record up to `upto`, and what refers to it; return how many records."""
    if upto <= reach.after:
        return 0
    removed = sql.execute("DELETE FROM records WHERE position <= ?", (upto,)).rowcount
    sql.execute("DELETE FROM quarantine WHERE position <= ?", (upto,))
    sql.execute("UPDATE marks SET position = ? WHERE name = 'pruned_upto'", (upto,))
    return removed


def remove_aggregates(
    sql: sqlite3.Connection, usage: Usage, limits: Retention, now_ms: int
) -> bool:
    """Delete a slice of too old minutes and hours; True when another slice should follow."""
    before = (
        (MINUTES, _minutes_before_ms(sql, usage, limits, now_ms)),
        (HOURS, now_ms - limits.max_age_ms if limits.trusted else None),
    )
    devices = [row[0] for row in sql.execute("SELECT id FROM devices").fetchall()]
    more = False
    for grain, before_ms in before:
        if before_ms is None:
            continue
        for device in devices:
            removed = aggregates.remove(sql, grain, device, before_ms, PRUNE_SLICE_AGGREGATES)
            more = more or removed == PRUNE_SLICE_AGGREGATES
    return more


def _minutes_before_ms(
    sql: sqlite3.Connection, usage: Usage, limits: Retention, now_ms: int
) -> int | None:
    """Minutes that ended before this go; None when none do.

    While space is short, minutes older than every record go as well: records that a sink still
    waits for are worth more than the fine grain of an old chart. That compares what is stored
    with what is stored, so it holds whatever the clock says.
    """
    before: list[int] = []
    if limits.trusted:
        before.append(now_ms - min(limits.max_age_ms, MINUTES_KEPT_MS))
    if short_of_space(usage, limits):
        earliest_ms = sql.execute("SELECT min(taken_at_ms) FROM records").fetchone()[0]
        if earliest_ms is None or is_time(earliest_ms):
            before.append(now_ms if earliest_ms is None else earliest_ms)
    return max(before, default=None)


def oldest_ms(sql: sqlite3.Connection) -> int | None:
    """When the oldest record left was taken."""
    row = sql.execute("SELECT taken_at_ms FROM records ORDER BY position LIMIT 1").fetchone()
    return row[0] if row is not None and is_time(row[0]) else None
