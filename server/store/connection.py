"""The write connection: transactions that happen or leave nothing, and how much room is left.

Owns the sqlite3 connection, the ballast, and the translation of what goes wrong. Refuses to know
any table.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server import durable_file
from server.errors import StoreFull, StoreUnavailable
from server.store.ballast import Ballast
from server.store.faults import translate
from server.store.retention import Usage

log = logging.getLogger(__name__)

DATABASE_NAME = "readings.sqlite3"

BUSY_TIMEOUT_S = 5.0
"""How long a call waits for another process that holds the database."""

CLOSE_TIMEOUT_MS = 250
"""How long closing waits for a reader that is still looking: the log is safe where it is, and the
whole gateway has a few seconds to stop."""


def free_bytes(folder: Path) -> int:
    """What the file system of `folder` has left for this process."""
    figures = os.statvfs(folder)
    return figures.f_bavail * figures.f_frsize


def damaged_text(text: bytes) -> str:
    """Any text of a row as a str: a flipped bit must not make the whole row unreadable."""
    return text.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Disk:
    """Where the database lies, and how much room there is beside it."""

    folder: Path
    free_bytes: Callable[[], int]
    ballast: Ballast

    @property
    def path(self) -> Path:
        """The database file."""
        return self.folder / DATABASE_NAME

    @property
    def log_path(self) -> Path:
        """Its write-ahead log."""
        return self.folder / f"{DATABASE_NAME}-wal"


class Connection:
    """See the module's docstring. `sql` is for statements within `transaction()`."""

    def __init__(self, sql: sqlite3.Connection, disk: Disk) -> None:
        """Take over a connection in autocommit mode (`isolation_level=None`)."""
        self.sql = sql
        sql.text_factory = damaged_text
        self._disk = disk
        self._aborted = False
        self.full = False
        """The last commit found no space; cleared by the writer once one succeeds."""
        self._page_bytes = int(sql.execute("PRAGMA page_size").fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block is on disk when it ends, or nothing of it when it raises.

        Errors of SQLite come out as StoreFull or StoreUnavailable.
        """
        self._aborted = False
        try:
            self.sql.execute("BEGIN IMMEDIATE")
            yield self.sql
            if self._aborted:
                raise StoreUnavailable("the transaction was aborted: it took too long")
            self.sql.execute("COMMIT")
        except BaseException as error:
            self._undo()
            if isinstance(error, sqlite3.Error):
                raise self._fault(error) from error
            raise

    def _undo(self) -> None:
        """Roll back, unless SQLite has done so itself (a full disk, an interrupt)."""
        try:
            if self.sql.in_transaction:
                self.sql.execute("ROLLBACK")
        except sqlite3.Error as error:
            log.error("database not rolled back", extra={"error": str(error)})

    def _fault(self, error: sqlite3.Error) -> StoreFull | StoreUnavailable:
        fault = translate(error, self._disk.folder, self._disk.free_bytes)
        if isinstance(fault, StoreFull):
            self.full = True
            self._disk.ballast.give_up()
        return fault

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """For a single SELECT: no transaction, the same errors."""
        try:
            yield self.sql
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def usage(self) -> Usage:
        """How much the database takes now."""
        with self.reading() as sql:
            pages = int(sql.execute("PRAGMA page_count").fetchone()[0])
            spare = int(sql.execute("PRAGMA freelist_count").fetchone()[0])
        return Usage(
            file_bytes=pages * self._page_bytes,
            spare_bytes=spare * self._page_bytes,
            log_bytes=self._log_bytes(),
            free_bytes=self._disk.free_bytes(),
            full=self.full,
        )

    def _log_bytes(self) -> int:
        try:
            return self._disk.log_path.stat().st_size
        except OSError:
            return 0

    def keep_ballast(self, spare_bytes: int) -> None:
        """Make the ballast again if `spare_bytes` of the disk may be used for it."""
        self._disk.ballast.make(spare_bytes)

    def abort(self) -> None:
        """Break the transaction in flight, from any thread. Never raises.

        SQLite forgets an interrupt between two statements, so the transaction also looks before
        it commits.
        """
        self._aborted = True
        try:
            self.sql.interrupt()
        except sqlite3.ProgrammingError:
            # Closed in the meantime: there is nothing to break.
            return

    def close(self) -> None:
        """Move the log into the database and close; an empty log marks a clean stop."""
        try:
            self.sql.execute(f"PRAGMA busy_timeout = {CLOSE_TIMEOUT_MS}").fetchall()
            self.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            # Everything committed is in the log, where the next start finds it.
            log.warning("database not checkpointed at close", extra={"error": str(error)})
        finally:
            self.sql.close()
            self._settle_names()

    def _settle_names(self) -> None:
        """Make the removal of the log durable.

        SQLite does not: after a power cut a part of the emptied log could come back, and would
        be played over the newer pages of the database.
        """
        try:
            durable_file.sync_folder(self._disk.folder)
        except OSError as error:
            log.warning("folder not synced at close", extra={"error": str(error)})
