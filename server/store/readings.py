"""Read-only connections: one per sink and one for history, each on its own lane.

Rows are fetched at once and the statement is finished before anything is decoded: a read that
stays open would stop the log from being moved into the database. Work is bounded by rows and by
steps of SQLite's machine; a lane that has waited long enough calls `abort`.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from server.errors import StoreUnavailable
from server.model.cursor import Span
from server.model.reading import Stored, Value
from server.model.request import History, QueryHistory
from server.store import history
from server.store.aggregates import (
    HOURS,
    MINUTES,
    Figures,
    between,
    fold,
    join,
    oldest_start_ms,
    readable_sums,
    readable_values,
)
from server.store.connection import BUSY_TIMEOUT_S, DATABASE_NAME, damaged_text, free_bytes
from server.store.history import Plan
from server.store.faults import translate
from server.store.packing import Row, unpack

log = logging.getLogger(__name__)

MAX_READ_ROWS = 5_000
"""Records handed out at once: a few megabytes, whatever a caller asks for."""

MAX_READ_STEPS = 50_000_000
"""Steps of SQLite's virtual machine in one call: seconds on the smallest box. The store reads no
clock, so its time limit is counted in work; the lane's budget is the one in seconds."""

_STEPS_BETWEEN_LOOKS = 100_000

# A damaged row may call its body a text, which sqlite3 would refuse to hand out: hence CAST.
_AFTER = (
    "SELECT position, boot, sequence, device, taken_at_ms, uptime_ms, clock,"
    " CAST(body AS BLOB), CAST(words AS BLOB), crc FROM records"
    " WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
)


class Reader:
    """Implements `ports.RecordReader`; made by `open_reader`."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._names: dict[int, str] = {}
        self._looks = 0
        connection.set_progress_handler(self._look, _STEPS_BETWEEN_LOOKS)

    def _look(self) -> int:
        """Called by SQLite now and then; non-zero breaks the statement off."""
        self._looks += 1
        return int(self._looks * _STEPS_BETWEEN_LOOKS > MAX_READ_STEPS)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent look at the database; ends whatever happens."""
        self._looks = 0
        try:
            self._connection.execute("BEGIN")
            yield self._connection
        except sqlite3.Error as error:
            raise translate(error, self._folder, partial(free_bytes, self._folder)) from error
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def after(self, span: Span, limit: int) -> Sequence[Stored]:
        """See the port; at most MAX_READ_ROWS."""
        with self._reading() as sql:
            rows: list[Row] = sql.execute(
                _AFTER, (span.after, span.upto, min(limit, MAX_READ_ROWS))
            ).fetchall()
            self._learn_names(sql, rows)
        found, damaged = unpack(rows, self._names)
        for position in damaged:
            log.error("record damaged on disk, its values are left out", extra={"at": position})
        return found

    def _learn_names(self, sql: sqlite3.Connection, rows: Sequence[Row]) -> None:
        if not {row[3] for row in rows} <= self._names.keys():
            self._names = dict(sql.execute("SELECT id, name FROM devices").fetchall())

    def history(self, query: QueryHistory) -> History:
        """See the port; at most MAX_POINTS points."""
        unit = history.unit(query)
        with self._reading() as sql:
            device = _device(sql, query.device_id)
            if device is None:
                return History(query.device_id, query.quantity, unit, MINUTES.width_ms, ())
            oldest = (oldest_start_ms(sql, grain, device) for grain in (MINUTES, HOURS))
            planned = history.plan(query, *oldest)
            if planned is None:
                return History(query.device_id, query.quantity, unit, MINUTES.width_ms, ())
            rows = between(sql, planned.grain, device, planned.from_ms, planned.to_ms)
            tail = _tail(sql, device, planned)
        intervals = _intervals(query.quantity, planned, rows, tail)
        points = history.draw(query.quantity, planned, intervals)
        return History(query.device_id, query.quantity, unit, planned.step_ms, points)

    def abort(self) -> None:
        """Break the call in flight from another thread; it raises StoreUnavailable."""
        try:
            self._connection.interrupt()
        except sqlite3.ProgrammingError:
            # Closed in the meantime: there is nothing to break.
            return

    def close(self) -> None:
        """Give the connection back. Idempotent; never raises."""
        self._connection.close()


def _device(sql: sqlite3.Connection, name: str) -> int | None:
    row = sql.execute("SELECT id FROM devices WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def _tail(sql: sqlite3.Connection, device: int, planned: Plan) -> list[tuple[int, bytes]]:
    """What was committed but is not folded into rows yet: at most about a minute."""
    return sql.execute(
        "SELECT taken_at_ms, body FROM records WHERE position >"
        " (SELECT position FROM marks WHERE name = 'folded_upto')"
        " AND device = ? AND taken_at_ms >= ? AND taken_at_ms < ? ORDER BY position",
        (device, planned.from_ms, planned.to_ms),
    ).fetchall()


def _intervals(
    quantity: str, planned: Plan, rows: list[tuple[int, bytes]], tail: list[tuple[int, bytes]]
) -> dict[int, Figures]:
    """The quantity's figures by start of interval."""
    found: dict[int, Figures] = {}
    for start_ms, body in rows:
        figures = readable_sums(body).get(quantity)
        if figures is not None:
            found[start_ms] = figures
    fresh: dict[int, list[Mapping[str, Value]]] = {}
    for taken_at_ms, body in tail:
        start_ms = taken_at_ms - taken_at_ms % planned.grain.width_ms
        fresh.setdefault(start_ms, []).append(readable_values(body))
    for start_ms, readings in fresh.items():
        figures = fold(readings).get(quantity)
        if figures is not None and start_ms in found:
            join(found[start_ms], figures)
        elif figures is not None:
            found[start_ms] = figures
    return found


def open_reader(folder: Path) -> Reader:
    """A read-only connection to the database in `folder`. Raises StoreUnavailable."""
    path = folder / DATABASE_NAME
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            # Opened by the thread that builds the program, used by its lane.
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path} cannot be opened for reading: {error}") from error
    connection.execute("PRAGMA query_only = ON")
    connection.text_factory = damaged_text
    return Reader(connection, folder)
