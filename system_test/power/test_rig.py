"""The rig has teeth: what is synced survives it, and what is not synced does not.

A test of durability that cannot fail proves nothing, so here the same programs run once as they
should and once with a sync left out, and the second kind must be caught.
"""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from system_test.power.disk import Cut
from system_test.power.drive import Drive
from system_test.power.mount_point import require_fuse
from system_test.processes import ROOT

pytestmark = pytest.mark.system

CHANGES_MAX = 160
"""A cut falls within so many writes and syncs: some forty commits with their checkpoints."""

TEETH_CUTS = 20
"""Cuts within which a missing sync must have been caught, from the seeds given here."""

WRITER_TIMEOUT_S = 30.0
"""A writer ends by itself once the power is gone."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What a writer believed to be safe (0: nothing yet), and what was found (None: torn)."""

    promised: int
    found: int | None


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    """A mounted disk."""
    require_fuse()
    with Drive(tmp_path / "disk") as drive:
        yield drive


def write_until_cut(drive: Drive, kind: str, way: str) -> int:
    """Run a writer until the power goes; returns the last step that it believed to be safe."""
    written = subprocess.run(
        [sys.executable, "-m", "system_test.power.writers", kind, str(drive.path), way],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WRITER_TIMEOUT_S,
        check=True,
    )
    steps = written.stdout.split()
    return int(steps[-1]) if steps else 0


def _rows_of(database: sqlite3.Connection) -> int | None:
    if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        return None
    if not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        return 0
    rows, last = database.execute("SELECT count(*), coalesce(max(n), 0) FROM rows").fetchone()
    return int(rows) if rows == last else None


def rows_found(drive: Drive) -> int | None:
    """How many rows there are without a hole, None when the database is damaged."""
    path = drive.path / "rows.db"
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(path)) as database:
            return _rows_of(database)
    except sqlite3.DatabaseError:
        return None


def file_found(drive: Drive) -> int | None:
    """Which version of the file there is (0: none), None when it is torn."""
    path = drive.path / "settings.json"
    if not path.exists():
        return 0
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return None
    return int(content["n"])


def cut_again_and_again(
    drive: Drive, kind: str, way: str, mode: Cut, cuts: int, seed: int
) -> list[Aftermath]:
    """Write, cut, look, and go on with what is left; stops early once something is torn."""
    random = Random(seed)
    found = rows_found if kind == "rows" else file_found
    aftermaths = []
    promised = 0
    for _ in range(cuts):
        drive.cut(mode, random.getrandbits(32), after=random.randint(1, CHANGES_MAX))
        promised = max(promised, write_until_cut(drive, kind, way))
        drive.restore()
        aftermath = Aftermath(promised, found(drive))
        aftermaths.append(aftermath)
        if aftermath.found is None:
            break
        promised = aftermath.found
    return aftermaths


def lost(aftermaths: list[Aftermath]) -> list[Aftermath]:
    """Those in which something promised was missing, or torn."""
    return [each for each in aftermaths if each.found is None or each.found < each.promised]


@pytest.mark.parametrize("mode", list(Cut))
def test_sqlite_with_full_sync_loses_no_commit(drive: Drive, mode: Cut, rounds: int) -> None:
    """WAL with synchronous=FULL keeps every commit that it reported, over all cuts."""
    aftermaths = cut_again_and_again(drive, "rows", "FULL", mode, rounds, seed=11)

    assert (rounds, []) == (len(aftermaths), lost(aftermaths))


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
@pytest.mark.parametrize("mode", list(Cut))
def test_sqlite_without_full_sync_loses_commits(drive: Drive, synchronous: str, mode: Cut) -> None:
    """The rig catches the weaker settings, in either mode."""
    aftermaths = cut_again_and_again(drive, "rows", synchronous, mode, TEETH_CUTS, seed=12)

    assert [] != lost(aftermaths)


@pytest.mark.parametrize("mode", list(Cut))
def test_the_full_recipe_is_never_torn(drive: Drive, mode: Cut, rounds: int) -> None:
    """Temporary file, fsync, rename, fsync of the folder: the last reported version is there."""
    aftermaths = cut_again_and_again(drive, "file", "full", mode, rounds, seed=13)

    assert (rounds, []) == (len(aftermaths), lost(aftermaths))


def test_a_rename_without_sync_of_the_folder_is_lost(drive: Drive) -> None:
    """Without the last step the old version comes back, though it is never torn."""
    aftermaths = cut_again_and_again(drive, "file", "file", Cut.DROP, TEETH_CUTS, seed=14)

    assert (True, []) == (
        bool(lost(aftermaths)),
        [each for each in aftermaths if each.found is None],
    )


@pytest.mark.parametrize("mode", list(Cut))
def test_a_rename_without_sync_of_the_file_is_torn(drive: Drive, mode: Cut) -> None:
    """The new name may stand before its content does: an empty or torn file."""
    aftermaths = cut_again_and_again(drive, "file", "folder", mode, TEETH_CUTS, seed=15)

    assert None in [each.found for each in aftermaths]


def test_two_connections_see_each_other_through_the_mount(drive: Drive) -> None:
    """Shared memory and locks work, so SQLite's readers follow its writer."""
    with closing(sqlite3.connect(drive.path / "rows.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE rows (n)")
        uri = f"file:{drive.path}/rows.db?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as reader:
            counts = []
            for number in range(3):
                writer.execute("INSERT INTO rows VALUES (?)", (number,))
                counts.append(reader.execute("SELECT count(*) FROM rows").fetchone()[0])

    assert [1, 2, 3] == counts


def test_what_was_appended_and_synced_survives(drive: Drive) -> None:
    """O_APPEND and fsync work as on any disk."""
    path = drive.path / "log"
    for line in (b"one\n", b"two\n"):
        with open(path, "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    folder = os.open(drive.path, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    with open(path, "ab") as file:
        file.write(b"three\n")

    drive.cut(Cut.DROP, seed=1)
    drive.restore()

    assert b"one\ntwo\n" == path.read_bytes()


def test_nothing_can_be_written_once_the_power_is_gone(drive: Drive) -> None:
    """Between the cut and the next mount every operation fails."""
    drive.cut(Cut.DROP, seed=1)

    with pytest.raises(OSError, match="Input/output error"):
        (drive.path / "late").write_bytes(b"x")
