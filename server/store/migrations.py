"""Numbered schema files, applied one transaction each under `PRAGMA user_version`.

A file is called `NNNN_what_it_does.sql` and its number is the version it makes. The version is
raised inside the same transaction as the statements, so a kill at any moment leaves the old
version intact or the new one complete. A released file is never edited: a change is a new file.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCHEMA_FOLDER = Path(__file__).parent / "schema"


@dataclass(frozen=True, slots=True)
class Migration:
    """One schema file."""

    version: int
    path: Path


class NewerSchema(Exception):
    """The database was written by a newer version of the program than this one."""


def migrations(folder: Path) -> tuple[Migration, ...]:
    """All schema files of `folder` in order; a missing or doubled number is a bug of ours."""
    found = [Migration(int(path.name[:4]), path) for path in sorted(folder.glob("*.sql"))]
    expected = list(range(1, len(found) + 1))
    if [each.version for each in found] != expected:
        raise RuntimeError(f"the schema files in {folder} are not numbered 1 to {len(found)}")
    return tuple(found)


def statements(script: str) -> Iterator[str]:
    """Split a script where SQLite says that a statement is complete."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""
    if _without_comments(pending):
        raise RuntimeError(f"unfinished statement at the end of a schema file: {pending.strip()!r}")


def _without_comments(text: str) -> str:
    return "".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).strip()


def migrate(connection: sqlite3.Connection, folder: Path = SCHEMA_FOLDER) -> int:
    """Bring the database to the newest version of `folder` and return it.

    Raises NewerSchema. `connection` must be in autocommit mode (`isolation_level=None`).
    """
    known = migrations(folder)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(known):
        raise NewerSchema(f"schema version {version}, this program knows {len(known)}")
    for migration in known[version:]:
        _apply(connection, migration)
    return len(known)


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements(migration.path.read_text(encoding="utf-8")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {migration.version}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
