"""Delivery to one sink: spans read, sent, acknowledged, blamed, quarantined, closed."""

import sqlite3
from contextlib import closing

import pytest

from server.engine.task import Again, Done, Failed, Ok, Submission
from server.errors import BatchTooLarge, RecordsRefused, SinkUnavailable, StoreUnavailable
from server.ledger.delivery import BACKFILL_PAUSE_S, LIVE_LAG_BATCHES, MAX_SPAN
from server.model.cursor import Cursor, Span
from server.model.delivery import Ack, Batch
from server.model.device import Identity
from server.model.reading import Record
from server.store.connection import DATABASE_NAME
from server.store.readings import MAX_READ_ROWS
from server.tasks.commit_readings import write_now
from server.tasks.publish_batch import (
    PUBLISH_BUDGET_S,
    CLOSE_BUDGET_S,
    CloseFeed,
    Feed,
    PublishSpan,
    PublishTick,
    SpanContinues,
    close_feed,
    next_span,
)
from server_unit_test.contracts.fake_sink import FakeSink
from server_unit_test.ledger.readings import reading
from server_unit_test.tasks.houses import BOOT, Home, only, run, work

NOW = 1000.0
AWAY = SinkUnavailable("503 Service Unavailable")


def store(home: Home, count: int, devices: str = "a") -> None:
    """Commit `count` more readings, of the devices in turn."""
    head = home.house.delivery.head
    records = [
        Record(BOOT, number, reading(number, devices[number % len(devices)]))
        for number in range(head + 1, head + count + 1)
    ]
    home.house.delivery.head = home.house.adapters.store.commit(records, {}).head


@pytest.fixture
def feed(home: Home) -> Feed:
    """A feed with its first three records stored."""
    feed, _ = home.feed()
    store(home, 3)
    return feed


def span_of(home: Home, feed: Feed, now: float = NOW) -> PublishSpan:
    """The span that is due now."""
    task = only(next_span(home.house, feed, now)).task
    assert isinstance(task, PublishSpan)
    return task


def sink_of(feed: Feed) -> FakeSink:
    """The fake behind it."""
    sink = feed.setup.sink
    assert isinstance(sink, FakeSink)
    return sink


def test_a_beat_without_records_keeps_to_the_grid(home: Home) -> None:
    """Nothing is owed: nothing is sent, and the next beat is one interval on."""
    feed, _ = home.feed()
    tick = PublishTick(home.house, feed, NOW)
    first = run(tick, NOW)
    assert isinstance(first, Again)

    second = run(tick, first.at + 25.0)

    assert isinstance(second, Again)
    assert ((), (), 2) == (first.then, second.then, second.missed)
    assert 0.0 == (second.at - first.at) % feed.setup.interval_s
    assert 0 < tick.slack_s <= 1.0


def test_what_is_owed_is_sent_and_acknowledged(home: Home, feed: Feed) -> None:
    """The cursor moves to what was sent, and is saved with the next commit."""
    beat = run(PublishTick(home.house, feed, NOW), NOW)
    assert isinstance(beat, Again)
    task = only(beat.then).task
    assert isinstance(task, PublishSpan)

    assert Done() == run(task, NOW)

    assert [(BOOT, 1), (BOOT, 2), (BOOT, 3)] == sink_of(feed).identities
    assert (Cursor(3), True) == (feed.outlet.cursor, feed.outlet.dirty)
    assert {"sink": Cursor(3)} == home.house.delivery.dirty_cursors()
    assert ("sink sink", PUBLISH_BUDGET_S) == (task.lane, task.budget_s)
    feed.close()


def test_each_device_gets_a_batch_of_its_own(home: Home) -> None:
    """In the order of first appearance; each device's records in theirs, with its facts."""
    feed, sink = home.feed()
    identity = Identity("simulated", "S1", "M1", 5, True)
    home.house.plant.identified(home.device("a"), identity, NOW)
    store(home, 4, devices="ab")

    run(span_of(home, feed), NOW)

    sent = [(each.device.name, [one.position for one in each.records]) for each in sink.batches]
    # A device that never said what it is goes by its id alone.
    assert [("b", [1, 3]), ("Device a", [2, 4])] == sent
    feed.close()


def test_a_span_is_in_flight_once(home: Home, feed: Feed) -> None:
    """A beat during a slow request starts no second one."""
    span_of(home, feed)

    beat = run(PublishTick(home.house, feed, NOW), NOW)

    assert isinstance(beat, Again)
    assert () == beat.then


@pytest.mark.parametrize("error", [AWAY, StoreUnavailable("locked")])
def test_a_failure_keeps_the_cursor_and_is_told(home: Home, feed: Feed, error: Exception) -> None:
    """The same records are tried again after a pause; the notice goes with the success."""
    task = span_of(home, feed)

    failed = task.settle(Failed(error), NOW)

    assert isinstance(failed, Done)
    again = only(failed.then)
    assert isinstance(again.task, SpanContinues)
    assert (Cursor(0), False) == (feed.outlet.cursor, feed.outlet.dirty)
    assert again.at == feed.outlet.retry_at > NOW
    (notice,) = home.house.notices.shown()
    assert str(error) in notice.text and "Nothing is lost" in notice.text
    retried = run(again.task, again.at)
    assert isinstance(retried, Done)
    run(only(retried.then).task, again.at)
    assert (Cursor(3), ()) == (feed.outlet.cursor, home.house.notices.shown())
    feed.close()


def test_what_was_taken_before_a_span_was_broken_off_is_not_sent_again(home: Home) -> None:
    """An endpoint that is slow for many devices still gets on, a device at a time."""
    feed, sink = home.feed()
    store(home, 4, devices="ab")
    task = span_of(home, feed)
    sink.fail_next()
    publish = sink.publish

    def break_off_after_the_first(batch: Batch) -> Ack:
        task.abort()
        return publish(batch)

    sink.publish = break_off_after_the_first  # type: ignore[method-assign]  # to time the abort
    task.settle(work(task), NOW)
    sink.publish = publish  # type: ignore[method-assign]
    head, now = home.house.delivery.head, NOW
    while feed.outlet.owes(head):
        now += 100.0
        span = feed.outlet.plan(head, now)
        assert span is not None
        run(PublishSpan(home.house, feed, span), now)

    assert 4 == len(sink.identities) == len(set(sink.identities))
    feed.close()


def test_nothing_is_sent_before_the_pause_is_over(home: Home, feed: Feed) -> None:
    """Beats that fall into the pause do not hammer an endpoint that is down."""
    span_of(home, feed).settle(Failed(SinkUnavailable("429", retry_after_s=120.0)), NOW)

    assert () == next_span(home.house, feed, NOW + 119.0)
    span_of(home, feed, NOW + 120.0)


def test_too_large_is_halved_and_goes_on_at_once(home: Home, feed: Feed) -> None:
    """413 is no outage: half of the records follow without a pause or a notice."""
    sink_of(feed).fail_next(BatchTooLarge("413"))

    verdict = run(span_of(home, feed), NOW)

    assert isinstance(verdict, Done)
    follower = only(verdict.then)
    assert NOW == follower.at and () == home.house.notices.shown()
    run(follower.task, NOW)
    assert [(BOOT, 1)] == sink_of(feed).identities
    feed.close()


def test_a_record_that_is_refused_while_others_pass_is_written_down(home: Home) -> None:
    """Set aside, others go first, refused again: kept on disk, shown, not sent again."""
    feed, sink = home.feed()
    store(home, 1)
    sink.fail_next(RecordsRefused("422 unknown unit"))
    first = run(span_of(home, feed), NOW)
    assert Done() == first
    store(home, 1)
    run(span_of(home, feed), NOW)
    assert [(BOOT, 2)] == sink.identities
    sink.fail_next(RecordsRefused("422 unknown unit"))

    verdict = run(span_of(home, feed), NOW)

    assert Done() == verdict
    assert [] == quarantined(home)
    run(only(write_now(home.house, NOW)).task, NOW)
    assert [("sink", 1, "422 unknown unit")] == quarantined(home)
    assert (Cursor(2), 1) == (feed.outlet.cursor, feed.outlet.quarantined)
    assert "kept here and not sent again: 422" in home.house.notices.shown()[0].text
    assert () == next_span(home.house, feed, NOW)
    feed.close()


def quarantined(home: Home) -> list[tuple[str, int, str]]:
    """What the database remembers of refused records."""
    with closing(sqlite3.connect(home.folder / "store" / DATABASE_NAME)) as sql:
        return sql.execute("SELECT sink_id, position, reason FROM quarantine").fetchall()


def test_live_data_goes_first_and_the_backlog_follows_with_a_pause(home: Home) -> None:
    """After an outage the newest batch leads; the gap is filled in slices, jittered."""
    feed, sink = home.feed()
    store(home, LIVE_LAG_BATCHES * feed.setup.batch_records + 5)

    verdict = run(span_of(home, feed), NOW)

    assert isinstance(verdict, Done)
    assert [(BOOT, each) for each in range(36, 46)] == sink.identities
    pause = only(verdict.then)
    assert isinstance(pause.task, SpanContinues)
    assert NOW + BACKFILL_PAUSE_S == pause.at  # The draw is 0.5: the middle of the jitter.
    backfill = run(pause.task, pause.at)
    assert isinstance(backfill, Done)
    run(only(backfill.then).task, pause.at)
    assert [(BOOT, each) for each in range(1, 11)] == sink.identities[10:]
    feed.close()


def test_a_full_batch_of_live_data_follows_at_once(home: Home) -> None:
    """A sink that keeps up is never slowed down by a pause."""
    feed, _ = home.feed()
    store(home, 2 * feed.setup.batch_records)

    verdict = run(span_of(home, feed), NOW)

    assert isinstance(verdict, Done)
    follower = only(verdict.then)
    assert isinstance(follower.task, PublishSpan) and NOW == follower.at
    feed.close()


def test_nothing_is_sent_while_the_clock_is_being_corrected(home: Home, feed: Feed) -> None:
    """Timestamps that are about to change are not published."""
    home.house.delivery.held = True
    held = next_span(home.house, feed, NOW)

    home.house.delivery.held = False

    assert () == held
    span_of(home, feed)


def test_a_removed_feed_is_closed_on_its_lane(home: Home, feed: Feed) -> None:
    """What was in flight moves nothing; beats and pauses end; the connection is given back."""
    task = span_of(home, feed)
    outcome = work(task)
    feed.removed = True

    verdict = task.settle(outcome, NOW)

    assert isinstance(verdict, Done)
    closing = only(verdict.then).task
    assert isinstance(closing, CloseFeed) and "sink sink" == closing.lane
    assert Done() == run(closing, NOW)
    assert sink_of(feed).closed and Cursor(0) == feed.outlet.cursor
    assert Done() == run(PublishTick(home.house, feed, NOW), NOW)
    assert Done() == run(SpanContinues(home.house, feed), NOW)


def test_closing_waits_for_nobody(home: Home, feed: Feed) -> None:
    """There is nothing to break off, and a feed that never opened a connection closes too."""
    submission = close_feed(feed, NOW)
    assert isinstance(submission, Submission) and isinstance(submission.task, CloseFeed)
    submission.task.abort()

    assert Done() == submission.task.settle(Ok(None), NOW)


def test_breaking_off_reaches_sink_and_database(home: Home, feed: Feed) -> None:
    """Whichever of the two hangs comes back; without a connection there is one less to break."""
    task = span_of(home, feed)
    task.abort()
    feed.reader()

    task.abort()

    assert 2 == sink_of(feed).aborts
    feed.close()


def test_pruned_positions_count_as_sent(home: Home) -> None:
    """A span whose records retention removed is acknowledged without a request."""
    feed, sink = home.feed()
    home.house.delivery.head = 5

    verdict = run(span_of(home, feed), NOW)

    assert Done() == verdict
    assert ([], Cursor(5)) == (sink.batches, feed.outlet.cursor)
    feed.close()


def test_a_span_never_exceeds_the_batch(home: Home) -> None:
    """The sink's own limit counts, however much waits."""
    feed, _ = home.feed()

    span = feed.outlet.plan(1_000_000, NOW)

    assert span is not None
    assert feed.setup.batch_records == span.size


def test_a_span_larger_than_what_is_read_at_once_is_taken_in_parts(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cursor moves over what was read and sent, never over what was not."""
    assert MAX_SPAN <= MAX_READ_ROWS
    monkeypatch.setattr("server.tasks.publish_batch.MAX_SPAN", 2)
    feed, sink = home.feed()
    store(home, 3)

    run(span_of(home, feed), NOW)

    assert [(BOOT, 1), (BOOT, 2)] == sink.identities
    assert Cursor(2) == feed.outlet.cursor
    assert Span(2, 3) == feed.outlet.plan(3, NOW)
    assert CLOSE_BUDGET_S == close_feed(feed, NOW).task.budget_s  # type: ignore[attr-defined]
    feed.close()


def test_a_request_never_holds_more_than_a_batch_of_one_device(home: Home) -> None:
    """A span is as wide as there are devices; one of them may fill it all the same."""
    for name in "abc":
        home.device(name)
    feed, sink = home.feed()
    store(home, 25)

    run(span_of(home, feed), NOW)

    assert [10, 10, 5] == [len(batch.records) for batch in sink.batches]
    assert Cursor(25) == feed.outlet.cursor
    feed.close()
