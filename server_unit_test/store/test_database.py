"""Opening finds everything that was there, from every release, and waits for nobody for ever."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.errors import StoreFull, StoreUnavailable
from server.model.cursor import Cursor, Span
from server.model.request import QueryHistory
from server.store import database
from server.store.ballast import BALLAST_NAME
from server.store.connection import BUSY_TIMEOUT_S, DATABASE_NAME
from server.store.database import LOG_MAX_BYTES, PAGE_BYTES, open_store
from server.store.readings import open_reader
from server_unit_test.fixtures.databases import make_schema_v1
from server_unit_test.store.samples import (
    NO_LIMIT,
    START_MS,
    opened,
    record,
    records,
    stored_records,
)

DATABASES = Path(__file__).parents[1] / "fixtures" / "databases"
OLD = sorted(DATABASES.glob("*.sqlite3"))


def test_there_is_a_database_of_every_release() -> None:
    """schema_v1 at least."""
    assert "schema_v1.sqlite3" in [path.name for path in OLD]


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_old_databases_open_with_all_that_is_in_them(tmp_path: Path, path: Path) -> None:
    """Records, cursors, refused records, memory and curves."""
    shutil.copy(path, tmp_path / DATABASE_NAME)
    expected = make_schema_v1.content()

    with opened(tmp_path) as store:
        reader = open_reader(tmp_path)
        query = QueryHistory("device 0", "pv_power", START_MS, START_MS + 180_000, 10)
        points = reader.history(query).points
        reader.close()

        assert ("", None, 18) == (store.problem, store.moved_aside, store.head)
        assert (make_schema_v1.CURSORS, {"harvest": 1}) == (store.cursors, store.quarantined)
        assert {"device 0": START_MS + 180_000, "device 1": START_MS + 170_000} == (
            store.last_taken_at_ms
        )
        assert "{}" == store.writer.recall("lease")
        assert [300.0, 800.0, 1400.0] == [point.mean for point in points]
    assert expected == stored_records(tmp_path)


def test_a_new_folder_gets_an_empty_store(tmp_path: Path) -> None:
    """Folders are made, nothing is reported."""
    with opened(tmp_path / "a" / "b") as store:
        assert (0, "", None) == (store.head, store.problem, store.moved_aside)
        assert ({}, {}, {}) == (store.cursors, store.last_taken_at_ms, store.quarantined)


def test_what_was_committed_is_found_at_the_next_start(tmp_path: Path) -> None:
    """Head, cursors with gaps, refusals and the newest time of each device."""
    cursors = {"a": Cursor(2, (Span(0, 1),))}
    with opened(tmp_path) as store:
        store.writer.commit([record(1), record(2, "B2"), record(3, at_ms=START_MS)], cursors)
        store.writer.quarantine("a", 1, "bad", START_MS)

    with opened(tmp_path) as store:
        assert (3, cursors, {"a": 1}) == (store.head, store.cursors, store.quarantined)
        assert {"A1": START_MS, "B2": START_MS + 2000} == store.last_taken_at_ms


def test_the_head_outlives_the_records(tmp_path: Path) -> None:
    """Also over a restart, positions are never used again."""
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 5), {})
        store.writer.prune(NO_LIMIT, START_MS + 100 * 365 * 86_400_000)

    with opened(tmp_path) as store:
        assert 5 == store.head
        assert 6 == store.writer.commit(records(6, 6), {}).head


def test_a_connection_is_set_as_decided(tmp_path: Path) -> None:
    """WAL, FULL unless told otherwise, PAGE_BYTES small, the log cut back to LOG_MAX_BYTES."""
    store = open_store(tmp_path)
    sql = store.writer._connection.sql
    names = ("journal_mode", "synchronous", "page_size", "journal_size_limit", "auto_vacuum")

    found = [sql.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    store.writer.close()

    assert ["wal", 2, PAGE_BYTES, LOG_MAX_BYTES, 0] == found


def test_an_unknown_way_of_syncing_is_refused(tmp_path: Path) -> None:
    """It goes into a statement, so only the known words are allowed."""
    with pytest.raises(ValueError, match="FULL"):
        open_store(tmp_path, synchronous="sometimes")


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """The path is in the words."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreUnavailable, match="file"):
        open_store(tmp_path / "file")


def test_a_database_that_is_in_use_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After BUSY_TIMEOUT_S (none here) it is unavailable, and stays where it is."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.0)
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 1), {})
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(StoreUnavailable, match="locked"):
            open_store(tmp_path)

    assert [] == list(tmp_path.glob("*.corrupt-*"))
    assert 0 < BUSY_TIMEOUT_S < 10


def test_the_ballast_is_laid_down_at_the_start(tmp_path: Path) -> None:
    """If there is plenty of space."""
    with opened(tmp_path / "much", ballast_bytes=8192, free=lambda: 10**9):
        assert 8192 == (tmp_path / "much" / BALLAST_NAME).stat().st_size
    with opened(tmp_path / "little", ballast_bytes=8192, free=lambda: 10_000):
        assert not (tmp_path / "little" / BALLAST_NAME).exists()


def test_a_full_disk_at_the_start_costs_the_ballast_first(tmp_path: Path) -> None:
    """Opening needs space of its own; when even that is not enough, it says full."""
    (tmp_path / BALLAST_NAME).write_bytes(bytes(8192))

    with pytest.raises(StoreFull):
        open_store(tmp_path, max_pages=3, ballast_bytes=8192)

    assert not (tmp_path / BALLAST_NAME).exists()
