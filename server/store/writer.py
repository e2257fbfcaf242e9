"""The one writer of the database; used on the database lane alone, but for `abort`.

Owns what is remembered between commits: the highest position, the devices' numbers, the stored
cursors and the readings that wait for their minute. All of that changes only after a COMMIT has
succeeded, so that whatever fails leaves memory and disk alike and the very same batch can be
tried again.
"""

import logging
import sqlite3
from collections.abc import Mapping, Sequence

from server.model.cursor import Cursor
from server.model.delivery import Committed, Pruned, Quarantined, Retention
from server.model.reading import Record
from server.store import aggregates, correction, insertion, memory, retention, roster
from server.store import cursors as sinks
from server.store.connection import Connection
from server.store.packing import NO_VALUES, Row, pack, unpack_values

log = logging.getLogger(__name__)


class Writer:
    """Implements `ports.RecordWriter`; see the module's docstring. Made by `open_store`."""

    def __init__(self, connection: Connection) -> None:
        """Remember what is on disk, in a database of the newest schema."""
        self._connection = connection
        self._told: set[str] = set()
        """Devices whose values could not be stored: said once, not with every poll."""
        sql = connection.sql
        marks = dict(sql.execute("SELECT name, position FROM marks").fetchall())
        stored = sql.execute("SELECT max(position) FROM records").fetchone()[0]
        self._pruned_upto: int = marks["pruned_upto"]
        self._head: int = max(stored or 0, self._pruned_upto)
        self._cursors = sinks.load(sql)
        self._size_bytes = connection.usage().size_bytes
        """When it was last measured: at a fold, once a minute, and when pruning."""
        rows = sql.execute("SELECT id, name, last_taken_at_ms FROM devices").fetchall()
        self._devices: Mapping[str, int] = {name: number for number, name, _ in rows}
        self._pending, fresh = aggregates.load(sql)
        self._newest: dict[int, tuple[int, int]] = {
            number: (0, last_ms) for number, _, last_ms in rows
        } | fresh

    @property
    def head(self) -> int:
        """The highest position ever given, also when it has been pruned."""
        return self._head

    @property
    def cursors(self) -> dict[str, Cursor]:
        """The cursors as they are on disk."""
        return dict(self._cursors)

    @property
    def last_taken_at_ms(self) -> dict[str, int]:
        """When the newest record of each device was taken."""
        return {
            name: self._newest[number][1]
            for name, number in self._devices.items()
            if number in self._newest
        }

    def commit(
        self,
        records: Sequence[Record],
        cursors: Mapping[str, Cursor],
        quarantines: Sequence[Quarantined] = (),
    ) -> Committed:
        """See the port. A batch that raised may be given again unchanged."""
        changed = {name: each for name, each in cursors.items() if self._cursors.get(name) != each}
        if not (records or changed or quarantines):
            return Committed(self._head, 0, self._size_bytes)
        folds = bool(records) and self._pending.due(records[-1].reading.taken_at_ms)
        with self._connection.transaction() as sql:
            numbers = roster.number(sql, self._devices, (r.reading.device for r in records))
            packed, unstorable = pack(records, numbers, self._head)
            rows = insertion.insert(sql, packed)
            if changed:
                sinks.save(sql, changed)
            for each in quarantines:
                sinks.quarantine(sql, each)
            if folds:
                self._fold(sql)
        if folds:
            self._pending.clear(self._head)
            # Once a minute is enough: asking costs as much as two records.
            self._size_bytes = self._connection.usage().size_bytes
        self._devices = numbers
        self._cursors.update(changed)
        self._connection.full = False
        self._take(rows, records)
        self._tell(unstorable)
        return Committed(self._head, len(rows), self._size_bytes)

    def _take(self, rows: Sequence[Row], records: Sequence[Record]) -> None:
        """Remember the rows that are on disk now."""
        whole = len(rows) == len(records)
        for index, row in enumerate(rows):
            known = whole and row[7] != NO_VALUES
            values = records[index].reading.values if known else unpack_values(row[7])
            self._pending.add(row[3], row[4], values)
            self._newest[row[3]] = (row[0], row[4])
        self._head += len(rows)

    def _tell(self, unstorable: set[str]) -> None:
        for device in sorted(unstorable - self._told):
            log.error("values cannot be stored, only words are", extra={"device": device})
        self._told |= unstorable

    def prune(self, limits: Retention, now_ms: int) -> Pruned:
        """See the port. Also makes the ballast again once there is space for it."""
        usage = self._connection.usage()
        moved, dropped = dict[str, Cursor](), dict[str, int]()
        with self._connection.transaction() as sql:
            reach = retention.Reach(self._pruned_upto, self._head)
            upto = retention.slice_upto(sql, reach, usage, limits, now_ms)
            folds = upto > self._pending.after
            if folds:
                self._fold(sql)
            moved, dropped = sinks.pruned(self._cursors, self._pruned_upto, upto)
            sinks.save(sql, moved)
            removed = retention.remove(sql, reach, upto)
            more = retention.remove_aggregates(sql, usage, limits, now_ms)
            oldest_ms = retention.oldest_ms(sql)
        if folds:
            self._pending.clear(self._head)
        self._cursors.update(moved)
        self._pruned_upto = upto
        usage = self._connection.usage()
        self._size_bytes = usage.size_bytes
        more = more or (removed > 0 and self._exceeded(usage, limits, now_ms))
        self._connection.keep_ballast(usage.free_bytes - limits.min_free_bytes)
        return Pruned(removed, upto, dropped, more, usage.size_bytes, usage.free_bytes, oldest_ms)

    def _exceeded(self, usage: retention.Usage, limits: Retention, now_ms: int) -> bool:
        reach = retention.Reach(self._pruned_upto, self._head)
        with self._connection.reading() as sql:
            return retention.slice_upto(sql, reach, usage, limits, now_ms) > reach.after

    def correct_clock(self, boot: int, after: int, epoch_ms: int) -> int:
        """See the port. One slice: CORRECT_SLICE_ROWS at most."""
        with self._connection.transaction() as sql:
            self._fold(sql)
            done = correction.correct(sql, boot, after, epoch_ms, self._newest)
            roster.save_newest(sql, done.newest)
        self._pending.clear(self._head)
        self._newest = dict(done.newest)
        return done.moved

    def _fold(self, sql: sqlite3.Connection) -> None:
        """Put what waits into its minutes; the caller clears it once that is on disk."""
        aggregates.write(sql, self._pending, self._head)
        roster.save_newest(sql, self._newest)

    def forget_sink(self, sink_id: str) -> None:
        """Remove a sink's cursor and quarantine. Raises as commit does."""
        with self._connection.transaction() as sql:
            sinks.forget(sql, sink_id)
        self._cursors.pop(sink_id, None)

    def quarantine(self, sink_id: str, position: int, reason: str, at_ms: int) -> None:
        """Note that a sink's endpoint accuses this record; it stays on disk. Idempotent."""
        with self._connection.transaction() as sql:
            sinks.quarantine(sql, Quarantined(sink_id, position, reason, at_ms))

    def remember(self, key: str, value: bytes | str) -> None:
        """Keep a small text under `key`. Raises as commit does, ValueError when too large."""
        with self._connection.transaction() as sql:
            memory.remember(sql, key, value)

    def recall(self, key: str) -> str | None:
        """What was last remembered under `key`, None if nothing. Raises as commit does."""
        with self._connection.reading() as sql:
            return memory.recall(sql, key)

    def abort(self) -> None:
        """Break the call in flight from another thread; it raises StoreUnavailable."""
        self._connection.abort()

    def close(self) -> None:
        """Move the log into the database and close. Never raises."""
        self._connection.close()
