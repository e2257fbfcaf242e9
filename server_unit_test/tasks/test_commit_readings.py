"""Group commit: batches frozen, retried unchanged, accepted once on disk."""

import pytest

from server.engine.task import Again, Done, Failed
from server.errors import StoreFull, StoreUnavailable
from server.model.cursor import Cursor
from server.tasks.commit_readings import COMMIT_BACKOFF, COMMIT_BUDGET_S, CommitTick, WriteBatch
from server.tasks.forget_sink import ForgetSink
from server.tasks.prune_store import PruneStore
from server_unit_test.ledger.readings import reading
from server_unit_test.tasks.houses import Home, only, run, work

NOW = 1000.0


def test_a_beat_with_nothing_to_do_does_nothing(home: Home) -> None:
    """No reading and no cursor: no transaction, and the next beat on the grid."""
    assert Again(NOW + 1.0) == run(CommitTick(home.house, NOW), NOW)


def test_readings_become_accepted_when_they_are_on_disk(home: Home) -> None:
    """The head of the store moves, and delivery may begin."""
    home.house.buffer.add(reading(1))
    home.house.buffer.add(reading(2))
    beat = run(CommitTick(home.house, NOW), NOW)
    assert isinstance(beat, Again)
    task = only(beat.then).task
    assert home.house.disk.writing

    assert Done() == run(task, NOW)

    assert (2, 2) == (home.house.buffer.accepted, home.house.delivery.head)
    assert ("ok", False) == (home.house.disk.state, home.house.disk.writing)


def test_one_write_is_in_flight_at_a_time(home: Home) -> None:
    """A beat during a slow write adds no second one; its readings go with the next."""
    tick = CommitTick(home.house, NOW)
    home.house.buffer.add(reading(1))
    run(tick, NOW)
    home.house.buffer.add(reading(2))

    beat = run(tick, NOW + 1.0)

    assert isinstance(beat, Again)
    assert () == beat.then


def test_cursors_go_to_disk_even_without_readings(home: Home) -> None:
    """At night nothing is read, and what was acknowledged is remembered all the same."""
    feed, _ = home.feed()
    feed.outlet.dirty = True

    beat = run(CommitTick(home.house, NOW), NOW)

    assert isinstance(beat, Again)
    run(only(beat.then).task, NOW)
    assert {"sink": Cursor(0)} == home.opened.writer.cursors


@pytest.mark.parametrize("error", [StoreUnavailable("locked"), StoreFull("no space")])
def test_a_failed_write_is_retried_unchanged_and_told(home: Home, error: Exception) -> None:
    """The same records and cursors, after a pause; a full disk also asks for pruning."""
    home.house.buffer.add(reading(1))
    beat = run(CommitTick(home.house, NOW), NOW)
    assert isinstance(beat, Again)
    task = only(beat.then).task
    assert isinstance(task, WriteBatch) and COMMIT_BUDGET_S == task.budget_s

    failed = task.settle(Failed(error), NOW)

    assert isinstance(failed, Again)
    assert NOW + COMMIT_BACKOFF.delay_s(1, 0.5) == failed.at
    prunes = [each.task for each in failed.then if isinstance(each.task, PruneStore)]
    assert isinstance(error, StoreFull) == bool(prunes)
    assert str(error) in home.house.disk.error
    assert 1 == len(home.house.notices.shown())
    assert Done() == run(task, NOW + 1.0)
    assert 1 == home.house.buffer.accepted
    assert () == home.house.notices.shown()


def test_a_batch_that_was_written_but_not_acknowledged_is_not_written_twice(home: Home) -> None:
    """The answer of the first attempt was lost; the retry finds the records there."""
    home.house.buffer.add(reading(1))
    beat = run(CommitTick(home.house, NOW), NOW)
    assert isinstance(beat, Again)
    task = only(beat.then).task
    work(task)

    assert Done() == run(task, NOW)

    assert (1, 1) == (home.house.delivery.head, home.house.buffer.accepted)


def test_interrupting_reaches_the_database(home: Home) -> None:
    """A write over its budget is interrupted; the transaction rolls back."""
    home.house.buffer.add(reading(1))
    beat = run(CommitTick(home.house, NOW), NOW)
    assert isinstance(beat, Again)
    task = only(beat.then).task
    assert isinstance(task, WriteBatch)

    task.abort()

    assert Done() == run(task, NOW)


def test_a_retry_does_not_bring_a_forgotten_sink_back(home: Home) -> None:
    """Removed while the disk was full: its cursor would hold nothing but a wrong place."""
    feed, _ = home.feed()
    feed.outlet.dirty = True
    home.house.buffer.add(reading(1))
    beat = run(CommitTick(home.house, NOW), NOW)
    assert isinstance(beat, Again)
    task = only(beat.then).task
    task.settle(Failed(StoreFull("no space")), NOW)
    home.house.delivery.remove("sink")
    run(ForgetSink(home.house, "sink"), NOW)

    assert Done() == run(task, NOW)

    assert (1, {}) == (home.house.buffer.accepted, home.opened.writer.cursors)
