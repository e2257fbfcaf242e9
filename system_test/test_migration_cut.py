"""The power fails while a database is brought to a new schema: it is the old one or the new one.

Each write and each sync of the migration is a moment; before each of them the power is cut once,
on a disk that forgets what was not synced or keeps a random part of it.
"""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.store.connection import DATABASE_NAME
from server.store.migrations import SCHEMA_FOLDER, migrations
from server_unit_test.store.samples import opened, records, stored_records
from system_test.power.disk import Cut
from system_test.power.drive import Drive
from system_test.power.mount_point import require_fuse
from system_test.processes import ROOT

MOMENTS_MAX = 200
"""More changes and syncs than there are up to the commit of this migration, and the next few."""

MOMENTS_AFTER = 20
"""Moments looked at once the new version counts: the log is being moved into the database then."""

MIGRATION_TIMEOUT_S = 60.0

NEXT = """-- readable from 2
ALTER TABLE records ADD COLUMN note TEXT NOT NULL DEFAULT '';
CREATE TABLE extra (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
INSERT INTO extra SELECT position, randomblob(500) FROM records;
CREATE INDEX by_note ON records (note);
"""

MIGRATE = """
import sys
from pathlib import Path
from server.store.database import open_store
open_store(Path(sys.argv[1]), schema_folder=Path(sys.argv[2])).writer.close()
"""

RECORDS = 40

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    """A mounted disk for the database."""
    require_fuse()
    with Drive(tmp_path / "disk") as drive:
        yield drive


@pytest.fixture
def next_schema(tmp_path: Path) -> Path:
    """The released schema and one more file."""
    folder = tmp_path / "schema"
    shutil.copytree(SCHEMA_FOLDER, folder)
    (folder / f"{len(migrations(SCHEMA_FOLDER)) + 1:04}_next.sql").write_text(NEXT)
    return folder


def migrate(folder: Path, schema: Path) -> None:
    """Open the store with the new schema, in a process of its own that loses its disk."""
    command = [sys.executable, "-c", MIGRATE, str(folder), str(schema)]
    subprocess.run(
        command,
        cwd=ROOT,
        timeout=MIGRATION_TIMEOUT_S,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def version(folder: Path) -> tuple[int, int]:
    """The version of the schema, and how many of its rows are there."""
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as sql:
        found = sql.execute("PRAGMA user_version").fetchone()[0]
        known = sql.execute("SELECT 1 FROM sqlite_schema WHERE name = 'extra'").fetchone()
        rows = sql.execute("SELECT count(*) FROM extra").fetchone()[0] if known else 0
    return found, rows


@pytest.mark.parametrize("mode", list(Cut))
def test_a_migration_is_whole_or_not_at_all(drive: Drive, next_schema: Path, mode: Cut) -> None:
    """Whatever is left opens, old program or new, with every reading in it."""
    old, new = (len(migrations(SCHEMA_FOLDER)), 0), (len(migrations(next_schema)), RECORDS)
    seen = []
    for moment in range(1, MOMENTS_MAX):
        folder = drive.path / f"store-{moment}"
        with opened(folder, synchronous="FULL") as store:
            store.writer.commit(records(1, RECORDS), {})
        drive.cut(mode, seed=moment, after=moment)
        migrate(folder, next_schema)
        drive.restore()
        seen.append(version(folder))
        for schema in (SCHEMA_FOLDER, next_schema):
            with opened(folder, schema_folder=schema) as store:
                assert (RECORDS, "", None) == (store.head, store.problem, store.moved_aside)
        assert (new, records(1, RECORDS)) == (version(folder), stored_records(folder))
        if seen.count(new) == MOMENTS_AFTER:
            break

    print(f"{len(seen)} moments, {seen.count(old)} before it counted")
    assert [old] * seen.count(old) + [new] * MOMENTS_AFTER == seen and old in seen
