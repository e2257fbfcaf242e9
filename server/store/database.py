"""Opens the store: sound, of a schema that it knows, and never fatal for being damaged.

What a newer program wrote and this one may not touch is refused and left as it is. Owns the
settings of the connection; `docs/decisions/0003-sqlite-store.md` says why they are as they are.
"""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from server import durable_file
from server.errors import StoreFull, StoreUnavailable
from server.model.cursor import Cursor
from server.store import cursors, soundness
from server.store.ballast import Ballast
from server.store.connection import BUSY_TIMEOUT_S, Connection, Disk, free_bytes
from server.store.faults import translate
from server.store.migrations import SCHEMA_FOLDER, NewerSchema, migrate, refuse_newer
from server.store.writer import Writer

log = logging.getLogger(__name__)

PAGE_BYTES = 2048
"""A commit rewrites six pages that are only partly its own, so small pages spare the disk: ten
records of 1 kB write 3.6 kB each, and 4.7 kB each with pages of 4096 bytes."""

CACHE_MAX_KIB = 4096
"""Pages kept in memory by the writer."""

CHECKPOINT_PAGES = 2000
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
    """Open or create the database in `folder`. Raises StoreUnavailable, StoreFull.

    A database that is too new for this program is refused with StoreUnavailable, untouched.

    `free` says how many bytes the disk has left, for tests; `max_pages` bounds the file.
    """
    if synchronous not in _SYNCHRONOUS:
        raise ValueError(f"synchronous must be one of {', '.join(_SYNCHRONOUS)}")
    disk = Disk(folder, free or partial(free_bytes, folder), Ballast(folder, ballast_bytes))
    how = _How(disk, synchronous, max_pages, schema_folder)
    try:
        durable_file.make_folder(folder)
        try:
            opened = _open_or_replace(how)
        except StoreFull:
            # Opening needs a little space of its own, and the ballast is there to be used.
            disk.ballast.give_up()
            opened = _open_or_replace(how)
        disk.ballast.make(disk.free_bytes())
    except OSError as error:
        raise StoreUnavailable(f"the folder {folder} cannot be used: {error}") from error
    return opened


@dataclass(frozen=True, slots=True)
class _How:
    disk: Disk
    synchronous: str
    max_pages: int | None
    schema_folder: Path


def _open_or_replace(how: _How) -> Opened:
    try:
        return _open_sound(how, None, "")
    except _Unsound as reason:
        moved_aside = soundness.move_aside(how.disk.folder)
        problem = f"The database could not be used ({reason}) and is now {moved_aside}."
        log.error("database moved aside", extra={"to": str(moved_aside), "why": str(reason)})
    try:
        return _open_sound(how, moved_aside, problem)
    except _Unsound as error:
        # So it was not the file: it would be moved aside at each start, and go in the end.
        soundness.put_back(how.disk.folder, moved_aside)
        raise StoreUnavailable(
            f"no database can be used here, not even a new one ({error}): {how.disk.path} was left"
            " as it was; install the version before again, or a newer SQLite"
        ) from error


def _open_sound(how: _How, moved_aside: Path | None, problem: str) -> Opened:
    """Connect, migrate, check and load. Raises _Unsound when the file is to blame."""
    disk = how.disk
    state = soundness.standing(disk.folder)
    fault = soundness.header_fault(disk.path)
    if fault:
        raise _Unsound(fault)
    _refuse_newer(how, state)
    with ExitStack() as stack:
        try:
            sql = _connect(disk.path)
            stack.callback(sql.close)
            _configure(sql, how)
            migrate(sql, how.schema_folder)
            fault = soundness.check(sql, state)
            if fault:
                raise _Unsound(fault)
            writer = Writer(Connection(sql, disk))
            opened = _opened(writer, sql, moved_aside, problem)
        except (ValueError, msgspec.MsgspecError) as error:
            raise _Unsound(f"what is in it makes no sense: {error}") from error
        except sqlite3.Error as error:
            if soundness.blames_file(error):
                raise _Unsound(str(error)) from error
            raise translate(error, disk.folder, disk.free_bytes) from error
        stack.pop_all()
    soundness.clear_suspicion(disk.folder)
    return opened


def _refuse_newer(how: _How, state: soundness.Standing) -> None:
    """Look before anything is written. Raises StoreUnavailable."""
    path = how.disk.path
    if not state.size_bytes:
        return
    # A reader of a log lays files beside it; where there is no log, none are wanted.
    way = "mode=ro" if state.unclean else "immutable=1"
    address = f"{path.absolute().as_uri()}?{way}"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S)) as sql:
            refuse_newer(sql, how.schema_folder)
    except NewerSchema as reason:
        raise StoreUnavailable(
            f"{path} was written by a newer version of Egret: {reason}. It was left as it is:"
            " install the newer version again, or move it away to begin with an empty one"
        ) from reason
    except (sqlite3.Error, ValueError):
        return  # Whoever opens it to write meets the same, and knows what to do.


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        # Opened by the thread that builds the program, used by the database lane.
        check_same_thread=False,
    )


def _configure(sql: sqlite3.Connection, how: _How) -> None:
    sql.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    sql.execute("PRAGMA journal_mode = WAL").fetchall()
    sql.execute(f"PRAGMA synchronous = {how.synchronous}")
    sql.execute(f"PRAGMA cache_size = -{CACHE_MAX_KIB}")
    sql.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    sql.execute(f"PRAGMA journal_size_limit = {LOG_MAX_BYTES}")
    sql.execute("PRAGMA temp_store = MEMORY")
    if how.max_pages is not None:
        sql.execute(f"PRAGMA max_page_count = {how.max_pages}")


def _opened(
    writer: Writer, sql: sqlite3.Connection, moved_aside: Path | None, problem: str
) -> Opened:
    return Opened(
        writer=writer,
        moved_aside=moved_aside,
        problem=problem,
        head=writer.head,
        cursors=writer.cursors,
        last_taken_at_ms=writer.last_taken_at_ms,
        quarantined=cursors.quarantined(sql),
    )
