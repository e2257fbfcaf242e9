"""Is this file a database that can be trusted? And where it goes when it cannot.

Looking at every page of two gigabytes takes minutes on a small box, so the question is asked in
three sizes, see `check`. Nothing is ever deleted for being damaged: the files are moved aside, the
last few are kept, and the gateway starts with an empty database.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from server.store.connection import DATABASE_NAME
from server.store.faults import SUSPECT_NAME, is_damage

QUICK_CHECK_MAX_BYTES = 64 * 1024**2
"""After an unclean stop every page is looked at up to this size: two seconds on a slow card. The
log is built to survive such a stop, so beyond it the small check has to do."""

MAX_MOVED_ASIDE = 3
"""Damaged databases kept for whoever may want to rescue something; the oldest go."""

_MAGIC = b"SQLite format 3\x00"
_COMPANIONS = ("", "-wal", "-shm")
_TABLES = ("devices", "records", "minutes", "hours", "sinks", "quarantine", "memory", "marks")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the folder looked like before the database was opened."""

    unclean: bool
    """A log was left behind: the last stop was a kill or a power cut."""
    suspect: bool
    """Damage was met while running."""
    size_bytes: int


def standing(folder: Path) -> Standing:
    """Look at the files alone."""
    log = folder / f"{DATABASE_NAME}-wal"
    return Standing(
        unclean=log.exists() and log.stat().st_size > 0,
        suspect=(folder / SUSPECT_NAME).exists(),
        size_bytes=_size_bytes(folder / DATABASE_NAME),
    )


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def header_fault(path: Path) -> str:
    """What is wrong with the first bytes of an existing file, in words; empty when nothing is."""
    if not path.exists() or path.stat().st_size == 0:
        return ""
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or not head.startswith(_MAGIC):
        return "the file does not begin like a database"
    return ""


def check(sql: sqlite3.Connection, state: Standing) -> str:
    """What is wrong with an opened database of the newest schema; empty when nothing is found.

    Every page is checked when damage was met while running, and after an unclean stop up to
    QUICK_CHECK_MAX_BYTES. Otherwise only the tables, both ends of the records and every small
    table are read, which takes milliseconds at any size.
    """
    if state.suspect or (state.unclean and state.size_bytes <= QUICK_CHECK_MAX_BYTES):
        found = sql.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            return str(found)
    return _structure_fault(sql)


def _structure_fault(sql: sqlite3.Connection) -> str:
    names = {row[0] for row in sql.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    missing = sorted(set(_TABLES) - names)
    if missing:
        return f"tables are missing: {', '.join(missing)}"
    for order in ("ASC", "DESC"):
        sql.execute(f"SELECT * FROM records ORDER BY position {order} LIMIT 100").fetchall()
    for table in ("devices", "sinks", "marks", "memory"):
        sql.execute(f"SELECT * FROM {table}").fetchall()
    marks = {row[0] for row in sql.execute("SELECT name FROM marks")}
    if not marks >= {"folded_upto", "pruned_upto"}:
        return "marks are missing"
    return ""


def blames_file(error: sqlite3.Error) -> bool:
    """True when the file is at fault and not the moment: such a database is moved aside.

    A plain SQL error while the schema is read means that it is not our schema.
    """
    code = getattr(error, "sqlite_errorcode", 0)
    return is_damage(error) or code == sqlite3.SQLITE_ERROR


def move_aside(folder: Path) -> Path:
    """Rename database, log and index together; return where the database is now."""
    taken = _moved_aside(folder)
    target = folder / f"{DATABASE_NAME}.corrupt-{max(taken, default=0) + 1}"
    # The log first: a kill in between leaves a database without its log, which is moved aside
    # or found sound by the next start, but never a new database with a foreign log.
    for companion in reversed(_COMPANIONS):
        source = folder / f"{DATABASE_NAME}{companion}"
        if source.exists():
            source.rename(folder / f"{target.name}{companion}")
    for number in sorted(taken)[: max(0, len(taken) + 1 - MAX_MOVED_ASIDE)]:
        for companion in _COMPANIONS:
            (folder / f"{DATABASE_NAME}.corrupt-{number}{companion}").unlink(missing_ok=True)
    clear_suspicion(folder)
    return target


def put_back(folder: Path, aside: Path) -> None:
    """Undo `move_aside`: the new database, in which nothing is yet, gives way to the old one."""
    for companion in reversed(_COMPANIONS):
        (folder / f"{DATABASE_NAME}{companion}").unlink(missing_ok=True)
    for companion in _COMPANIONS:
        source = folder / f"{aside.name}{companion}"
        if source.exists():
            source.rename(folder / f"{DATABASE_NAME}{companion}")


def _moved_aside(folder: Path) -> list[int]:
    endings = (path.name.rpartition("-")[2] for path in folder.glob(f"{DATABASE_NAME}.corrupt-*"))
    return [int(ending) for ending in endings if ending.isdigit()]


def clear_suspicion(folder: Path) -> None:
    """The database has been checked, or is another one now."""
    (folder / SUSPECT_NAME).unlink(missing_ok=True)
