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
    sql: sqlite3.Connection,
    boot: int,
    after: int,
    difference_ms: int,
    newest: Mapping[int, Newest],
) -> Correction:
    """Move one slice and draw the minutes and hours it touches anew.

    Newest first when time moves forward, oldest first when it moves back, so that a record does
    not clash with one that is about to move out of its way.
    """
    order = "DESC" if difference_ms > 0 else "ASC"
    rows = sql.execute(
        "SELECT position, device, taken_at_ms FROM records WHERE position > ?"
        f" AND boot = ? AND clock = ? ORDER BY position {order} LIMIT ?",
        (after, boot, UNSYNCED, CORRECT_SLICE_ROWS),
    ).fetchall()
    known = dict(newest)
    touched: set[int] = set()
    for position, device, taken_at_ms in rows:
        moved_ms = _move(sql, position, device, taken_at_ms + difference_ms)
        touched.add(MINUTES.row_id(device, taken_at_ms))
        touched.add(MINUTES.row_id(device, moved_ms))
        if known.get(device, (0, 0))[0] == position:
            known[device] = (position, moved_ms)
    aggregates.rebuild(sql, touched)
    return Correction(len(rows), known)


def _move(sql: sqlite3.Connection, position: int, device: int, target_ms: int) -> int:
    moved_ms = free_ms(sql, device, target_ms)
    sql.execute(
        "UPDATE records SET taken_at_ms = ?, clock = ? WHERE position = ?",
        (moved_ms, CORRECTED, position),
    )
    return moved_ms
