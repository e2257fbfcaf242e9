"""Minutes and hours hold every number once, whatever restarts, retries or steps of the clock."""

import math
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from server.model.request import QueryHistory
from server.store import aggregates
from server.store.aggregates import HOURS, MINUTES, PENDING_RECORDS_MAX, Pending, fold, join, merge
from server.store.readings import open_reader
from server_unit_test.store.samples import START_MS, opened, record, records


def test_figures_are_sum_count_least_most_and_last() -> None:
    """In the order of commit."""
    sums = fold([{"pv_power": 3}, {"pv_power": 1.5}, {"pv_power": 2}])

    assert {"pv_power": [6.5, 3, 1.5, 3, 2]} == sums


def test_only_numbers_of_summed_quantities_count() -> None:
    """States, identities, strangers and what is no finite number are left out."""
    readings = [
        {"work_state": "Run", "nominal_power": 5000, "stranger": 1, "pv_power": math.nan},
        {"pv_power": 4, "grid_power": math.inf, "battery_power": "?"},
    ]

    assert {"pv_power": [4, 1, 4, 4, 4]} == fold(readings)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=30), st.integers(1, 29))
def test_folding_in_parts_is_folding_at_once(numbers: list[int], cut: int) -> None:
    """Wherever the cut lies."""
    readings = [{"pv_power": number} for number in numbers]
    first, second = fold(readings[:cut]), fold(readings[cut:])

    merge(first, second)

    assert fold(readings) == first


def test_joining_keeps_the_later_last() -> None:
    """The first argument comes first in time."""
    figures = [3.0, 2, 1.0, 2.0, 2.0]

    join(figures, [0.5, 1, 0.5, 0.5, 0.5])

    assert [3.5, 3, 0.5, 2.0, 0.5] == figures


@given(st.integers(0, 2**31), st.integers(0, 2**47))
def test_a_row_id_says_its_device_and_interval(device: int, at_ms: int) -> None:
    """And times before 1970 go to the first interval of their device, not to its neighbour."""
    row_id = MINUTES.row_id(device, at_ms)

    assert at_ms - at_ms % 60_000 == MINUTES.start_ms(row_id)
    assert HOURS.row_id(device, 0) == HOURS.row_id(device, -1 - at_ms)
    assert MINUTES.row_id(device, 2**62) < MINUTES.row_id(device + 1, 0)


def test_a_minute_is_due_when_another_begins_or_much_waits() -> None:
    """Also when the clock steps back; the memory is bounded by PENDING_RECORDS_MAX."""
    pending = Pending(0)
    empty = pending.due(START_MS)
    pending.add(1, START_MS + 5, {})
    due = [pending.due(START_MS + at) for at in (0, 59_999, 60_000, -1)]
    for _ in range(PENDING_RECORDS_MAX - 1):
        pending.add(1, START_MS, {})

    assert (False, [False, False, True, True]) == (empty, due)
    assert pending.due(START_MS)


def rows(folder: Path) -> list[tuple[str, int, list[float]]]:
    """What is on disk for pv_power of the one device: (table, start, figures)."""
    with opened(folder) as store:
        sql = store.writer._connection.sql
        return [
            (grain.table, start_ms - START_MS, aggregates.readable_sums(body)["pv_power"])
            for grain in (MINUTES, HOURS)
            for start_ms, body in aggregates.between(sql, grain, 1, 0, START_MS + 10 * 3_600_000)
        ]


def test_rows_are_written_once_a_minute(tmp_path: Path) -> None:
    """What waits is in no row yet; a clean stop needs no writing, the records have it."""
    with opened(tmp_path) as store:
        store.writer.commit(records(0, 30), {})
        store.writer.commit([record(60)], {})

    assert [
        ("minutes", 0, [465.0, 31, 0.0, 30.0, 30.0]),
        ("hours", -420_000, [465.0, 31, 0.0, 30.0, 30.0]),
    ] == rows(tmp_path)


def test_restarts_retries_and_steps_back_count_everything_once(tmp_path: Path) -> None:
    """Each commit by another process, each batch given twice, the clock going back and forth."""
    batches = [records(1, 5), records(61, 65), records(6, 9), records(3600, 3605), records(66, 67)]
    for batch in batches:
        with opened(tmp_path) as store:
            store.writer.commit(batch, {})
            store.writer.commit(batch, {})
    with opened(tmp_path) as store:
        store.writer.commit([record(9000)], {})

    assert [
        ("minutes", 0, [45.0, 9, 1.0, 9.0, 9.0]),
        ("minutes", 60_000, [448.0, 7, 61.0, 67.0, 67.0]),
        ("minutes", 3_600_000, [21_615.0, 6, 3600.0, 3605.0, 3605.0]),
        ("hours", -420_000, [493.0, 16, 1.0, 67.0, 67.0]),
        ("hours", 3_180_000, [21_615.0, 6, 3600.0, 3605.0, 3605.0]),
    ] == rows(tmp_path)


def test_a_reader_adds_what_waits_to_what_is_written(tmp_path: Path) -> None:
    """A minute that is half in its row and half in the records is one point."""
    with opened(tmp_path) as store:
        for batch in (records(1, 2), records(60, 60), records(3, 3)):
            store.writer.commit(batch, {})
        reader = open_reader(tmp_path)
        query = QueryHistory("A1", "pv_power", START_MS, START_MS + 120_000, 10)
        points = reader.history(query).points
        reader.close()

    assert [(2.0, 1.0, 3.0), (60.0, 60.0, 60.0)] == [(p.mean, p.least, p.most) for p in points]


def test_a_damaged_body_counts_for_nothing() -> None:
    """A chart must not stop the start."""
    assert {} == dict(aggregates.readable_values(b"\xc1 rubbish"))


def test_a_damaged_minute_stops_neither_commits_nor_curves(tmp_path: Path) -> None:
    """Whatever is in it: what is added later counts from there on."""
    with opened(tmp_path) as store, closing(open_reader(tmp_path)) as reader:
        sql = store.writer._connection.sql
        for number, body in enumerate((b"", b"\xc1", "x", 7, b"\x81\xa8pv_power\x91\x01")):
            sequence = 1000 * (number + 1)
            store.writer.commit([record(sequence, at_ms=START_MS), record(sequence + 1)], {})
            store.writer.commit([record(sequence + 400)], {})
            sql.execute("UPDATE minutes SET body = ?", (body,))
            sql.execute("UPDATE hours SET body = ?", (body,))
            query = QueryHistory("A1", "pv_power", START_MS, START_MS + 36_000_000, 10)
            reader.history(query)

        assert 15 == store.writer.head


def test_a_damaged_time_stops_no_start(tmp_path: Path) -> None:
    """What waits for its minute is folded from the records; one without a time is left out."""
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 3), {})
        sql = store.writer._connection.sql
        sql.execute("UPDATE records SET taken_at_ms = 'x' WHERE position = 2")
        sql.execute("UPDATE records SET device = 'y' WHERE position = 3")
    with opened(tmp_path) as store:
        store.writer.commit([record(200)], {})

        assert "" == store.problem
        assert [[1.0, 1, 1.0, 1.0, 1.0]] == [each[2] for each in rows(tmp_path)[:1]]
