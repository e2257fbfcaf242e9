"""The disk is kept within its limits, and what a sink had not taken is told."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from server.engine.task import Again, Done, Failed, Ok
from server.errors import StoreFull, StoreUnavailable
from server.model.configuration import StoreConfig
from server.model.cursor import Cursor
from server.model.delivery import Pruned
from server.model.reading import ClockQuality, Record
from server.tasks.prune_store import (
    DAY_MS,
    PRUNE_AGAIN_S,
    PRUNE_BUDGET_S,
    PRUNE_EVERY_S,
    PRUNE_RETRY_S,
    PruneStore,
)
from server_unit_test.ledger.readings import START_MS, reading
from server_unit_test.tasks.houses import BOOT, Home, home_in, run

NOW = 1000.0


def pruned(
    removed: int = 0, upto: int = 0, dropped: Mapping[str, int] | None = None, more: bool = False
) -> Ok:
    """What the store says after a slice."""
    return Ok(Pruned(removed, upto, dropped or {}, more, 1_000_000, 5_000_000, START_MS))


def fill(home: Home, count: int) -> None:
    """Commit this many readings, the first one at START_MS + 1 s."""
    first = home.house.delivery.head + 1
    records = [Record(BOOT, number, reading(number)) for number in range(first, first + count)]
    cursors = {each: outlet.cursor for each, outlet in home.house.delivery.outlets.items()}
    home.house.delivery.head = home.house.adapters.store.commit(records, cursors).head


def test_what_is_too_old_goes(home: Home) -> None:
    """The owner's limits are handed to the store, in its units."""
    feed, _ = home.feed()
    fill(home, 3)
    days = 0.01
    home.house.settings = home.house.settings.changed(
        {"store": {"max_age_days": days, "min_free_bytes": 0}}
    )
    home.clock.advance(days * DAY_MS / 1000 + 2.5)

    verdict = run(PruneStore(home.house), NOW)

    assert isinstance(verdict, Again)
    assert (2, START_MS + 3000) == (home.house.disk.pruned, home.house.disk.oldest_ms)
    assert (Cursor(2), 2) == (feed.outlet.cursor, feed.outlet.dropped)


def test_within_the_limits_nothing_goes_and_it_looks_again_later(home: Home) -> None:
    """Sizes are noted for the page; no notice is posted."""
    fill(home, 3)
    task = PruneStore(home.house)

    assert Again(NOW + PRUNE_EVERY_S) == task.settle(pruned(), NOW)

    disk = home.house.disk
    assert (0, 1_000_000, 5_000_000) == (disk.pruned, disk.size_bytes, disk.free_bytes)
    assert () == home.house.notices.shown()
    assert PRUNE_BUDGET_S == task.budget_s


def test_slices_follow_each_other_with_room_for_commits(home: Home) -> None:
    """While more has to go, the next slice is due shortly, not at once."""
    verdict = PruneStore(home.house).settle(pruned(100, 100, more=True), NOW)

    assert Again(NOW + PRUNE_AGAIN_S) == verdict


def test_what_a_sink_had_not_taken_is_counted_and_told(home: Home) -> None:
    """Retention is the only loss there is, so the owner hears of it, sink by sink."""
    behind, _ = home.feed("behind")
    level, _ = home.feed("level")
    level.outlet.cursor = Cursor(200)

    PruneStore(home.house).settle(pruned(100, 100, {"behind": 60, "level": 0}), NOW)

    assert (60, 0) == (behind.outlet.dropped, level.outlet.dropped)
    assert (Cursor(100), Cursor(200)) == (behind.outlet.cursor, level.outlet.cursor)
    (notice,) = home.house.notices.shown()
    assert notice.text.endswith("before these had taken them: behind (60)")


def test_a_loss_of_nobody_is_no_notice(home: Home) -> None:
    """Records that every sink has taken go in silence."""
    home.feed("level")

    PruneStore(home.house).settle(pruned(100, 100, {"level": 0}), NOW)

    assert ((), 100) == (home.house.notices.shown(), home.house.disk.pruned)


def test_without_a_trusted_clock_nothing_is_too_old(home: Home) -> None:
    """A clock that nothing has set may be years off."""
    fill(home, 3)
    home.clock.step(2**40)
    home.clock.set_quality(ClockQuality.UNSYNCED)

    run(PruneStore(home.house), NOW)

    assert 0 == home.house.disk.pruned


def test_the_newest_limits_count(home: Home) -> None:
    """The periodic task outlives a change of the settings."""
    fill(home, 2_000)
    task = PruneStore(home.house)
    run(task, NOW)
    before = home.house.disk.pruned
    home.house.settings = replace(
        home.house.settings,
        configuration=replace(
            home.house.configuration, store=StoreConfig(max_bytes=20_000, min_free_bytes=0)
        ),
    )

    verdict = run(task, NOW)

    assert Again(NOW + PRUNE_AGAIN_S) == verdict
    assert 0 == before < home.house.disk.pruned


def test_a_full_disk_makes_room_without_emptying_the_store(tmp_path: Path) -> None:
    """Also right after the start, when its size is not known yet: what is lost is a slice."""
    with home_in(tmp_path, max_pages=300) as home:
        home.house.settings = home.house.settings.changed({"store": {"min_free_bytes": 0}})
        with pytest.raises(StoreFull):
            for _ in range(100):
                fill(home, 100)
        head = home.house.delivery.head
        assert 0 == home.house.disk.size_bytes
        task = PruneStore(home.house, periodic=False)
        verdict = run(task, NOW)
        while isinstance(verdict, Again):
            verdict = run(task, NOW)

        fill(home, 10)

        assert (Done(), 0.0) == (verdict, task.slack_s)
        assert head + 10 == home.house.delivery.head
        assert 0 < home.house.disk.pruned < head


def test_a_failure_waits_for_the_next_turn(home: Home) -> None:
    """The periodic one comes back; the one of a full disk is asked for anew by the next commit."""
    failed = Failed(StoreUnavailable("locked"))
    once = PruneStore(home.house, periodic=False)
    once.abort()

    assert Again(NOW + PRUNE_RETRY_S) == PruneStore(home.house).settle(failed, NOW)
    assert Done() == once.settle(failed, NOW)
    assert Done() == once.settle(pruned(), NOW)
