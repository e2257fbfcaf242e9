"""A commit happens whole or not at all, and the very same batch can be given again."""

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from server.errors import StoreFull, StoreUnavailable
from server.model.cursor import Cursor
from server.model.delivery import Quarantined, Retention
from server.model.reading import Record, Value
from server.model.request import Point, QueryHistory
from server.store import database
from server.store.ballast import BALLAST_NAME
from server.store.connection import DATABASE_NAME
from server.store.faults import SUSPECT_NAME
from server.store.readings import open_reader
from server.store.writer import Writer
from server_unit_test.store.samples import (
    NO_LIMIT,
    PLENTY,
    START_MS,
    opened,
    positions,
    record,
    records,
    stored_records,
)

MAX_PAGES = 120
ROOT = Path(__file__).parents[2]

KILLED = """
import os, signal, sys
from pathlib import Path
from server.model.cursor import Cursor
from server.store.database import open_store
from server_unit_test.store.samples import records

writer = open_store(Path(sys.argv[1])).writer
writer.commit(records(1, 5), {"sink": Cursor(2)})
seen = 0

def kill(statement):
    global seen
    seen += sys.argv[2] in statement
    if seen == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

writer._connection.sql.set_trace_callback(kill)
writer.commit(records(61, 70), {"sink": Cursor(4)})
"""


def curve(folder: Path, device: str = "A1", minutes: int = 600) -> tuple[Point, ...]:
    """The whole curve of a device."""
    reader = open_reader(folder)
    try:
        return reader.history(
            QueryHistory(device, "pv_power", START_MS, START_MS + minutes * 60_000, 2000)
        ).points
    finally:
        reader.close()


def fill(writer: Writer, batch: int = 10) -> Sequence[Record]:
    """Commit until no space is left; return the batch that found none."""
    for first in range(1, 100_000, batch):
        given = records(first, first + batch - 1, padding=100)
        try:
            writer.commit(given, {"sink": Cursor(0)})
        except StoreFull:
            return given
    raise AssertionError("the store never became full")


def test_a_full_store_takes_nothing_and_after_pruning_the_same_batch(tmp_path: Path) -> None:
    """Nothing half-written: neither records nor cursors nor curves; then everything."""
    with opened(tmp_path, max_pages=MAX_PAGES) as store:
        refused = fill(store.writer)
        before, before_curve = stored_records(tmp_path), curve(tmp_path)
        with pytest.raises(StoreFull, match="no space"):
            store.writer.commit(refused, {"sink": Cursor(5)})
        assert (before, before_curve) == (stored_records(tmp_path), curve(tmp_path))
        assert {"sink": Cursor(0)} == store.writer.cursors

        pruned = store.writer.prune(NO_LIMIT, START_MS)
        committed = store.writer.commit(refused, {"sink": Cursor(pruned.upto)})

    assert (len(refused), {"sink": pruned.removed}) == (committed.added, dict(pruned.dropped))
    assert list(refused) == stored_records(tmp_path)[-len(refused) :]


def test_a_full_store_makes_room_and_no_more_than_that(tmp_path: Path) -> None:
    """Once the file has spare pages to go on with, pruning stops, though the disk is full."""
    with opened(tmp_path, max_pages=2000, free=lambda: 0) as store:
        fill(store.writer, 200)
        head = store.writer.head
        slices = 1
        while store.writer.prune(NO_LIMIT, START_MS).more:
            slices += 1

        assert slices < 10
        assert 0 < len(positions(tmp_path)) < head


def test_a_commit_tells_the_size_that_it_made(tmp_path: Path) -> None:
    """Whoever makes room after a full disk goes by it."""
    with opened(tmp_path) as store:
        first = store.writer.commit(records(1, 10), {}).size_bytes
        second = store.writer.commit(records(11, 1000), {}).size_bytes

        assert second == store.writer._connection.usage().size_bytes
        assert second > first + 50_000


def test_the_ballast_goes_when_full_and_comes_back_with_space(tmp_path: Path) -> None:
    """Made again by pruning, once twice its size is free beyond what others are left."""
    free = [10**9]
    ballast = tmp_path / BALLAST_NAME
    with opened(tmp_path, max_pages=MAX_PAGES, ballast_bytes=4096, free=lambda: free[0]) as store:
        assert ballast.exists()
        fill(store.writer)
        assert not ballast.exists()
        free[0] = 10_000
        store.writer.prune(Retention(PLENTY, PLENTY, 5_000), START_MS)
        assert not ballast.exists()
        free[0] = 13_192
        store.writer.prune(Retention(PLENTY, PLENTY, 5_000), START_MS)

        assert ballast.exists()


def test_a_busy_database_is_unavailable_and_the_batch_is_taken_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else holds the write lock."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.0)
    with opened(tmp_path) as store:
        with closing(sqlite3.connect(tmp_path / DATABASE_NAME, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                store.writer.commit(records(1, 3), {})
            other.execute("ROLLBACK")

        assert 3 == store.writer.commit(records(1, 3), {}).added


def test_an_abort_breaks_the_call_and_the_batch_is_taken_later(tmp_path: Path) -> None:
    """From another thread, in the middle of the statements; nothing of it is on disk."""
    with opened(tmp_path) as store:
        sql = store.writer._connection.sql

        def break_off(statement: str) -> None:
            if statement.startswith("INSERT INTO records"):
                thread = threading.Thread(target=store.writer.abort)
                thread.start()
                thread.join()

        sql.set_trace_callback(break_off)
        with pytest.raises(StoreUnavailable, match="too long"):
            store.writer.commit(records(1, 20), {"a": Cursor(1)})
        sql.set_trace_callback(None)
        assert ([], {}) == (positions(tmp_path), store.writer.cursors)

        assert 20 == store.writer.commit(records(1, 20), {"a": Cursor(1)}).added
    store.writer.abort()


def test_a_failed_commit_leaves_curves_and_positions_alone(tmp_path: Path) -> None:
    """Memory is never ahead of the disk, also when a minute was about to be written."""
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 30), {})
        sql = store.writer._connection.sql
        sql.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON marks BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                store.writer.commit(records(70, 80, device="B2"), {})
        sql.execute("DROP TRIGGER refuse")
        store.writer.commit(records(70, 80, device="B2"), {})

        assert 41 == store.writer.head
        assert [15.5] == [point.mean for point in curve(tmp_path)]
        assert [75.0] == [point.mean for point in curve(tmp_path, "B2")]


def test_a_retry_after_a_restart_counts_nothing_twice(tmp_path: Path) -> None:
    """The kill came after the commit and before its answer."""
    batch = records(1, 10)
    with opened(tmp_path) as store:
        store.writer.commit(batch, {})
    with opened(tmp_path) as store:
        again = store.writer.commit([*batch, record(11)], {})
        store.writer.commit([record(200)], {})

        assert (1, 11) == (again.added, again.head)
        assert [6.0, 200.0] == [point.mean for point in curve(tmp_path)]


def test_damage_met_while_running_is_said_and_remembered(tmp_path: Path) -> None:
    """The next start looks at every page."""
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 300, padding=100), {})
        store.writer.commit([record(400)], {})
    path = tmp_path / DATABASE_NAME
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 2048 * 2048)
        file.write(b"\xff" * 4096)

    with opened(tmp_path) as store:
        assert "" == store.problem
        with pytest.raises(StoreUnavailable, match="next start"):
            store.writer.prune(Retention(0, PLENTY, 0), START_MS)
        assert (tmp_path / SUSPECT_NAME).exists()
    with opened(tmp_path) as store:
        assert store.moved_aside is not None


def test_a_bug_in_a_batch_rolls_back(tmp_path: Path) -> None:
    """A word that is no word is a mistake of ours; the next batch is none the worse."""
    bad = record(1)
    bad.reading.words[70_000] = 1  # type: ignore[index]
    with opened(tmp_path) as store:
        with pytest.raises(Exception, match="format"):
            store.writer.commit([bad], {})

        assert 1 == store.writer.commit([record(2, "B2")], {}).head


def test_a_cursor_and_the_refusal_it_steps_over_are_one_transaction(tmp_path: Path) -> None:
    """A kill leaves both or neither: no record is passed over without a trace."""
    refusal = Quarantined("a", 1, "no such meter", START_MS)
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 3), {"a": Cursor(0)})
        sql = store.writer._connection.sql
        sql.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON quarantine BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
        with pytest.raises(StoreUnavailable):
            store.writer.commit([], {"a": Cursor(1)}, [refusal])
        assert {"a": Cursor(0)} == store.writer.cursors
        sql.execute("DROP TRIGGER refuse")
        for _ in range(2):
            store.writer.commit([], {"a": Cursor(1)}, [refusal])
        rows = sql.execute("SELECT * FROM quarantine").fetchall()

    assert [("a", 1, "no such meter", START_MS)] == rows
    with opened(tmp_path) as store:
        assert ({"a": Cursor(1)}, {"a": 1}) == (store.cursors, store.quarantined)


def test_a_refusal_without_anything_else_is_written(tmp_path: Path) -> None:
    """Also when its cursor is where it was."""
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 1), {"a": Cursor(1)})
        store.writer.commit([], {"a": Cursor(1)}, [Quarantined("a", 1, "bad", START_MS)])

    with opened(tmp_path) as store:
        assert {"a": 1} == store.quarantined


@pytest.mark.parametrize(
    "wrong", [2**64, -(2**63) - 1, 10**400, "\ud800", object()], ids=lambda each: str(type(each))
)
def test_values_that_cannot_be_packed_cost_no_words_and_no_commit(
    tmp_path: Path, wrong: Value, caplog: pytest.LogCaptureFixture
) -> None:
    """The words are kept, the other records are whole, and it is said once for a device."""
    bad = [record(2, values={"pv_power": wrong}), record(3, values={"pv_power": wrong})]
    with opened(tmp_path) as store:
        store.writer.commit([record(1), *bad, record(4)], {})
        store.writer.commit([record(200)], {})
        found = [each.reading for each in stored_records(tmp_path)]

        assert [{"pv_power": 1.0}, {}, {}, {"pv_power": 4.0}] == [e.values for e in found[:4]]
        assert [each.reading.words for each in bad] == [each.words for each in found[1:3]]
        assert [2.5, 200.0] == [point.mean for point in curve(tmp_path)]
    assert 1 == caplog.text.count("values cannot be stored")


@pytest.mark.parametrize("number", [2**64 - 1, float("inf"), -1e308, float("nan")])
def test_extreme_numbers_stop_no_commit(tmp_path: Path, number: Value) -> None:
    """Nor a sum that grows beyond what a number can be, minute by minute and hour by hour."""
    with opened(tmp_path) as store:
        for first in (1, 4, 70, 200):
            batch = records(first, first + 2, values={"pv_power": number})
            assert 3 == store.writer.commit(batch, {}).added

        assert curve(tmp_path, minutes=10) is not None
    with opened(tmp_path) as store:
        assert 12 == store.head


def test_forgetting_a_sink_removes_what_it_left(tmp_path: Path) -> None:
    """Its cursor and its refusals; other sinks keep theirs."""
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 3), {"a": Cursor(1), "b": Cursor(2)})
        for sink in ("a", "b"):
            store.writer.quarantine(sink, 1, "bad", START_MS)
        store.writer.forget_sink("a")
        store.writer.commit([], {"a": Cursor(3)})

    with opened(tmp_path) as store:
        assert ({"a": Cursor(3), "b": Cursor(2)}, {"b": 1}) == (store.cursors, store.quarantined)


def test_closing_while_somebody_reads_loses_nothing(tmp_path: Path) -> None:
    """After CLOSE_TIMEOUT_MS the log stays, and the next start finds everything in it."""
    reader = open_reader_after_first(tmp_path)
    reader.close()

    assert [1, 2, 3] == positions(tmp_path)


def open_reader_after_first(folder: Path):  # type: ignore[no-untyped-def]
    """A reader that outlives the writer."""
    with opened(folder) as store:
        store.writer.commit(records(1, 3), {})
        reader = open_reader(folder)
        reader._connection.execute("BEGIN")
        reader._connection.execute("SELECT count(*) FROM records").fetchall()
    return reader


@pytest.mark.parametrize(
    ("statement", "time"),
    [("INSERT INTO records", 6), ("INTO sinks", 1), ("INTO minutes", 1), ("COMMIT", 1)],
)
def test_a_kill_in_the_middle_of_a_commit_leaves_what_was_there(
    tmp_path: Path, statement: str, time: int
) -> None:
    """A real process is killed between two statements: neither records, cursors nor minutes."""
    command = [sys.executable, "-c", KILLED, str(tmp_path), statement, str(time)]

    killed = subprocess.run(command, cwd=ROOT, timeout=60, check=False)

    assert -signal.SIGKILL == killed.returncode
    with opened(tmp_path) as store:
        assert (5, "", {"sink": Cursor(2)}) == (store.head, store.problem, store.cursors)
        assert [3.0] == [point.mean for point in curve(tmp_path)]
        assert 10 == store.writer.commit(records(61, 70), {"sink": Cursor(4)}).added
        assert [3.0, 65.5] == [point.mean for point in curve(tmp_path)]
