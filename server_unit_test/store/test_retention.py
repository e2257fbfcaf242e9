"""The oldest go first, a slice at a time, and only while it helps."""

from pathlib import Path

import pytest

from server.model.cursor import Cursor
from server.model.delivery import Retention
from server.model.reading import ClockQuality
from server.store import aggregates, retention
from server.store.aggregates import HOURS, MINUTES
from server.store.database import PAGE_BYTES
from server.store.retention import (
    MINUTES_KEPT_MS,
    PRUNE_SLICE_AGGREGATES,
    PRUNE_SLICE_ROWS,
    SPARE_BYTES_MAX,
    Usage,
    short_of_space,
)
from server.store.writer import Writer
from server_unit_test.store.samples import (
    DAY_MS,
    NO_LIMIT,
    PLENTY,
    START_MS,
    opened,
    positions,
    record,
    records,
)

MEGA = 1024**2
LIMITS = Retention(max_bytes=100 * MEGA, max_age_ms=DAY_MS, min_free_bytes=50 * MEGA)
UNSYNCED = ClockQuality.UNSYNCED


@pytest.mark.parametrize(
    ("usage", "short"),
    [
        (Usage(100 * MEGA, 0, 10 * MEGA, 50 * MEGA, False), False),
        (Usage(100 * MEGA + 1, 0, 0, 50 * MEGA, False), True),
        (Usage(200 * MEGA, 100 * MEGA, 0, 50 * MEGA, False), False),
        (Usage(90 * MEGA, 0, 0, 50 * MEGA - 1, False), True),
        (Usage(100 * MEGA, 5 * MEGA - 1, 0, 0, False), True),
        (Usage(100 * MEGA, 5 * MEGA, 0, 0, False), False),
        (Usage(90 * MEGA, 0, 0, PLENTY, True), True),
    ],
)
def test_space_is_short_when_it_helps_to_prune(usage: Usage, short: bool) -> None:
    """Too large, or the disk nearly full while the file has no spare pages to go on with."""
    assert short == short_of_space(usage, LIMITS)


def test_a_large_file_keeps_a_bounded_spare() -> None:
    """SPARE_BYTES_MAX is enough, however large the file."""
    limits = Retention(PLENTY, PLENTY, 1)
    spare = [SPARE_BYTES_MAX - PAGE_BYTES, SPARE_BYTES_MAX]

    assert [True, False] == [
        short_of_space(Usage(10**10, each, 0, 0, False), limits) for each in spare
    ]


def test_too_large_a_store_shrinks_slice_by_slice(tmp_path: Path) -> None:
    """PRUNE_SLICE_ROWS at a time until the data fits; the file's pages are used again."""
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 3 * PRUNE_SLICE_ROWS, padding=50), {"a": Cursor(0)})
        usage = store.writer._connection.usage()
        limits = Retention((usage.file_bytes - usage.spare_bytes) // 2, PLENTY, 0)
        slices = [store.writer.prune(limits, START_MS)]
        while slices[-1].more:
            slices.append(store.writer.prune(limits, START_MS))
        after = store.writer._connection.usage()
        store.writer.commit(records(5000, 5000 + PRUNE_SLICE_ROWS, padding=50), {})

        assert [PRUNE_SLICE_ROWS] * 2 == [each.removed for each in slices]
        assert [{"a": PRUNE_SLICE_ROWS}] * 2 == [dict(each.dropped) for each in slices]
        assert {"a": Cursor(2 * PRUNE_SLICE_ROWS)} == store.writer.cursors
        assert after.file_bytes - after.spare_bytes <= limits.max_bytes
        assert store.writer._connection.usage().file_bytes < 1.02 * usage.file_bytes


def test_a_nearly_full_disk_costs_records_only_once(tmp_path: Path) -> None:
    """When others fill the disk, deleting more than what we go on with would win nothing."""
    with opened(tmp_path, free=lambda: 10) as store:
        store.writer.commit(records(1, 4 * PRUNE_SLICE_ROWS), {})
        limits = Retention(PLENTY, PLENTY, 1000)

        pruned = [store.writer.prune(limits, START_MS) for _ in range(5)]

        assert [PRUNE_SLICE_ROWS, 0, 0, 0, 0] == [each.removed for each in pruned]
        assert [False] * 5 == [each.more for each in pruned]


def test_age_goes_by_slices_too(tmp_path: Path) -> None:
    """And says that more should follow."""
    with opened(tmp_path) as store:
        store.writer.commit(records(1, PRUNE_SLICE_ROWS + 5), {})
        limits = Retention(PLENTY, 0, 0)
        now_ms = START_MS + DAY_MS

        pruned = [store.writer.prune(limits, now_ms) for _ in range(3)]

    expected = [(PRUNE_SLICE_ROWS, True), (5, False), (0, False)]
    assert expected == [(each.removed, each.more) for each in pruned]


def prune_by_age(writer: Writer) -> None:
    """Everything taken before START_MS is too old."""
    while writer.prune(Retention(PLENTY, DAY_MS, 0), START_MS + DAY_MS).more:
        pass


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        # (seconds after START_MS, quality) of consecutive records
        ([(-2, "synced"), (-1, "synced"), (1, "synced")], [3]),
        ([(-9, "unsynced"), (1, "synced")], [1, 2]),
        ([(-9, "unsynced"), (-8, "unsynced")], [1, 2]),
        ([(9, "unsynced"), (-1, "corrected"), (1, "synced")], [3]),
        ([(10**9, "synced"), (-1, "synced"), (1, "synced")], [3]),
        ([(1, "synced"), (-1, "synced")], [1, 2]),
    ],
)
def test_only_dated_records_say_how_old_their_neighbours_are(
    tmp_path: Path, taken: list[tuple[int, str]], left: list[int]
) -> None:
    """A guessed time costs no record, and a future one keeps none for ever."""
    with opened(tmp_path) as store:
        store.writer.commit(
            [
                record(number, at_ms=START_MS + 1000 * at_s, clock=ClockQuality(quality))
                for number, (at_s, quality) in enumerate(taken, 1)
            ],
            {},
        )
        prune_by_age(store.writer)

    assert left == positions(tmp_path)


def test_a_long_time_without_dates_does_not_stop_pruning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first dated record far behind decides."""
    monkeypatch.setattr(retention, "PRUNE_SLICE_ROWS", 3)
    with opened(tmp_path) as store:
        store.writer.commit(records(1, 10, clock=UNSYNCED), {})
        prune_by_age(store.writer)
        assert 10 == len(positions(tmp_path))
        dated = [record(n, at_ms=START_MS - 1000 + n) for n in range(11, 31)]
        store.writer.commit([*dated, record(31)], {})

        prune_by_age(store.writer)

    assert [31] == positions(tmp_path)


def test_refusals_go_with_their_records(tmp_path: Path) -> None:
    """What was refused is shown as long as it is there."""
    with opened(tmp_path) as store:
        store.writer.commit([record(1, at_ms=START_MS - 1), record(2)], {})
        for position in (1, 2):
            store.writer.quarantine("a", position, "bad", START_MS)
        prune_by_age(store.writer)

    with opened(tmp_path) as store:
        assert {"a": 1} == store.quarantined


def charts(writer: Writer) -> tuple[int, int]:
    """How many minutes and hours there are."""
    sql = writer._connection.sql
    count = [len(aggregates.between(sql, grain, 1, 0, 2**45)) for grain in (MINUTES, HOURS)]
    return count[0], count[1]


def with_charts(writer: Writer, days: int) -> None:
    """A record a day, each in a minute and an hour of its own, and one that folds the last."""
    for day in range(days + 1):
        writer.commit([record(day, at_ms=START_MS + day * DAY_MS)], {})


def test_minutes_are_kept_a_month_and_hours_as_long_as_records_may(tmp_path: Path) -> None:
    """MINUTES_KEPT_MS, and the largest age."""
    with opened(tmp_path) as store:
        with_charts(store.writer, 40)
        now_ms = START_MS + 40 * DAY_MS
        store.writer.prune(NO_LIMIT, now_ms)
        first = charts(store.writer)
        store.writer.prune(Retention(PLENTY, 10 * DAY_MS, 0), now_ms)

        assert [(31, 40), (10, 10)] == [first, charts(store.writer)]
        assert 31 * DAY_MS == MINUTES_KEPT_MS


def test_a_clock_that_nothing_has_set_ages_no_chart(tmp_path: Path) -> None:
    """It may be a century off: minutes and hours stay, and go once the time is known."""
    with opened(tmp_path) as store:
        with_charts(store.writer, 40)
        now_ms = START_MS + 27_000 * DAY_MS
        store.writer.prune(Retention(PLENTY, 10 * DAY_MS, 0, trusted=False), now_ms)
        first = charts(store.writer)
        store.writer.prune(Retention(PLENTY, 10 * DAY_MS, 0), now_ms)

        assert [(40, 40), (0, 0)] == [first, charts(store.writer)]


def test_space_counts_also_while_the_time_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records go from the oldest on, and minutes older than what is left; hours stay."""
    monkeypatch.setattr(retention, "PRUNE_SLICE_ROWS", 5)
    limits = Retention(0, DAY_MS, 0, trusted=False)
    with opened(tmp_path) as store:
        with_charts(store.writer, 20)
        pruned = store.writer.prune(limits, START_MS + 27_000 * DAY_MS)

        assert (5, True) == (pruned.removed, pruned.more)
        assert (15, 20) == charts(store.writer)


def test_old_minutes_go_with_their_records_when_space_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that a sink waits for are worth more than the fine grain of an old chart."""
    monkeypatch.setattr(retention, "PRUNE_SLICE_ROWS", 5)
    limits = Retention(0, 10**15, 0)
    with opened(tmp_path) as store:
        with_charts(store.writer, 20)
        store.writer.prune(limits, START_MS + 20 * DAY_MS)
        first = charts(store.writer)
        while store.writer.prune(limits, START_MS + 20 * DAY_MS).more:
            pass

        assert [(15, 20), (1, 21)] == [first, charts(store.writer)]


def test_charts_are_removed_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PRUNE_SLICE_AGGREGATES of a device at a time, and more is said to follow."""
    assert PRUNE_SLICE_AGGREGATES <= 10_000
    monkeypatch.setattr(retention, "PRUNE_SLICE_AGGREGATES", 5)
    with opened(tmp_path) as store:
        with_charts(store.writer, 12)
        pruned = [
            store.writer.prune(Retention(PLENTY, 0, 0), START_MS + 100 * DAY_MS) for _ in range(3)
        ]

        assert [True, True, False] == [each.more for each in pruned]
        assert (0, 0) == charts(store.writer)


@pytest.mark.parametrize("damage", ["'x'", "x'00'", "1.5", "-9e18"])
def test_a_damaged_time_stops_no_pruning(tmp_path: Path, damage: str) -> None:
    """It says nothing about its neighbours and goes with the next dated record that is too old."""
    taken = [(1, -2), (2, -1), (3, -1), (4, 1)]
    with opened(tmp_path) as store:
        given = [record(number, at_ms=START_MS + 1000 * at_s + number) for number, at_s in taken]
        store.writer.commit(given, {})
        sql = store.writer._connection.sql
        sql.execute(f"UPDATE records SET taken_at_ms = {damage} WHERE position = 1")
        prune_by_age(store.writer)
        store.writer.prune(Retention(0, PLENTY, 0), START_MS)

    assert [] == positions(tmp_path)
