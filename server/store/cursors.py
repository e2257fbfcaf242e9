"""The sinks' cursors on disk: one row each, gaps as JSON. Statements only; no transactions."""

import sqlite3
from collections.abc import Mapping

import msgspec

from server.model.cursor import Cursor, Span
from server.model.delivery import Quarantined

REASON_MAX_CHARS = 500
"""Why a record was refused is cut here: the text comes from an endpoint that may be hostile."""

_decode_gaps = msgspec.json.Decoder(list[tuple[int, int]]).decode


def load(connection: sqlite3.Connection) -> dict[str, Cursor]:
    """All stored cursors by sink."""
    rows = connection.execute("SELECT sink_id, live, gaps FROM sinks").fetchall()
    return {sink_id: Cursor(live, _gaps(gaps)) for sink_id, live, gaps in rows}


def _gaps(text: str) -> tuple[Span, ...]:
    return tuple(Span(after, upto) for after, upto in _decode_gaps(text))


def save(connection: sqlite3.Connection, cursors: Mapping[str, Cursor]) -> None:
    """Write these cursors over what is stored for their sinks."""
    connection.executemany(
        "INSERT OR REPLACE INTO sinks (sink_id, live, gaps) VALUES (?, ?, ?)",
        [(sink_id, cursor.live, _text(cursor)) for sink_id, cursor in cursors.items()],
    )


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode([(gap.after, gap.upto) for gap in cursor.gaps]).decode()


def forget(connection: sqlite3.Connection, sink_id: str) -> None:
    """Remove a sink: its cursor and what it had refused."""
    connection.execute("DELETE FROM sinks WHERE sink_id = ?", (sink_id,))
    connection.execute("DELETE FROM quarantine WHERE sink_id = ?", (sink_id,))


def quarantined(connection: sqlite3.Connection) -> dict[str, int]:
    """How many records each sink has refused for good and that are still on disk."""
    return dict(
        connection.execute("SELECT sink_id, count(*) FROM quarantine GROUP BY sink_id").fetchall()
    )


def owed(cursor: Cursor, after: int, upto: int) -> int:
    """How many positions in (after, upto] the sink of `cursor` has not taken."""
    beyond_live = max(0, upto - max(after, cursor.live))
    in_gaps = sum(max(0, min(upto, gap.upto) - max(after, gap.after)) for gap in cursor.gaps)
    return beyond_live + in_gaps


def quarantine(sql: sqlite3.Connection, refusal: Quarantined) -> None:
    """Note that a sink accuses a record; over what was noted of it before."""
    sql.execute(
        "INSERT OR REPLACE INTO quarantine (sink_id, position, reason, at_ms) VALUES (?, ?, ?, ?)",
        (refusal.sink_id, refusal.position, refusal.reason[:REASON_MAX_CHARS], refusal.at_ms),
    )


def pruned(
    stored: Mapping[str, Cursor], after: int, upto: int
) -> tuple[dict[str, Cursor], dict[str, int]]:
    """The cursors that move when (after, upto] is removed, and what their sinks had not taken."""
    moved = {name: cursor.pruned(upto) for name, cursor in stored.items()}
    lost = {name: owed(cursor, after, upto) for name, cursor in stored.items()}
    return (
        {name: cursor for name, cursor in moved.items() if cursor != stored[name]},
        {name: count for name, count in lost.items() if count},
    )
