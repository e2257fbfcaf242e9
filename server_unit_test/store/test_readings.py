"""Readers look, finish and are gone: bounded in rows and in work, and never in the way."""

import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import StoreUnavailable
from server.model.cursor import Span
from server.model.request import QueryHistory
from server.model.setting import MAX_BATCH_RECORDS
from server.store import readings
from server.store.connection import DATABASE_NAME
from server.store.database import Opened
from server.store.readings import MAX_READ_ROWS, MAX_READ_STEPS, Reader, open_reader
from server_unit_test.store.samples import EVERYTHING, START_MS, opened, record, records


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Opened]:
    """An open store."""
    with opened(tmp_path) as found:
        yield found


@pytest.fixture
def reader(store: Opened, tmp_path: Path) -> Iterator[Reader]:
    """A reader of it."""
    found = open_reader(tmp_path)
    yield found
    found.close()


def test_a_reader_hands_out_a_bounded_number(store: Opened, reader: Reader) -> None:
    """MAX_READ_ROWS, whatever is asked for."""
    store.writer.commit(records(1, MAX_READ_ROWS + 1), {})

    assert MAX_READ_ROWS == len(reader.after(EVERYTHING, 10**9))


def test_a_batch_as_large_as_may_be_set_is_read_at_once() -> None:
    """A span holds no more positions than one batch, and is taken for read as a whole."""
    assert MAX_BATCH_RECORDS <= MAX_READ_ROWS


def test_a_reader_works_a_bounded_time(
    store: Opened, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond MAX_READ_STEPS it gives up in words, and the next call is as good as the first."""
    store.writer.commit(records(1, 2000), {})
    monkeypatch.setattr(readings, "MAX_READ_STEPS", 1)
    reader._connection.set_progress_handler(reader._look, 10)
    with pytest.raises(StoreUnavailable, match="too long"):
        reader.after(EVERYTHING, 2000)
    monkeypatch.setattr(readings, "MAX_READ_STEPS", MAX_READ_STEPS)
    reader._connection.set_progress_handler(reader._look, 100_000)

    assert 2000 == len(reader.after(EVERYTHING, 2000))


def test_an_abort_breaks_a_read(store: Opened, reader: Reader) -> None:
    """From another thread; afterwards the reader is as good as new."""
    store.writer.commit(records(1, 2000), {})

    def break_off() -> int:
        thread = threading.Thread(target=reader.abort)
        thread.start()
        thread.join()
        return 0

    reader._connection.set_progress_handler(break_off, 5_000)
    with pytest.raises(StoreUnavailable, match="broken off"):
        reader.after(EVERYTHING, 2000)
    reader._connection.set_progress_handler(None, 0)

    assert 2000 == len(reader.after(EVERYTHING, 2000))
    reader.close()
    reader.abort()


def test_no_read_stays_open(store: Opened, reader: Reader, tmp_path: Path) -> None:
    """An open read would keep the log from being moved into the database."""
    store.writer.commit(records(1, 10), {})
    reader.after(EVERYTHING, 5)
    reader.history(QueryHistory("A1", "pv_power", START_MS, START_MS + 60_000, 5))

    busy, _, _ = store.writer._connection.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    assert (0, 0) == (busy, os.stat(tmp_path / f"{DATABASE_NAME}-wal").st_size)


def test_a_reader_cannot_write(store: Opened, reader: Reader) -> None:
    """Whatever mistake we make."""
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM records")


def test_devices_that_came_later_have_their_names(store: Opened, reader: Reader) -> None:
    """Names are remembered, and learned when a new one appears."""
    store.writer.commit([record(1)], {})
    first = reader.after(EVERYTHING, 10)
    store.writer.commit([record(2, "B2")], {})

    second = reader.after(Span(1, 10), 10)

    assert ["A1", "B2"] == [each.record.reading.device for each in (*first, *second)]


def test_a_damaged_record_is_handed_out_empty(
    store: Opened, reader: Reader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is invented, and no sink is stuck behind it."""
    store.writer.commit(records(1, 3), {})
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as sql:
        sql.execute("UPDATE records SET body = CAST(body || 'x' AS BLOB) WHERE position = 2")
        sql.commit()

    found = reader.after(EVERYTHING, 10)

    assert [{"pv_power": 1.0}, {}, {"pv_power": 3.0}] == [
        each.record.reading.values for each in found
    ]
    assert "record damaged" in caplog.text


COLUMNS = "boot sequence device taken_at_ms uptime_ms clock body words crc".split()
DAMAGE = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.binary(max_size=8)
    | st.just(b"\x81\xa1a\xc0")
)


def damage(folder: Path, column: str, value: object, as_text: bool = False) -> None:
    """Put any value of any type into the second row, as a flipped bit might."""
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as sql:
        kind = "CAST(? AS TEXT)" if as_text else "?"
        sql.execute(f"UPDATE OR REPLACE damaged SET {column} = {kind} WHERE position = 2", (value,))
        sql.commit()


def loosen(folder: Path) -> None:
    """Make the records a table that takes anything, under the name `damaged` and its own."""
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as sql:
        columns = ", ".join(COLUMNS)
        sql.executescript(
            f"CREATE TABLE damaged (position INTEGER PRIMARY KEY, {columns});"
            "INSERT INTO damaged SELECT * FROM records; DROP TABLE records;"
            "CREATE VIEW records AS SELECT * FROM damaged;"
        )


@settings(max_examples=100)
@given(st.sampled_from(COLUMNS), DAMAGE, st.booleans())
def test_whatever_is_damaged_the_reader_goes_on(column: str, value: object, as_text: bool) -> None:
    """Every column, every type: the record is there at its place, and its neighbours are whole."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with opened(folder) as store:
            store.writer.commit(records(1, 3), {})
        loosen(folder)
        damage(folder, column, value, as_text)
        with closing(open_reader(folder)) as reader:
            found = reader.after(EVERYTHING, 10)
            reader.history(QueryHistory("A1", "pv_power", START_MS, START_MS + 60_000, 5))

    first, middle, last = (each.record for each in found)
    assert [1, 2, 3] == [each.position for each in found]
    assert records(1, 3)[::2] == [first, last]
    reading = middle.reading
    assert [int] * 4 == [
        type(each)
        for each in (middle.boot, middle.sequence, reading.taken_at_ms, reading.uptime_ms)
    ]
    assert reading.values in ({}, {"pv_power": 2.0})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("clock", 3),
        ("clock", -1),
        ("clock", "1"),
        ("boot", -1),
        ("sequence", None),
        ("taken_at_ms", 2**62),
        ("uptime_ms", 1.5),
        ("device", 77),
        ("crc", "x"),
    ],
)
def test_a_record_with_an_impossible_column_has_no_values(
    store: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture, column: str, value: object
) -> None:
    """Nothing else of it can be trusted either; what can be read of its identity is kept."""
    store.writer.commit(records(1, 3), {})
    loosen(tmp_path)
    damage(tmp_path, column, value)
    with closing(open_reader(tmp_path)) as reader:
        middle = reader.after(EVERYTHING, 10)[1].record

    assert ({}, {}) == (middle.reading.values, middle.reading.words)
    assert column == "sequence" or 2 == middle.sequence
    assert "record damaged" in caplog.text


def test_a_missing_database_is_said(tmp_path: Path) -> None:
    """With its path; and none is made."""
    with pytest.raises(StoreUnavailable, match=DATABASE_NAME):
        open_reader(tmp_path)

    assert [] == list(tmp_path.iterdir())
