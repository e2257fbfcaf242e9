"""Opens the store: sound, of the newest schema, and never fatal for being damaged.

Owns the settings of the connection; `docs/decisions/0001-sqlite-store.md` says why they are as
they are.
"""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from server.errors import StoreUnavailable
from server.model.cursor import Cursor
from server.store import cursors, soundness
from server.store.ballast import Ballast
from server.store.connection import BUSY_TIMEOUT_S, Connection, Disk, free_bytes
from server.store.migrations import SCHEMA_FOLDER, NewerSchema, migrate
from server.store.writer import Writer

log = logging.getLogger(__name__)

PAGE_BYTES = 4096
CACHE_MAX_KIB = 4096
"""Pages kept in memory by the writer."""

CHECKPOINT_PAGES = 1000
"""Pages in the log after which they are moved into the database."""

LOG_MAX_BYTES = 16 * 1024**2
"""A log that a burst has made longer is cut back to this after the next checkpoint."""

_SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")


@dataclass(frozen=True, slots=True)
class Opened:
    """The store as found. `problem` says in words why a database was moved aside, "" if none."""

    writer: Writer
    moved_aside: Path | None
    problem: str
    head: int
    """The highest position ever given, also when it has been pruned."""
    cursors: dict[str, Cursor]
    last_taken_at_ms: dict[str, int]
    quarantined: dict[str, int]


class _Unsound(Exception):
    """The file cannot be used as it is; the text says why."""


def open_store(
    folder: Path,
    *,
    synchronous: str = "FULL",
    max_pages: int | None = None,
    ballast_bytes: int = 0,
    free: Callable[[], int] | None = None,
    schema_folder: Path = SCHEMA_FOLDER,
) -> Opened:
    """Open or create the database in `folder`. Raises StoreUnavailable.

    `free` says how many bytes the disk has left, for tests; `max_pages` bounds the file.
    """
    if synchronous not in _SYNCHRONOUS:
        raise ValueError(f"synchronous must be one of {', '.join(_SYNCHRONOUS)}")
    ask_free = free or partial(free_bytes, folder)
    disk = Disk(folder, ask_free, Ballast(folder, ballast_bytes))
    problem, moved_aside = "", None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            sql = _open_sound(disk.path, synchronous, schema_folder)
        except _Unsound as reason:
            moved_aside = soundness.move_aside(folder)
            problem = f"The database could not be used ({reason}) and is now {moved_aside}."
            log.error("database moved aside", extra={"to": str(moved_aside), "why": str(reason)})
            sql = _open_sound(disk.path, synchronous, schema_folder)
    except (OSError, sqlite3.Error, _Unsound) as error:
        raise StoreUnavailable(f"the database in {folder} cannot be opened: {error}") from error
    return _opened(sql, disk, max_pages, moved_aside, problem)


def _opened(
    sql: sqlite3.Connection,
    disk: Disk,
    max_pages: int | None,
    moved_aside: Path | None,
    problem: str,
) -> Opened:
    if max_pages is not None:
        sql.execute(f"PRAGMA max_page_count = {max_pages}")
    connection = Connection(sql, disk)
    writer = Writer(connection)
    disk.ballast.make(disk.free_bytes())
    with connection.reading():
        return Opened(
            writer=writer,
            moved_aside=moved_aside,
            problem=problem,
            head=writer.head,
            cursors=writer.cursors,
            last_taken_at_ms=writer.last_taken_at_ms,
            quarantined=cursors.quarantined(sql),
        )


def _open_sound(path: Path, synchronous: str, schema_folder: Path) -> sqlite3.Connection:
    """Connect, migrate and check. Raises _Unsound when the file is to blame."""
    state = soundness.standing(path.parent)
    fault = soundness.header_fault(path)
    if fault:
        raise _Unsound(fault)
    sql = sqlite3.connect(
        path,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        # Opened by the thread that builds the program, used by the database lane.
        check_same_thread=False,
    )
    try:
        _configure(sql, synchronous)
        migrate(sql, schema_folder)
        fault = soundness.check(sql, state)
    except NewerSchema as reason:
        fault = f"it was written by a newer version of Egret: {reason}"
    except sqlite3.Error as error:
        if not soundness.blames_file(error):
            sql.close()
            raise
        fault = str(error)
    if fault:
        sql.close()
        raise _Unsound(fault)
    soundness.clear_suspicion(path.parent)
    return sql


def _configure(sql: sqlite3.Connection, synchronous: str) -> None:
    sql.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    sql.execute("PRAGMA journal_mode = WAL").fetchall()
    sql.execute(f"PRAGMA synchronous = {synchronous}")
    sql.execute(f"PRAGMA cache_size = -{CACHE_MAX_KIB}")
    sql.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    sql.execute(f"PRAGMA journal_size_limit = {LOG_MAX_BYTES}")
    sql.execute("PRAGMA temp_store = MEMORY")
