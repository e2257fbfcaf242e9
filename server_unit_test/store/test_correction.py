"""Once the clock is known, what was stamped before gets its true time, and curves follow."""

from pathlib import Path

import pytest

from server.errors import StoreUnavailable
from server.model.reading import ClockQuality, Record
from server.model.request import QueryHistory
from server.store import correction
from server.store.correction import CORRECT_SLICE_ROWS
from server.store.readings import open_reader
from server_unit_test.store.samples import BOOT, START_MS, everything, opened, record, records

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


def test_many_records_move_a_slice_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CORRECT_SLICE_ROWS in one call; what is done stays done when one is broken off."""
    assert CORRECT_SLICE_ROWS <= 5_000
    monkeypatch.setattr(correction, "CORRECT_SLICE_ROWS", 4)
    with opened(tmp_path) as store:
        store.writer.commit(unsynced(1, 10, START_MS - 3000), {})
        sql = store.writer._connection.sql
        sql.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON records WHEN new.position = 3"
            " BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
        assert 4 == store.writer.correct_clock(BOOT, 0, START_MS)
        with pytest.raises(StoreUnavailable):
            store.writer.correct_clock(BOOT, 0, START_MS)
        sql.execute("DROP TRIGGER refuse")

        moved = [store.writer.correct_clock(BOOT, 0, START_MS) for _ in range(3)]
        assert [4, 2, 0] == moved
        assert [1000 * number for number in range(1, 11)] == times(tmp_path)


@pytest.mark.parametrize("guess_ms", [START_MS - 3000, START_MS + 3000, START_MS - 1, START_MS])
def test_slices_do_not_get_into_each_others_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guess_ms: int
) -> None:
    """Onto times that the next slice still holds, forwards and backwards: exact to the ms."""
    monkeypatch.setattr(correction, "CORRECT_SLICE_ROWS", 3)
    with opened(tmp_path) as store:
        store.writer.commit(unsynced(1, 100, guess_ms), {})
        while store.writer.correct_clock(BOOT, 0, START_MS):
            pass

        assert [1000 * number for number in range(1, 101)] == times(tmp_path)
        assert [30.0, 80.0] == means(tmp_path, START_MS)


def test_a_slice_costs_the_same_however_much_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in steps of the database: neither what is synced nor what is done is looked at."""
    monkeypatch.setattr(correction, "CORRECT_SLICE_ROWS", 10)
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    with opened(tmp_path) as store:
        store.writer.commit(records(1, 3000, device="B2", boot=7), {})
        store.writer.commit(unsynced(1, 1000), {})
        store.writer.commit(records(1001, 3000), {})
        store.writer._connection.sql.set_progress_handler(count, 10)
        costs: list[int] = []
        while store.writer.correct_clock(BOOT, 0, START_MS):
            costs.append(steps[0])
            steps[0] = 0
        store.writer._connection.sql.set_progress_handler(None, 0)

    assert 100 == len(costs)
    assert max(costs[1:]) < 2 * min(costs[1:])


def test_a_minute_of_many_devices_is_read_once(tmp_path: Path) -> None:
    """Not once for each of them: a slice of a large plant would take minutes."""
    seen: list[str] = []
    with opened(tmp_path) as store:
        for device in range(30):
            store.writer.commit(
                [record(device + 1, f"D{device}", GUESS_MS, clock=ClockQuality.UNSYNCED)], {}
            )
        sql = store.writer._connection.sql
        sql.set_trace_callback(seen.append)
        assert 30 == store.writer.correct_clock(BOOT, 0, START_MS)
        sql.set_trace_callback(None)

    assert 2 == sum("FROM records WHERE taken_at_ms >=" in each for each in seen)


@pytest.mark.parametrize(
    "damage",
    ["device = 'x'", "device = 4611686018427387904", "uptime_ms = 'x'", "uptime_ms = 1 << 62"],
)
def test_a_damaged_record_is_left_alone(tmp_path: Path, damage: str) -> None:
    """It has no time to go to, and the others get theirs."""
    with opened(tmp_path) as store:
        store.writer.commit(unsynced(1, 3), {})
        store.writer._connection.sql.execute(f"UPDATE records SET {damage} WHERE position = 2")

        moved = [store.writer.correct_clock(BOOT, 0, START_MS) for _ in range(2)]
        assert [2, 0] == moved
        assert [1000, 3000] == times(tmp_path)[::2]
    with opened(tmp_path) as store:
        assert "" == store.problem
