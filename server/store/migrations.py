"""Numbered schema files, applied one transaction each under `PRAGMA user_version`.

A file is called `NNNN_what_it_does.sql` and its number is the version it makes. The version is
raised inside the same transaction as the statements, so a kill at any moment leaves the old
version intact or the new one complete. A released file is never edited: a change is a new file.

An older program may open what a newer one has made if the newest file begins with the line
`-- readable from N`: then whoever knows version N reads and writes the database as it is, without
migrating it. That holds for changes that only add (a table, an index, a column with a default) and
whose content can be made again. `readable_from` in `marks` remembers N. A file without that line
can be read by nobody older.
"""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCHEMA_FOLDER = Path(__file__).parent / "schema"

MAX_SCHEMA_VERSION = 9_999
"""File names have four digits; a database that says more has been damaged, not made by anybody."""

_READABLE_FROM = re.compile(r"-- readable from (\d+)$", re.MULTILINE)
_MARK = "readable_from"


@dataclass(frozen=True, slots=True)
class Migration:
    """One schema file."""

    version: int
    path: Path
    readable_from: int
    """The least version that a program must know to work with this one."""


class NewerSchema(Exception):
    """The database was written by a newer program, and this one may not touch it."""


def migrations(folder: Path) -> tuple[Migration, ...]:
    """All schema files of `folder` in order; a missing or doubled number is a bug of ours."""
    found = [_migration(path) for path in sorted(folder.glob("*.sql"))]
    expected = list(range(1, len(found) + 1))
    if [each.version for each in found] != expected:
        raise RuntimeError(f"the schema files in {folder} are not numbered 1 to {len(found)}")
    floors = [each.readable_from for each in found]
    if floors != sorted(floors) or any(each.readable_from > each.version for each in found):
        raise RuntimeError(f"a schema file in {folder} is readable from a version it cannot be")
    return tuple(found)


def _migration(path: Path) -> Migration:
    version = int(path.name[:4])
    declared = _READABLE_FROM.match(path.read_text(encoding="utf-8"))
    return Migration(version, path, int(declared.group(1)) if declared else version)


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
    """Bring the database to the newest version of `folder` and return the version it has then.

    A newer one that this program may work with stays as it is. Raises NewerSchema.
    `connection` must be in autocommit mode (`isolation_level=None`).
    """
    known = migrations(folder)
    refuse_newer(connection, folder)
    version = _version(connection)
    for migration in known[version:]:
        _apply(connection, migration)
    return max(version, len(known))


def refuse_newer(connection: sqlite3.Connection, folder: Path = SCHEMA_FOLDER) -> None:
    """Raise NewerSchema for a database that a program with the schema of `folder` may not touch.

    Only looks; the connection may be read-only. Raises ValueError for a version that is none.
    """
    known, version = len(migrations(folder)), _version(connection)
    if not 0 <= version <= MAX_SCHEMA_VERSION:
        raise ValueError(f"{version} is no version of a schema")
    if version <= known:
        return
    least = _readable_from(connection, version)
    if least > known:
        raise NewerSchema(
            f"it has schema version {version}, which programs can use that know version {least}"
            f" or a later one; this one knows {known}"
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _readable_from(connection: sqlite3.Connection, version: int) -> int:
    if not _has_marks(connection):
        return version
    row = connection.execute("SELECT position FROM marks WHERE name = ?", (_MARK,)).fetchone()
    return int(row[0]) if row else version


def _has_marks(connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'marks'"
    return connection.execute(query).fetchone() is not None


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements(migration.path.read_text(encoding="utf-8")):
            connection.execute(statement)
        if _has_marks(connection):
            connection.execute(
                "INSERT OR REPLACE INTO marks (name, position) VALUES (?, ?)",
                (_MARK, migration.readable_from),
            )
        connection.execute(f"PRAGMA user_version = {migration.version}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
