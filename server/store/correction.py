"""Moves the records of a boot whose clock was not yet set, once the difference is known.

Statements within the writer's transaction, with nothing pending for the aggregates.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from server.store import aggregates
from server.store.aggregates import MINUTES
from server.store.insertion import free_ms
from server.store.packing import CORRECTED, UNSYNCED

CORRECT_SLICE_ROWS = 5_000
"""Records moved in one transaction: under a second on a slow card."""

Newest = tuple[int, int]
"""(position, taken_at_ms) of a device's newest record."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A slice was moved; `newest` is what is now true for all devices."""

    moved: int
    newest: dict[int, Newest]


def correct(
    sql: sqlite3.Connection, boot: int, after: int, epoch_ms: int, newest: Mapping[int, Newest]
) -> Correction:
    """Restamp one slice and draw the minutes and hours it touches anew.

    Newest first when time moves forward, oldest first when it moves back, so that a record does
    not clash with one that is about to move out of its way.
    """
    rows = _unsynced(sql, boot, after, "ASC", 1)
    if rows and epoch_ms + rows[0][3] > rows[0][2]:
        rows = _unsynced(sql, boot, after, "DESC", CORRECT_SLICE_ROWS)
    else:
        rows = _unsynced(sql, boot, after, "ASC", CORRECT_SLICE_ROWS)
    known = dict(newest)
    touched: set[int] = set()
    for position, device, taken_at_ms, uptime_ms in rows:
        moved_ms = _move(sql, position, device, epoch_ms + uptime_ms)
        touched.add(MINUTES.row_id(device, taken_at_ms))
        touched.add(MINUTES.row_id(device, moved_ms))
        if known.get(device, (0, 0))[0] == position:
            known[device] = (position, moved_ms)
    aggregates.rebuild(sql, touched)
    return Correction(len(rows), known)


def _unsynced(
    sql: sqlite3.Connection, boot: int, after: int, order: str, limit: int
) -> list[tuple[int, int, int, int]]:
    return sql.execute(
        "SELECT position, device, taken_at_ms, uptime_ms FROM records WHERE position > ?"
        f" AND boot = ? AND clock = ? ORDER BY position {order} LIMIT ?",
        (after, boot, UNSYNCED, limit),
    ).fetchall()


def _move(sql: sqlite3.Connection, position: int, device: int, target_ms: int) -> int:
    """Its own millisecond counts as free: a record that is right already stays."""
    sql.execute(
        "UPDATE records SET taken_at_ms = -position, clock = ? WHERE position = ?",
        (CORRECTED, position),
    )
    moved_ms = free_ms(sql, device, target_ms)
    sql.execute("UPDATE records SET taken_at_ms = ? WHERE position = ?", (moved_ms, position))
    return moved_ms
