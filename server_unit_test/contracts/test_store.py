"""What every `ports.RecordWriter` with its `ports.RecordReader` keeps to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.model.cursor import Cursor, Span
from server.model.delivery import Quarantined, Retention
from server.model.reading import ClockQuality
from server.model.request import QueryHistory
from server.ports import RecordReader, RecordWriter
from server.store.database import open_store
from server.store.readings import open_reader
from server_unit_test.store.samples import (
    BOOT,
    DAY_MS,
    EVERYTHING,
    NO_LIMIT,
    PLENTY,
    START_MS,
    record,
    records,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A writer and a reader of the same store."""

    writer: RecordWriter
    reader: RecordReader


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """Every store there is."""
    writer = open_store(tmp_path, synchronous="OFF").writer
    reader = open_reader(tmp_path)
    yield Pair(writer, reader)
    reader.close()
    writer.close()


def test_what_is_committed_is_read_back_alike(store: Pair) -> None:
    """Values keep their types, words their addresses, and an absent value stays absent."""
    values = {"pv_power": 1, "grid_power": -2.5, "work_state": "Läuft", "pv_energy": 2**53 + 1}
    given = [record(1, values=values), record(2, "B2", values={}, padding=0)]

    store.writer.commit(given, {})

    assert given == [each.record for each in store.reader.after(EVERYTHING, 10)]


def test_positions_rise_in_the_order_of_commit(store: Pair) -> None:
    """Whatever the clock says: the order is the one in which records were accepted."""
    store.writer.commit([record(1, at_ms=START_MS + 5000)], {})
    committed = store.writer.commit([record(2, at_ms=START_MS), record(3, "B2")], {})

    found = store.reader.after(EVERYTHING, 10)

    assert [1, 2, 3] == [each.record.sequence for each in found]
    assert sorted(each.position for each in found) == [each.position for each in found]
    assert found[-1].position == committed.head


def test_a_retried_batch_changes_nothing(store: Pair) -> None:
    """The same batch again adds no record, gives no new position and counts into no curve."""
    batch = records(1, 5)
    first = store.writer.commit(batch, {})
    before = store.reader.after(EVERYTHING, 10)
    curve = store.reader.history(QueryHistory("A1", "pv_power", START_MS, START_MS + 60_000, 10))

    second = store.writer.commit(batch, {})

    assert (5, 0, first.head) == (first.added, second.added, second.head)
    assert before == store.reader.after(EVERYTHING, 10)
    assert curve == store.reader.history(
        QueryHistory("A1", "pv_power", START_MS, START_MS + 60_000, 10)
    )


def test_a_retry_that_overlaps_adds_only_what_is_new(store: Pair) -> None:
    """Records that are there are left alone, one by one."""
    store.writer.commit(records(1, 3), {})

    committed = store.writer.commit(records(2, 5), {})

    assert 2 == committed.added
    assert [1, 2, 3, 4, 5] == [e.record.sequence for e in store.reader.after(EVERYTHING, 10)]


def test_a_clash_moves_the_later_reading_to_the_next_free_millisecond(store: Pair) -> None:
    """Within a batch and across batches; another device may share the millisecond."""
    store.writer.commit([record(1, at_ms=START_MS), record(2, at_ms=START_MS + 1)], {})

    store.writer.commit([record(3, at_ms=START_MS), record(4, at_ms=START_MS)], {})
    store.writer.commit([record(5, "B2", at_ms=START_MS)], {})

    found = store.reader.after(EVERYTHING, 10)
    assert [0, 1, 2, 3, 0] == [each.record.reading.taken_at_ms - START_MS for each in found]


def test_a_span_is_read_in_slices(store: Pair) -> None:
    """`after` hands out what lies in (after, upto], at most `limit`, by position."""
    store.writer.commit(records(1, 10), {})

    found = store.reader.after(Span(2, 8), 4)

    assert [3, 4, 5, 6] == [each.position for each in found]
    assert [7, 8] == [each.position for each in store.reader.after(Span(6, 8), 4)]


def test_a_reader_sees_what_was_committed_after_it_was_opened(store: Pair) -> None:
    """The reader looks anew each time."""
    assert [] == list(store.reader.after(EVERYTHING, 10))

    store.writer.commit(records(1, 1), {})

    assert [1] == [each.record.sequence for each in store.reader.after(EVERYTHING, 10)]


def test_an_empty_commit_is_no_commit(store: Pair) -> None:
    """Nothing to write is fine."""
    committed = store.writer.commit([], {})

    assert (0, 0) == (committed.head, committed.added)


def test_a_commit_of_quarantines_alone_is_a_commit(store: Pair) -> None:
    """A cursor that steps over a record and the reason why may be all there is to write."""
    store.writer.commit(records(1, 2), {})

    committed = store.writer.commit(
        [], {"a": Cursor(1)}, [Quarantined("a", 1, "no such meter", START_MS)]
    )

    assert (2, 0) == (committed.head, committed.added)


def test_pruning_by_age_takes_the_oldest_and_counts_what_sinks_had_not_taken(store: Pair) -> None:
    """Per sink: beyond its live edge, and inside its gaps."""
    store.writer.commit(
        records(1, 10), {"done": Cursor(10), "gap": Cursor(8, (Span(1, 3),)), "new": Cursor(2)}
    )
    limits = Retention(max_bytes=PLENTY, max_age_ms=1000, min_free_bytes=0)

    pruned = store.writer.prune(limits, START_MS + 7500)

    assert (6, 6, False) == (pruned.removed, pruned.upto, pruned.more)
    assert {"gap": 2, "new": 4} == dict(pruned.dropped)
    assert START_MS + 7000 == pruned.oldest_ms
    assert [7, 8, 9, 10] == [each.position for each in store.reader.after(EVERYTHING, 10)]


def test_an_untrusted_clock_ages_nothing(store: Pair) -> None:
    """Neither records nor their curve go, however far off the clock is."""
    store.writer.commit([record(1), record(2, at_ms=START_MS + 120_000)], {})
    query = QueryHistory("A1", "pv_power", START_MS, START_MS + 180_000, 10)
    before = store.reader.history(query)
    limits = Retention(PLENTY, 1000, 0, trusted=False)

    pruned = store.writer.prune(limits, START_MS + 74 * 365 * DAY_MS)

    assert (0, False) == (pruned.removed, pruned.more)
    assert before == store.reader.history(query)


def test_nothing_beyond_the_limits_is_pruned(store: Pair) -> None:
    """A store within its limits keeps everything."""
    store.writer.commit(records(1, 3), {})

    pruned = store.writer.prune(NO_LIMIT, START_MS)

    assert (0, False, {}) == (pruned.removed, pruned.more, dict(pruned.dropped))


def test_positions_are_never_given_twice(store: Pair) -> None:
    """Also not after everything was pruned."""
    store.writer.commit(records(1, 5), {})
    store.writer.prune(Retention(PLENTY, 0, 0), START_MS + 3_600_000)
    assert [] == list(store.reader.after(EVERYTHING, 10))

    store.writer.commit(records(6, 6), {})

    assert [6] == [each.position for each in store.reader.after(EVERYTHING, 10)]


def test_correcting_the_clock_restamps_unsynced_records_of_the_boot(store: Pair) -> None:
    """From the uptime; what was synced, lies before the edge or is of another boot stays."""
    unsynced = ClockQuality.UNSYNCED
    store.writer.commit(
        [
            record(1, at_ms=10, clock=unsynced, uptime_ms=1),
            record(2, at_ms=20, clock=unsynced, uptime_ms=7),
            record(3, at_ms=START_MS + 3),
            record(1, at_ms=30, clock=unsynced, boot=7),
        ],
        {},
    )

    moved = store.writer.correct_clock(BOOT, 1, START_MS)

    readings = [each.record.reading for each in store.reader.after(EVERYTHING, 10)]
    assert 1 == moved
    assert [10, START_MS + 7, START_MS + 3, 30] == [each.taken_at_ms for each in readings]
    assert ["unsynced", "corrected", "synced", "unsynced"] == [each.clock for each in readings]


def test_history_is_complete_at_once(store: Pair) -> None:
    """A curve has what the last commit brought, and nothing where nothing was read."""
    store.writer.commit(
        [record(n, at_ms=START_MS + at) for n, at in ((1, 0), (3, 59_999), (8, 120_000))], {}
    )

    curve = store.reader.history(QueryHistory("A1", "pv_power", START_MS, START_MS + 180_000, 10))

    assert ("W", 60_000) == (curve.unit, curve.step_ms)
    assert [(0, 2.0, 1.0, 3.0), (120_000, 8.0, 8.0, 8.0)] == [
        (each.at_ms - START_MS, each.mean, each.least, each.most) for each in curve.points
    ]


def test_history_of_what_is_unknown_is_empty(store: Pair) -> None:
    """No such device, no such quantity, no such time: no points and no error."""
    store.writer.commit(records(1, 3), {})
    queries = [
        QueryHistory("none", "pv_power", START_MS, START_MS + 60_000, 10),
        QueryHistory("A1", "none", START_MS, START_MS + 60_000, 10),
        QueryHistory("A1", "pv_power", START_MS, START_MS, 10),
        QueryHistory("A1", "pv_power", -5, -1, 0),
    ]

    curves = [store.reader.history(query).points for query in queries]

    assert [()] * 4 == curves
