"""Once the clock is known, what was stamped before gets its true time, and curves follow."""

from pathlib import Path

import pytest

from server.errors import StoreUnavailable
from server.model.reading import ClockQuality, Record
from server.model.request import QueryHistory
from server.store import correction
from server.store.correction import CORRECT_SLICE_ROWS
from server.store.readings import open_reader
from server_unit_test.store.samples import BOOT, START_MS, everything, opened, record

GUESS_MS = START_MS - 40 * 86_400_000


def unsynced(first: int, last: int, guess_ms: int = GUESS_MS) -> list[Record]:
    """Records a second apart, stamped by a clock that guesses."""
    return [
        record(number, at_ms=guess_ms + 1000 * number, clock=ClockQuality.UNSYNCED)
        for number in range(first, last + 1)
    ]


def times(folder: Path) -> list[int]:
    """When records were taken, relative to START_MS, in order of commit."""
    return [each.record.reading.taken_at_ms - START_MS for each in everything(folder)]


def means(folder: Path, from_ms: int) -> list[float]:
    """The curve of five minutes from there on."""
    reader = open_reader(folder)
    try:
        query = QueryHistory("A1", "pv_power", from_ms, from_ms + 300_000, 10)
        return [point.mean for point in reader.history(query).points]
    finally:
        reader.close()


@pytest.mark.parametrize("guess_ms", [START_MS - 3000, START_MS + 3000, START_MS, GUESS_MS])
def test_records_move_without_getting_into_each_others_way(tmp_path: Path, guess_ms: int) -> None:
    """Forwards onto times that others still hold, backwards, or not at all: exact to the ms."""
    with opened(tmp_path) as store:
        store.writer.commit(unsynced(1, 10, guess_ms), {})

        assert 10 == store.writer.correct_clock(BOOT, 0, START_MS)
        assert 0 == store.writer.correct_clock(BOOT, 0, START_MS)
        assert [1000 * number for number in range(1, 11)] == times(tmp_path)


def test_a_corrected_record_never_shares_a_millisecond(tmp_path: Path) -> None:
    """It moves on past those that were there."""
    with opened(tmp_path) as store:
        store.writer.commit(unsynced(1, 1), {})
        store.writer.commit([record(2, at_ms=START_MS + 1000)], {})
        store.writer.correct_clock(BOOT, 0, START_MS)

        assert [1001, 1000] == times(tmp_path)


def test_curves_follow(tmp_path: Path) -> None:
    """Nothing is left where it was guessed, nothing counts twice, also over a restart."""
    with opened(tmp_path) as store:
        store.writer.commit(unsynced(0, 90), {})
        store.writer.commit([record(91), record(150)], {})
        store.writer.correct_clock(BOOT, 0, START_MS)
        store.writer.commit([record(200)], {})
        expected = [29.5, sum([*range(60, 92)]) / 32, 150.0, 200.0]

        assert [[], expected] == [means(tmp_path, GUESS_MS), means(tmp_path, START_MS)]
        sql = store.writer._connection.sql
        assert [(3,), (1,)] == [
            sql.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("minutes", "hours")
        ]
    with opened(tmp_path):
        assert expected == means(tmp_path, START_MS)


def test_the_newest_time_of_a_device_follows(tmp_path: Path) -> None:
    """In memory and on disk, but not where a synced record is newer."""
    with opened(tmp_path) as store:
        store.writer.commit([*unsynced(1, 5), record(6, "B2")], {})
        store.writer.correct_clock(BOOT, 0, START_MS)
        assert {"A1": START_MS + 5000, "B2": START_MS + 6000} == store.writer.last_taken_at_ms

    with opened(tmp_path) as store:
        assert {"A1": START_MS + 5000, "B2": START_MS + 6000} == store.last_taken_at_ms


def test_many_records_move_in_slices_that_each_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CORRECT_SLICE_ROWS in one transaction; what is done stays done when it is broken off."""
    assert CORRECT_SLICE_ROWS <= 10_000
    monkeypatch.setattr(correction, "CORRECT_SLICE_ROWS", 4)
    with opened(tmp_path) as store:
        store.writer.commit(unsynced(1, 10, START_MS - 3000), {})
        sql = store.writer._connection.sql
        sql.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON records WHEN new.position = 3"
            " BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
        with pytest.raises(StoreUnavailable):
            store.writer.correct_clock(BOOT, 0, START_MS)
        sql.execute("DROP TRIGGER refuse")

        assert 6 == store.writer.correct_clock(BOOT, 0, START_MS)
        assert [1000 * number for number in range(1, 11)] == times(tmp_path)
