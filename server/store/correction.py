"""Moves the records of a boot whose clock was not yet set, once the difference is known.

Statements within the writer's transaction, with nothing pending for the aggregates.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from server.store import aggregates
from server.store.aggregates import MINUTES
from server.store.insertion import free_ms
from server.store.packing import CORRECTED, MOST_MS, UNSYNCED

CORRECT_SLICE_ROWS = 2_000
"""Records moved in one call: under a second on a slow card, so that commits go in between."""

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
    not clash with one that is about to move out of its way, be it in this slice or in the next.
    """
    rows = _unsynced(sql, boot, after, "ASC", 1)
    forward = bool(rows) and epoch_ms + rows[0][3] > rows[0][2]
    rows = _unsynced(sql, boot, after, "DESC" if forward else "ASC", CORRECT_SLICE_ROWS)
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
    """The code of the clock stands in the text: only then does the index `unsynced` serve.

    A damaged record of no device or no time is left where it is.
    """
    return sql.execute(
        "SELECT position, device, taken_at_ms, uptime_ms FROM records INDEXED BY unsynced"
        f" WHERE clock = {UNSYNCED} AND boot = ? AND position > ?"
        " AND device IN (SELECT id FROM devices)"
        " AND typeof(taken_at_ms) = 'integer' AND typeof(uptime_ms) = 'integer'"
        f" AND uptime_ms BETWEEN {-MOST_MS} AND {MOST_MS} ORDER BY position {order} LIMIT ?",
        (boot, after, limit),
    ).fetchall()


def _move(sql: sqlite3.Connection, position: int, device: int, target_ms: int) -> int:
    """Give a record its time, or the next that is free; its own counts as free."""
    moved = sql.execute(
        "UPDATE OR IGNORE records SET taken_at_ms = ?, clock = ? WHERE position = ?",
        (target_ms, CORRECTED, position),
    )
    if moved.rowcount:
        return target_ms
    moved_ms = free_ms(sql, device, target_ms)
    sql.execute(
        "UPDATE records SET taken_at_ms = ?, clock = ? WHERE position = ?",
        (moved_ms, CORRECTED, position),
    )
    return moved_ms
