"""Damage is found as far as it can be afforded, put aside and never fatal."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from server.store import soundness
from server.store.connection import DATABASE_NAME
from server.store.faults import SUSPECT_NAME, suspect
from server.store.migrations import MAX_SCHEMA_VERSION
from server.store.soundness import MAX_MOVED_ASIDE, Standing
from server_unit_test.store.samples import opened, positions, records

Damage = Callable[[Path], None]


def filled(folder: Path) -> Path:
    """A database of some hundred pages, closed cleanly; returns its file."""
    with opened(folder) as store:
        store.writer.commit(records(1, 500, padding=100), {})
    return folder / DATABASE_NAME


def overwrite(path: Path, at: int, content: bytes) -> None:
    """Write over a part of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def garbage_header(path: Path) -> None:
    """The first bytes are no database's."""
    overwrite(path, 0, b"no database at all")


def only_text(path: Path) -> None:
    """A text file."""
    path.write_text("hello")


def cut(path: Path) -> None:
    """Half of the file is missing."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def absurd_version(path: Path) -> None:
    """The version of the schema is one that nobody can have made."""
    with closing(sqlite3.connect(path)) as sql:
        sql.execute(f"PRAGMA user_version = {MAX_SCHEMA_VERSION + 1}")


def no_table(path: Path) -> None:
    """A table is missing."""
    with closing(sqlite3.connect(path)) as sql:
        sql.execute("DROP TABLE sinks")


def no_mark(path: Path) -> None:
    """A row that must be there is missing."""
    with closing(sqlite3.connect(path)) as sql:
        sql.execute("DELETE FROM marks")
        sql.commit()


def foreign_cursor(path: Path) -> None:
    """A cursor that makes no sense."""
    with closing(sqlite3.connect(path)) as sql:
        sql.execute("INSERT INTO sinks VALUES ('a', 1, '[[5,2]]')")
        sql.commit()


def flipped_after_a_crash(path: Path) -> None:
    """Pages in the middle are rubbish, and a log was left behind."""
    overwrite(path, path.stat().st_size // 2 // 2048 * 2048, b"\xff" * 8192)
    path.with_name(f"{DATABASE_NAME}-wal").write_bytes(b"a log of which nothing is left")


def flipped_and_suspect(path: Path) -> None:
    """Pages in the middle are rubbish, and somebody met them while running."""
    overwrite(path, path.stat().st_size // 2 // 2048 * 2048, b"\xff" * 8192)
    suspect(path.parent)


@pytest.mark.parametrize(
    "damage",
    [
        garbage_header,
        only_text,
        cut,
        absurd_version,
        no_table,
        no_mark,
        foreign_cursor,
        flipped_after_a_crash,
        flipped_and_suspect,
    ],
)
def test_a_damaged_database_is_moved_aside_and_the_box_starts(
    tmp_path: Path, damage: Damage
) -> None:
    """An empty one is begun, the words say where the old one is, and the next start is quiet."""
    path = filled(tmp_path)
    damage(path)
    content = path.read_bytes()

    with opened(tmp_path) as store:
        store.writer.commit(records(1, 2), {})

        aside = tmp_path / f"{DATABASE_NAME}.corrupt-1"
        assert (aside, content) == (store.moved_aside, aside.read_bytes())
        assert str(aside) in store.problem
    assert [1, 2] == positions(tmp_path)
    with opened(tmp_path) as store:
        assert (None, "", 2) == (store.moved_aside, store.problem, store.head)


def test_the_log_moves_with_its_database(tmp_path: Path) -> None:
    """A new database must never meet an old log."""
    path = filled(tmp_path)
    garbage_header(path)
    path.with_name(f"{DATABASE_NAME}-wal").write_bytes(b"log")

    with opened(tmp_path) as store:
        assert store.head == 0

    assert b"log" == (tmp_path / f"{DATABASE_NAME}.corrupt-1-wal").read_bytes()


def test_a_bounded_number_is_kept(tmp_path: Path) -> None:
    """The newest MAX_MOVED_ASIDE; numbers are not used again."""
    for number in range(MAX_MOVED_ASIDE + 2):
        (tmp_path / DATABASE_NAME).write_text(f"rubbish {number}")
        with opened(tmp_path):
            pass

    kept = sorted(path.name for path in tmp_path.glob("*.corrupt-*"))
    assert [f"{DATABASE_NAME}.corrupt-{number}" for number in (3, 4, 5)] == kept


def test_a_sound_database_loses_its_suspicion(tmp_path: Path) -> None:
    """Every page was looked at and is fine: the mark goes, the records stay."""
    filled(tmp_path)
    suspect(tmp_path)

    with opened(tmp_path) as store:
        assert ("", 500) == (store.problem, store.head)
    assert not (tmp_path / SUSPECT_NAME).exists()


def test_a_clean_stop_leaves_no_log(tmp_path: Path) -> None:
    """Which is how the next start knows that it was clean."""
    filled(tmp_path)

    assert not soundness.standing(tmp_path).unclean


@pytest.mark.parametrize(
    ("state", "looks_at_all"),
    [
        (Standing(unclean=False, suspect=False, size_bytes=10), False),
        (Standing(True, False, soundness.QUICK_CHECK_MAX_BYTES), True),
        (Standing(True, False, soundness.QUICK_CHECK_MAX_BYTES + 1), False),
        (Standing(False, True, soundness.QUICK_CHECK_MAX_BYTES + 1), True),
    ],
)
def test_every_page_is_checked_only_where_it_can_be_afforded(
    tmp_path: Path, state: Standing, looks_at_all: bool
) -> None:
    """After an unclean stop up to QUICK_CHECK_MAX_BYTES, and always when damage was met."""
    path = filled(tmp_path)
    asked: list[str] = []

    with closing(sqlite3.connect(path)) as sql:
        sql.set_trace_callback(asked.append)
        fault = soundness.check(sql, state)

    assert ("", looks_at_all) == (fault, any("quick_check" in each for each in asked))
