"""How records become rows: all at once, and one by one only where something is in the way.

Statements within the writer's transaction; nothing is remembered here.
"""

import sqlite3
from collections.abc import Sequence

from server.store.packing import COLUMNS, Row

_INSERT = f"INSERT INTO records ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

_FREE_MS = """
WITH RECURSIVE taken (ms) AS (
    SELECT ?1
    UNION ALL
    SELECT ms + 1 FROM taken
    WHERE EXISTS (SELECT 1 FROM records WHERE taken_at_ms = ms AND device = ?2)
)
SELECT max(ms) FROM taken
"""


def insert(sql: sqlite3.Connection, rows: Sequence[Row]) -> Sequence[Row]:
    """Insert `rows`, whose positions follow one another, and return them as they were added.

    A row whose (boot, sequence) is there already is left out, one whose device has used its
    millisecond moves on by the least that is free. Positions keep following one another.
    """
    sql.execute("SAVEPOINT batch")
    try:
        sql.executemany(_INSERT, rows)
    except sqlite3.IntegrityError:
        sql.execute("ROLLBACK TO batch")
        rows = _insert_singly(sql, rows)
    sql.execute("RELEASE batch")
    return rows


def _insert_singly(sql: sqlite3.Connection, rows: Sequence[Row]) -> list[Row]:
    added: list[Row] = []
    for row in rows:
        known = sql.execute(
            "SELECT 1 FROM records WHERE boot = ? AND sequence = ?", row[1:3]
        ).fetchone()
        if known:
            continue
        position = rows[0][0] + len(added)
        moved = (position, *row[1:4], free_ms(sql, row[3], row[4]), *row[5:])
        sql.execute(_INSERT, moved)
        added.append(moved)
    return added


def free_ms(sql: sqlite3.Connection, device: int, from_ms: int) -> int:
    """The first millisecond from `from_ms` on that no record of `device` has."""
    return int(sql.execute(_FREE_MS, (from_ms, device)).fetchone()[0])
