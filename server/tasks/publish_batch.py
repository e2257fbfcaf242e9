"""Deliver to one sink: choose a span on the engine thread, send it on the sink's lane.

`PublishTick` beats on the sink's interval and asks its outlet what is owed; `PublishSpan` reads
those records on the sink's own read-only connection and sends them, one batch a device. What
follows a span (more backlog, a pause, blame) is decided in `ledger/delivery.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.engine.task import (
    Again,
    Done,
    Failed,
    Grid,
    Kind,
    LaneView,
    Outcome,
    Submission,
    Verdict,
)
from server.errors import BatchTooLarge, RecordsRefused
from server.ledger.delivery import BACKFILL_PAUSE_S, Outlet, Quarantine
from server.ledger.house import DATABASE_LANE, House
from server.model.cursor import Span
from server.model.delivery import Batch
from server.model.notice import Level
from server.model.reading import Stored
from server.ports import RecordReader, SinkSetup

PUBLISH_BUDGET_S = 60.0
"""One span: several requests, each with its own time limit."""

QUARANTINE_BUDGET_S = 10.0
"""One small transaction, on a worn card."""

QUARANTINE_RETRY_S = 5.0
"""After a failure of the database: the record is set aside in memory meanwhile."""


class Feed:
    """A sink with its outlet and its read-only connection, which its lane opens when needed."""

    def __init__(self, house: House, setup: SinkSetup, outlet: Outlet) -> None:
        self.setup = setup
        self.outlet = outlet
        self.removed = False
        self._house = house
        self._reader: RecordReader | None = None

    @property
    def lane(self) -> str:
        """The one lane that may talk to this sink."""
        return f"sink {self.setup.sink_id}"

    def reader(self) -> RecordReader:
        """The connection; called on the sink's lane."""
        if self._reader is None:
            self._reader = self._house.adapters.open_reader()
        return self._reader

    def abort(self) -> None:
        """Break whatever is in flight."""
        self.setup.sink.abort()
        reader = self._reader
        if reader is not None:
            reader.abort()

    def close(self) -> None:
        """Give connections back; called on the sink's lane, or when no thread is left."""
        self.setup.sink.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class PublishTick:
    """Beats on the sink's interval; starts a span when something is owed and none is on its way."""

    kind = Kind.PUBLISH
    lane = None

    def __init__(self, house: House, feed: Feed, now: float) -> None:
        interval_s = feed.setup.interval_s
        self._house = house
        self._feed = feed
        self._grid = Grid(interval_s, house.draw() * interval_s)
        self._beat = self._grid.after(now) - interval_s
        self.slack_s = min(1.0, interval_s * 0.05)

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """A sink that was removed meanwhile gets nothing more."""
        if self._feed.removed:
            return Done()
        self._beat, missed = self._grid.next(self._beat, now)
        return Again(self._beat, missed, next_span(self._house, self._feed, now))


def next_span(house: House, feed: Feed, now: float) -> tuple[Submission, ...]:
    """The span that is due now, as a task on the sink's lane."""
    delivery = house.delivery
    span = None if delivery.held else feed.outlet.plan(delivery.head, now)
    return () if span is None else (Submission(PublishSpan(house, feed, span), now),)


class SpanContinues:
    """After a pause between two slices of backlog: whatever is owed then."""

    kind = Kind.PUBLISH
    lane = None
    slack_s = 0.1

    def __init__(self, house: House, feed: Feed) -> None:
        self._house = house
        self._feed = feed

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Live data that came meanwhile goes first: the outlet decides."""
        return Done() if self._feed.removed else Done(next_span(self._house, self._feed, now))


@dataclass(frozen=True, slots=True)
class Published:
    """Everything up to position `upto` was acknowledged, `records` of them."""

    upto: int
    records: int


class PublishSpan:
    """Read a span and send it, one batch a device; all or nothing moves the cursor."""

    kind = Kind.PUBLISH
    slack_s = 0.0
    budget_s = PUBLISH_BUDGET_S

    def __init__(self, house: House, feed: Feed, span: Span) -> None:
        self._house = house
        self._feed = feed
        self._span = span
        self.lane = feed.lane

    def work(self, lane: LaneView) -> Published:
        """Raises SinkUnavailable, BatchTooLarge, RecordsRefused, StoreUnavailable."""
        # A span holds no more positions than one batch, so its records always fit the limit.
        records = self._feed.reader().after(self._span, self._span.size)
        for batch in self._batches(records):
            self._feed.setup.sink.publish(batch)
        return Published(self._span.upto, len(records))

    def abort(self) -> None:
        """Break the request in flight."""
        self._feed.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Move the cursor or assign the blame, then go on with what is owed."""
        house, outlet = self._house, self._feed.outlet
        at_ms = house.clock.utc_ms()
        if self._feed.removed:
            return Done((close_feed(self._feed, now),))
        if isinstance(outcome, Failed):
            return self._blame(outcome.error, now, at_ms)
        published = outcome.value
        assert isinstance(published, Published)
        was_away = outlet.failures > 0
        outlet.acknowledged(self._span, published.upto, published.records, at_ms)
        if was_away:
            house.notices.clear(f"sink {outlet.sink_id}")
        return Done(self._onward(now))

    def _onward(self, now: float) -> tuple[Submission, ...]:
        """Live data goes on at once when it fills a batch, backlog after a jittered pause."""
        house, outlet = self._house, self._feed.outlet
        head = house.delivery.head
        if head - outlet.cursor.live >= self._feed.setup.batch_records:
            return next_span(house, self._feed, now)
        if outlet.cursor.gaps or outlet.urgent(head) and self._span.upto < outlet.cursor.live:
            pause_s = BACKFILL_PAUSE_S * (0.75 + house.draw() / 2)
            return (Submission(SpanContinues(house, self._feed), now + pause_s),)
        return ()

    def _blame(self, error: Exception, now: float, at_ms: int) -> Verdict:
        house, outlet = self._house, self._feed.outlet
        quarantine = outlet.refused(self._span, error, now, house.draw())
        if quarantine is not None:
            return Done((self._keep_aside(quarantine, now, at_ms), *self._onward(now)))
        if isinstance(error, (BatchTooLarge, RecordsRefused)) and not outlet.failures:
            return Done(next_span(house, self._feed, now))
        house.notices.post(
            f"sink {outlet.sink_id}",
            Level.WARNING,
            f"Delivery to {outlet.target} waits: {error}. Nothing is lost meanwhile.",
            at_ms,
        )
        pause = SpanContinues(house, self._feed)
        return Done((Submission(pause, max(now, outlet.retry_at)),))

    def _keep_aside(self, quarantine: Quarantine, now: float, at_ms: int) -> Submission:
        house, outlet = self._house, self._feed.outlet
        house.notices.post(
            f"quarantine {outlet.sink_id}",
            Level.WARNING,
            f"{outlet.target} refuses a record while it takes others; it is kept here and not "
            f"sent again: {quarantine.reason}",
            at_ms,
        )
        return Submission(KeepQuarantine(house, outlet.sink_id, quarantine, at_ms), now)

    def _batches(self, records: Sequence[Stored]) -> Iterator[Batch]:
        """The records by device, each device's in their order."""
        by_device: dict[str, list[Stored]] = {}
        for stored in records:
            by_device.setdefault(stored.record.reading.device, []).append(stored)
        for device_id, theirs in by_device.items():
            yield Batch(self._house.plant.describe(device_id), theirs)


class KeepQuarantine:
    """Write down which record a sink refuses, and why."""

    kind = Kind.COMMIT
    lane = DATABASE_LANE
    slack_s = 0.0
    budget_s = QUARANTINE_BUDGET_S

    def __init__(self, house: House, sink_id: str, quarantine: Quarantine, at_ms: int) -> None:
        self._house = house
        self._sink_id = sink_id
        self._quarantine = quarantine
        self._at_ms = at_ms

    def work(self, lane: LaneView) -> None:
        """Raises StoreUnavailable, StoreFull."""
        kept = self._quarantine
        store = self._house.adapters.store
        store.quarantine(self._sink_id, kept.position, kept.reason, self._at_ms)

    def abort(self) -> None:
        """Interrupt the statement."""
        self._house.adapters.store.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Written, or tried again."""
        return Again(now + QUARANTINE_RETRY_S) if isinstance(outcome, Failed) else Done()


class CloseFeed:
    """Give a removed sink's connections back, on its lane, where no call is in flight."""

    kind = Kind.PUBLISH
    slack_s = 0.0
    budget_s = QUARANTINE_BUDGET_S

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.lane = feed.lane

    def work(self, lane: LaneView) -> None:
        """Never raises."""
        self._feed.close()

    def abort(self) -> None:
        """Closing does not wait for a peer."""

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Nothing follows."""
        return Done()


def close_feed(feed: Feed, now: float) -> Submission:
    """The closing of a feed as a task."""
    return Submission(CloseFeed(feed), now)
