"""A schema goes from one version to the next whole, whatever happens in the middle."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.store.connection import DATABASE_NAME
from server.store.migrations import SCHEMA_FOLDER, NewerSchema, migrate, migrations, statements
from server_unit_test.store.samples import opened, records, stored_records

ROOT = Path(__file__).parents[2]

NEXT = """
-- A second version, as a release might bring it.
ALTER TABLE records ADD COLUMN note TEXT NOT NULL DEFAULT '';
UPDATE records SET note = 'x;y'; -- a semicolon in a text ends nothing
CREATE TABLE extra (id INTEGER PRIMARY KEY);
"""

KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from server.store.migrations import migrate

def kill(statement):
    if sys.argv[3] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.set_trace_callback(kill)
migrate(connection, Path(sys.argv[2]))
"""


@pytest.fixture
def next_schema(tmp_path: Path) -> Path:
    """The released schema and one more file."""
    folder = tmp_path / "schema"
    shutil.copytree(SCHEMA_FOLDER, folder)
    number = len(migrations(SCHEMA_FOLDER)) + 1
    (folder / f"{number:04}_next.sql").write_text(NEXT)
    return folder


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An empty database in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as sql:
        yield sql


def version(folder: Path) -> tuple[int, bool]:
    """The version of a database, and whether the second version's table is there."""
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as sql:
        found = sql.execute("PRAGMA user_version").fetchone()[0]
        extra = sql.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone()
    return found, bool(extra[0])


def test_an_older_database_is_brought_to_the_newest_version(
    tmp_path: Path, next_schema: Path
) -> None:
    """Its records are still there, and the next start has nothing to do."""
    with opened(tmp_path / "data") as store:
        store.writer.commit(records(1, 3), {})
    for _ in range(2):
        with opened(tmp_path / "data", schema_folder=next_schema) as store:
            assert (3, "") == (store.head, store.problem)

    assert (len(migrations(next_schema)), True) == version(tmp_path / "data")
    assert records(1, 3) == stored_records(tmp_path / "data")


@pytest.mark.parametrize(
    "moment", ["ALTER TABLE", "UPDATE records", "CREATE TABLE extra", "PRAGMA user_version ="]
)
def test_a_kill_in_the_middle_leaves_the_old_version(
    tmp_path: Path, next_schema: Path, moment: str
) -> None:
    """A real process is killed between statements; the old program and the new one both open."""
    folder = tmp_path / "data"
    with opened(folder) as store:
        store.writer.commit(records(1, 3), {})
    command = [sys.executable, "-c", KILLED, str(folder / DATABASE_NAME), str(next_schema), moment]

    killed = subprocess.run(command, cwd=ROOT, timeout=60, check=False)

    assert -signal.SIGKILL == killed.returncode
    assert (len(migrations(SCHEMA_FOLDER)), False) == version(folder)
    with opened(folder) as store:
        assert (3, "") == (store.head, store.problem)
    with opened(folder, schema_folder=next_schema) as store:
        assert (3, "") == (store.head, store.problem)
    assert records(1, 3) == stored_records(folder)


def test_a_failing_migration_leaves_the_old_version(
    connection: sqlite3.Connection, next_schema: Path
) -> None:
    """All of a file or nothing of it."""
    migrate(connection)
    path = next_schema / f"{len(migrations(next_schema)):04}_next.sql"
    path.write_text(NEXT + "INSERT INTO nowhere VALUES (1);")

    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, next_schema)

    assert len(migrations(SCHEMA_FOLDER)) == connection.execute("PRAGMA user_version").fetchone()[0]
    assert [] == connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'extra'").fetchall()


def test_a_newer_database_is_not_touched(connection: sqlite3.Connection) -> None:
    """This program does not know what it means."""
    connection.execute("PRAGMA user_version = 999")

    with pytest.raises(NewerSchema, match="999"):
        migrate(connection)


def test_missing_numbers_are_a_mistake(tmp_path: Path) -> None:
    """Files are numbered from 1 without holes."""
    (tmp_path / "0002_second.sql").write_text("SELECT 1;")

    with pytest.raises(RuntimeError, match="numbered"):
        migrations(tmp_path)


def test_an_unfinished_statement_is_a_mistake() -> None:
    """A forgotten semicolon would silently drop the last statement."""
    assert ["SELECT 1;"] == list(statements("SELECT 1;\n-- the end\n"))
    with pytest.raises(RuntimeError, match="unfinished"):
        list(statements("SELECT 1;\nSELECT 2"))
