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

from server.errors import StoreUnavailable
from server.model.cursor import Cursor
from server.store.connection import DATABASE_NAME
from server.store.database import open_store
from server.store.migrations import (
    MAX_SCHEMA_VERSION,
    SCHEMA_FOLDER,
    NewerSchema,
    migrate,
    migrations,
    statements,
)
from server.store.soundness import MAX_MOVED_ASIDE
from server_unit_test.store.samples import START_MS, opened, records, stored_records

ROOT = Path(__file__).parents[2]

NEXT = """-- readable from 2
-- A second version, as a release might bring it.
ALTER TABLE records ADD COLUMN note TEXT NOT NULL DEFAULT '';
UPDATE records SET note = 'x;y'; -- a semicolon in a text ends nothing
CREATE TABLE extra (id INTEGER PRIMARY KEY);
INSERT INTO extra VALUES (1);
"""

MOMENTS_MAX = 40
"""More statements than a migration in these tests has."""

KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from server.store.migrations import migrate

left = int(sys.argv[3])

def count(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.set_trace_callback(count)
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


def test_a_kill_at_any_statement_leaves_the_old_version_or_the_new_one(
    tmp_path: Path, next_schema: Path
) -> None:
    """A real process is killed before each statement; what it leaves is whole and opens."""
    old, new = (len(migrations(SCHEMA_FOLDER)), False), (len(migrations(next_schema)), True)
    seen: list[tuple[int, bool]] = []
    for moment in range(1, MOMENTS_MAX):
        folder = tmp_path / str(moment)
        with opened(folder) as store:
            store.writer.commit(records(1, 3), {})
        code = killed(folder, next_schema, moment)
        seen.append(version(folder))
        with opened(folder, schema_folder=next_schema) as store:
            assert (3, "", None) == (store.head, store.problem, store.moved_aside)
        assert (new, records(1, 3)) == (version(folder), stored_records(folder))
        if code == 0:
            break
        assert -signal.SIGKILL == code

    assert len(seen) > 8
    assert [old] * (len(seen) - 1) + [new] == seen


def killed(folder: Path, schema: Path, moment: int) -> int:
    """Migrate in a process that is killed before its statement of that number; its exit code."""
    command = [sys.executable, "-c", KILLED, str(folder / DATABASE_NAME), str(schema), str(moment)]
    return subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode


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


def test_a_schema_that_this_machine_cannot_make_blames_no_database(
    tmp_path: Path, next_schema: Path
) -> None:
    """An older SQLite, or a mistake of ours: however often it is started, the readings stay."""
    folder = tmp_path / "data"
    with opened(folder) as store:
        store.writer.commit(records(1, 3), {})
    unknown = next_schema / f"{len(migrations(next_schema)) + 1:04}_unknown.sql"
    unknown.write_text("CREATE TABL more (id INTEGER);")

    for _ in range(MAX_MOVED_ASIDE + 2):
        with pytest.raises(StoreUnavailable, match="left as it was"):
            open_store(folder, schema_folder=next_schema)

    assert [] == list(folder.glob("*.corrupt-*"))
    unknown.unlink()
    with opened(folder, schema_folder=next_schema) as store:
        assert (3, "", None) == (store.head, store.problem, store.moved_aside)


def test_an_older_program_works_with_a_database_that_says_so(
    tmp_path: Path, next_schema: Path
) -> None:
    """It reads, commits, moves cursors and prunes; the newer one goes on where it stopped."""
    folder = tmp_path / "data"
    with opened(folder, schema_folder=next_schema) as store:
        store.writer.commit(records(1, 3), {"a": Cursor(2)})
        store.writer.quarantine("a", 1, "bad", START_MS)

    with opened(folder) as store:
        assert (3, "", None) == (store.head, store.problem, store.moved_aside)
        assert ({"a": Cursor(2)}, {"a": 1}) == (store.cursors, store.quarantined)
        store.writer.commit(records(4, 5), {"a": Cursor(4)})
    with opened(folder, schema_folder=next_schema) as store:
        assert (5, "", {"a": Cursor(4)}) == (store.head, store.problem, store.cursors)

    assert (len(migrations(next_schema)), True) == version(folder)
    assert records(1, 5) == stored_records(folder)


@pytest.mark.parametrize("declaration", ["", "-- readable from 3\n"])
def test_a_database_that_is_too_new_is_refused_and_left_as_it_is(
    tmp_path: Path, next_schema: Path, declaration: str
) -> None:
    """In words that say what to do; no file is changed, renamed or added."""
    path = next_schema / f"{len(migrations(next_schema)):04}_next.sql"
    path.write_text(declaration + NEXT.partition("\n")[2])
    folder = tmp_path / "data"
    with opened(folder, schema_folder=next_schema) as store:
        store.writer.commit(records(1, 3), {})
    before = {each.name: each.read_bytes() for each in folder.iterdir()}

    with pytest.raises(StoreUnavailable, match="newer version of Egret.*knows 2.*install"):
        open_store(folder)

    assert before == {each.name: each.read_bytes() for each in folder.iterdir()}


def test_a_log_that_a_newer_program_left_behind_stays(tmp_path: Path, next_schema: Path) -> None:
    """Its last commits may lie there alone, and are there when it comes back."""
    (next_schema / "0003_next.sql").write_text("CREATE TABLE extra (id INTEGER PRIMARY KEY);")
    folder, copy = tmp_path / "data", tmp_path / "copy"
    with opened(folder, schema_folder=next_schema) as store:
        store.writer.commit(records(1, 3), {})
        shutil.copytree(folder, copy)  # As a kill would leave it: everything is in the log.

    with pytest.raises(StoreUnavailable, match="newer version"):
        open_store(copy)

    with opened(copy, schema_folder=next_schema) as store:
        assert 3 == store.head
    assert records(1, 3) == stored_records(copy)


def test_a_version_that_nobody_made_is_damage(connection: sqlite3.Connection) -> None:
    """MAX_SCHEMA_VERSION is the last number that a file name has room for."""
    connection.execute(f"PRAGMA user_version = {MAX_SCHEMA_VERSION}")
    with pytest.raises(NewerSchema, match=str(MAX_SCHEMA_VERSION)):
        migrate(connection)

    connection.execute(f"PRAGMA user_version = {MAX_SCHEMA_VERSION + 1}")
    with pytest.raises(ValueError, match="no version"):
        migrate(connection)


@pytest.mark.parametrize("declared", [1, 4])
def test_a_floor_that_falls_or_lies_ahead_is_a_mistake(next_schema: Path, declared: int) -> None:
    """What version 2 is needed for, version 3 is needed for as well."""
    (next_schema / "0003_next.sql").write_text(f"-- readable from {declared}\nSELECT 1;")

    with pytest.raises(RuntimeError, match="readable from"):
        migrations(next_schema)


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
