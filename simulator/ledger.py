"""What the receiver has taken: records, identities, gaps, duplicates and conflicts, in SQLite.

A record's identity is (gateway, boot, sequence). The ledger is a witness: it never repairs and
never overwrites, it keeps the first and writes down what contradicts it. `store` returns only
after the commit, so what was acknowledged survives a killed process. It knows no HTTP.
"""

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.envelope import Delivered, Envelope

MAX_WORDS_KEPT = 200_000
"""Readings whose registers are kept; of older ones only identity, time and digest remain."""

MAX_LISTED = 1000
"""Rows of one answer of `records` or `conflicts`."""

BUSY_TIMEOUT_S = 5.0
"""How long to wait for somebody who has the same file open."""

PRUNE_EVERY = 1000
"""Records between two rounds of forgetting old registers."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    gateway TEXT PRIMARY KEY, public_key TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, boot TEXT NOT NULL, sequence INTEGER NOT NULL,
    sn TEXT NOT NULL, model TEXT NOT NULL, taken_at_ms INTEGER NOT NULL, clock TEXT NOT NULL,
    digest BLOB NOT NULL, words TEXT,
    UNIQUE (gateway, boot, sequence)
);
CREATE INDEX IF NOT EXISTS records_by_time ON records (gateway, sn, taken_at_ms);
CREATE TABLE IF NOT EXISTS conflicts (
    kind TEXT NOT NULL, gateway TEXT NOT NULL, boot TEXT NOT NULL, sequence INTEGER NOT NULL,
    sn TEXT NOT NULL, taken_at_ms INTEGER NOT NULL, against TEXT NOT NULL,
    UNIQUE (kind, gateway, boot, sequence, sn, taken_at_ms, against)
);
"""

_ISLANDS = """
SELECT gateway, boot, MIN(sequence), MAX(sequence)
FROM (SELECT gateway, boot, sequence, sequence - ROW_NUMBER()
      OVER (PARTITION BY gateway, boot ORDER BY sequence) AS island FROM records)
GROUP BY gateway, boot, island ORDER BY gateway, boot, MIN(sequence)
"""


class KeyTaken(Exception):
    """The gateway has registered another key before."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one delivery."""

    accepted: int
    duplicates: int
    conflicts: int


@dataclass(slots=True)
class _Span:
    """What is known of one boot's sequence numbers."""

    low: int
    high: int
    count: int

    @property
    def gaps(self) -> int:
        return self.high - self.low + 1 - self.count


class Ledger:
    """One SQLite file, or memory. Safe to use from several threads."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._base = sqlite3.connect(
            path or ":memory:",
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # A killed process loses nothing of a committed WAL; only a power cut could, and the
            # witness is not the one whose power is cut.
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")
            self._base.executescript(_SCHEMA)
            self._spans = {
                (gateway, boot): _Span(low, high, count)
                for gateway, boot, low, high, count in self._base.execute(
                    "SELECT gateway, boot, MIN(sequence), MAX(sequence), COUNT(*)"
                    " FROM records GROUP BY gateway, boot"
                )
            }
            self._serials = set(self._base.execute("SELECT DISTINCT gateway, sn FROM records"))
            self._conflicts = self._count("conflicts")
        except sqlite3.Error:
            self._base.close()
            raise
        self._forgotten_to = 0
        self.duplicates = 0
        """Deliveries of what was known already, since the start."""

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    def learn_key(self, gateway: str, public_key: str) -> bool:
        """Keep a gateway's key; False if it was known. The first one stays: `KeyTaken`."""
        wanted = public_key.lower()
        with self._lock:
            known = self._key_of(gateway)
            if known is not None and known != wanted:
                raise KeyTaken(gateway)
            if known is None:
                self._base.execute("INSERT INTO keys VALUES (?, ?)", (gateway, wanted))
            return known is None

    def key_of(self, gateway: str) -> str | None:
        """A gateway's public key, if it is known."""
        with self._lock:
            return self._key_of(gateway)

    def store(self, envelope: Envelope) -> Receipt:
        """Keep a delivery, all of it or, on an error, nothing."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                fresh, known = self._insert(envelope)
                conflicts = self._contradictions(envelope, fresh, known)
                before = self._base.total_changes
                self._base.executemany(
                    "INSERT OR IGNORE INTO conflicts VALUES (?, ?, ?, ?, ?, ?, ?)", conflicts
                )
                added = self._base.total_changes - before
                self._base.execute("COMMIT")
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._note(envelope, fresh)
            self._conflicts += added
            self.duplicates += len(known)
            self._forget()
            return Receipt(len(fresh), len(known), len(conflicts))

    def stats(self) -> dict[str, int]:
        """The figures of `/stats` that the ledger knows."""
        with self._lock:
            return {
                "accepted": sum(span.count for span in self._spans.values()),
                "duplicates": self.duplicates,
                "gaps": sum(span.gaps for span in self._spans.values()),
                "devices": len(self._serials),
                "conflicts": self._conflicts,
                "boots": len(self._spans),
            }

    def identities(self) -> dict[str, dict[str, Any]]:
        """Per boot, the ranges of sequence numbers that came."""
        boots: dict[str, dict[str, Any]] = {}
        with self._lock:
            for gateway, boot, low, high in self._base.execute(_ISLANDS):
                entry = boots.setdefault(boot, {"gateway": gateway, "ranges": []})
                entry["ranges"].append([low, high])
        return boots

    def conflicts(self, limit: int = MAX_LISTED) -> list[dict[str, Any]]:
        """What contradicts what came first, newest first."""
        return self._rows("SELECT * FROM conflicts ORDER BY rowid DESC LIMIT ?", (limit,))

    def records(self, serial: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """The newest records, of one device or of all."""
        return self._rows(
            "SELECT gateway, boot, sequence, sn, model, taken_at_ms, clock, words FROM records"
            " WHERE ?1 IS NULL OR sn = ?1 ORDER BY id DESC LIMIT ?2",
            (serial, limit),
        )

    def _rows(self, query: str, values: tuple[object, ...]) -> list[dict[str, Any]]:
        with self._lock:
            cursor = self._base.execute(query, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def _key_of(self, gateway: str) -> str | None:
        query = "SELECT public_key FROM keys WHERE gateway = ?"
        row = self._base.execute(query, (gateway,)).fetchone()
        return None if row is None else str(row[0])

    def _count(self, table: str) -> int:
        return int(self._base.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])

    def _insert(self, envelope: Envelope) -> tuple[list[Delivered], list[Delivered]]:
        fresh: list[Delivered] = []
        known: list[Delivered] = []
        for record in envelope.records:
            cursor = self._base.execute(
                "INSERT OR IGNORE INTO records (gateway, boot, sequence, sn, model, taken_at_ms,"
                " clock, digest, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    envelope.gateway,
                    envelope.boot,
                    record.sequence,
                    envelope.serial,
                    envelope.model,
                    record.taken_at_ms,
                    record.clock,
                    record.digest,
                    record.words,
                ),
            )
            (fresh if cursor.rowcount == 1 else known).append(record)
        return fresh, known

    def _contradictions(
        self, envelope: Envelope, fresh: Iterable[Delivered], known: Iterable[Delivered]
    ) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        for record in known:
            query = (
                "SELECT digest, sn, taken_at_ms FROM records"
                " WHERE gateway = ? AND boot = ? AND sequence = ?"
            )
            identity = (envelope.gateway, envelope.boot, record.sequence)
            digest, serial, taken_at_ms = self._base.execute(query, identity).fetchone()
            if digest != record.digest:
                against = f"first came as {serial} at {taken_at_ms}, digest {digest.hex()}"
                found.append(_conflict("content", envelope, record, against))
        for record in fresh:
            query = (
                "SELECT boot, sequence FROM records WHERE gateway = ? AND sn = ?"
                " AND taken_at_ms = ? AND NOT (boot = ? AND sequence = ?) LIMIT 1"
            )
            moment = (envelope.gateway, envelope.serial, record.taken_at_ms)
            other = self._base.execute(query, (*moment, envelope.boot, record.sequence)).fetchone()
            if other is not None:
                against = f"also came as boot {other[0]}, sequence {other[1]}"
                found.append(_conflict("identity", envelope, record, against))
        return found

    def _note(self, envelope: Envelope, fresh: list[Delivered]) -> None:
        if not fresh:
            return
        sequences = [record.sequence for record in fresh]
        low, high = min(sequences), max(sequences)
        key = (envelope.gateway, envelope.boot)
        span = self._spans.setdefault(key, _Span(low, high, 0))
        span.low, span.high = min(span.low, low), max(span.high, high)
        span.count += len(fresh)
        self._serials.add((envelope.gateway, envelope.serial))

    def _forget(self) -> None:
        """Drop the registers of old records now and then, so that nothing grows without end."""
        newest = int(self._base.execute("SELECT COALESCE(MAX(id), 0) FROM records").fetchone()[0])
        forget_to = newest - MAX_WORDS_KEPT
        if forget_to - self._forgotten_to < PRUNE_EVERY:
            return
        self._base.execute(
            "UPDATE records SET words = NULL WHERE id > ? AND id <= ?",
            (self._forgotten_to, forget_to),
        )
        self._forgotten_to = forget_to


def _conflict(kind: str, envelope: Envelope, record: Delivered, against: str) -> tuple[object, ...]:
    return (
        kind,
        envelope.gateway,
        envelope.boot,
        record.sequence,
        envelope.serial,
        record.taken_at_ms,
        against,
    )
