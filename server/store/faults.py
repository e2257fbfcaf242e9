"""What an error of SQLite means for the gateway: full, or unavailable for now.

Owns the translation and the mark that asks the next start for a full check. Refuses to know
who was asking.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from server.errors import StoreFull, StoreUnavailable

SUSPECT_NAME = "readings.suspect"
"""Its presence says that damage was met while running: the next start checks every page."""

NO_SPACE_LIMIT_BYTES = 1024**2
"""An input/output error with less free space than this is a full disk: file systems report the
two alike when they cannot even grow their own tables."""

_PRIMARY_CODE = 0xFF
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def code_of(error: sqlite3.Error) -> int:
    """The primary result code, 0 when the error did not come from SQLite itself."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & _PRIMARY_CODE


def is_damage(error: sqlite3.Error) -> bool:
    """True when the file is not, or no longer, a sound database."""
    return code_of(error) in _DAMAGE


def translate(
    error: sqlite3.Error, folder: Path, free_bytes: Callable[[], int]
) -> StoreFull | StoreUnavailable:
    """The error to raise `from` this one."""
    code = code_of(error)
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(f"no space left for the database in {folder}: {error}")
    if code == sqlite3.SQLITE_IOERR and free_bytes() < NO_SPACE_LIMIT_BYTES:
        return StoreFull(f"the disk of {folder} is full: {error}")
    if is_damage(error):
        suspect(folder)
        return StoreUnavailable(
            f"the database in {folder} is damaged ({error}); "
            "the next start checks it and moves it aside"
        )
    if code == sqlite3.SQLITE_INTERRUPT:
        return StoreUnavailable("the call was broken off: it took too long or was aborted")
    return StoreUnavailable(f"the database in {folder} cannot be used now: {error}")


def suspect(folder: Path) -> None:
    """Ask the next start for a check of every page. Never raises."""
    try:
        (folder / SUSPECT_NAME).touch()
    except OSError:
        # A disk that takes no file either: the check after an unclean stop has to do.
        return
