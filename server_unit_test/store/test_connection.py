"""A transaction happens or leaves nothing, and room is measured as it is."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.errors import StoreFull, StoreUnavailable
from server.store.ballast import BALLAST_NAME, Ballast
from server.store.connection import DATABASE_NAME, Connection, Disk, free_bytes


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A database with one table, on a disk with a megabyte left, beside a ballast."""
    ballast = Ballast(tmp_path, 4096)
    ballast.make(10_000)
    sql = sqlite3.connect(tmp_path / DATABASE_NAME, isolation_level=None)
    sql.execute("PRAGMA journal_mode = WAL").fetchall()
    sql.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, body BLOB)")
    found = Connection(sql, Disk(tmp_path, lambda: 1_000_000, ballast))
    yield found
    found.close()


def count(connection: Connection) -> int:
    """How many things there are."""
    return int(connection.sql.execute("SELECT count(*) FROM things").fetchone()[0])


def test_a_block_that_ends_is_on_disk(connection: Connection) -> None:
    """And the next one may begin."""
    for _ in range(2):
        with connection.transaction() as sql:
            sql.execute("INSERT INTO things (body) VALUES (1)")

    assert 2 == count(connection)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO nowhere VALUES (1)", StoreUnavailable),
        ("INSERT INTO things (id) VALUES ('text')", StoreUnavailable),
        ("INSERT INTO things (body) VALUES (zeroblob(100000))", StoreFull),
    ],
)
def test_a_block_that_fails_leaves_nothing(
    connection: Connection, statement: str, error: type[Exception]
) -> None:
    """Whatever the error: rolled back, told in our own words, and usable again."""
    connection.sql.execute("PRAGMA max_page_count = 10")

    with pytest.raises(error), connection.transaction() as sql:
        sql.execute("INSERT INTO things (body) VALUES (1)")
        sql.execute(statement)

    assert 0 == count(connection)
    with connection.transaction():
        pass


def test_errors_that_are_not_the_databases_pass_unchanged(connection: Connection) -> None:
    """A bug of ours is rolled back and shown as what it is."""
    with pytest.raises(KeyError), connection.transaction() as sql:
        sql.execute("INSERT INTO things (body) VALUES (1)")
        raise KeyError("bug")

    assert 0 == count(connection)


def test_a_full_disk_is_remembered_and_costs_the_ballast(
    connection: Connection, tmp_path: Path
) -> None:
    """So that pruning knows, and has room to work."""
    connection.sql.execute("PRAGMA max_page_count = 5")

    with pytest.raises(StoreFull), connection.transaction() as sql:
        sql.execute("INSERT INTO things (body) VALUES (zeroblob(100000))")

    assert (True, False) == (connection.usage().full, (tmp_path / BALLAST_NAME).exists())


def test_an_abort_breaks_the_transaction_before_it_commits(connection: Connection) -> None:
    """Also one that came between two statements, which SQLite would forget."""
    with pytest.raises(StoreUnavailable, match="aborted"), connection.transaction() as sql:
        sql.execute("INSERT INTO things (body) VALUES (1)")
        connection.abort()

    assert 0 == count(connection)


def test_an_abort_with_nothing_in_flight_breaks_nothing(connection: Connection) -> None:
    """The next transaction is not meant."""
    connection.abort()

    with connection.transaction() as sql:
        sql.execute("INSERT INTO things (body) VALUES (1)")
    assert 1 == count(connection)


def test_usage_tells_data_from_spare_pages(connection: Connection, tmp_path: Path) -> None:
    """Deleted rows make spare pages: the file stays, the size falls."""
    with connection.transaction() as sql:
        sql.execute("INSERT INTO things (body) VALUES (zeroblob(1000000))")
    before = connection.usage()
    with connection.transaction() as sql:
        sql.execute("DELETE FROM things")
    after = connection.usage()

    assert (before.file_bytes, 1_000_000) == (after.file_bytes, after.free_bytes)
    assert after.spare_bytes - before.spare_bytes > 900_000
    assert (tmp_path / f"{DATABASE_NAME}-wal").stat().st_size == after.log_bytes
    assert after.file_bytes - after.spare_bytes + after.log_bytes == after.size_bytes


def test_a_single_look_has_the_same_errors(connection: Connection) -> None:
    """No transaction, but StoreUnavailable all the same."""
    with pytest.raises(StoreUnavailable), connection.reading() as sql:
        sql.execute("SELECT * FROM nowhere")


def test_free_space_is_the_file_systems(tmp_path: Path) -> None:
    """What a process without special rights may use."""
    assert free_bytes(tmp_path) > 0


def test_a_folder_that_cannot_be_synced_at_close_is_only_told(
    connection: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything committed is on disk by then; what counts is that closing ends."""
    tmp_path.rename(tmp_path.with_name("elsewhere"))

    connection.close()

    assert "folder not synced at close" in caplog.text
