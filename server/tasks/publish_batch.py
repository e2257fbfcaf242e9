"""Deliver to one sink: choose a span on the engine thread, send it on the sink's lane.

`PublishTick` beats on the sink's interval and asks its outlet what is owed; `PublishSpan` reads
those records on the sink's own read-only connection and sends them, one batch a device. What
follows a span (more backlog, a pause, blame) is decided in `ledger/delivery.py`.
"""

from collections.abc import Sequence
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
from server.errors import BatchTooLarge, Overrun, RecordsRefused
from server.ledger.delivery import BACKFILL_PAUSE_S, MAX_SPAN, Outlet
from server.ledger.house import House
from server.model.cursor import Span
from server.model.delivery import Batch, DeviceFacts, Quarantined
from server.model.notice import Level
from server.model.reading import Stored
from server.ports import RecordReader, SinkSetup

PUBLISH_BUDGET_S = 60.0
"""One span: several requests, each with its own time limit."""

CLOSE_BUDGET_S = 10.0
"""Closing waits for no peer."""


class Feed:
    """A sink with its outlet and its read-only connection, which its lane opens when needed."""

    def __init__(self, house: House, setup: SinkSetup, outlet: Outlet) -> None:
        self.setup = setup
        self.outlet = outlet
        self.removed = False
        self.sent: dict[str, Span] = {}
        """Per device, the positions last acknowledged: what a broken-off span need not repeat.
        Used on the sink's lane alone."""
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
    devices = len(house.plant.devices)
    span = None if delivery.held else feed.outlet.plan(delivery.head, now, devices)
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
    """Read a span and send it, one batch a device; the cursor moves when all of them are taken.

    What one device's batch had acknowledged before another one failed, or before the budget ran
    out, is not sent again: an endpoint that is slow for many devices still gets on.
    """

    kind = Kind.PUBLISH
    slack_s = 0.0

    def __init__(self, house: House, feed: Feed, span: Span) -> None:
        self._house = house
        self._feed = feed
        self._span = span
        self._facts = house.plant.facts
        self._broken = False
        self.lane = feed.lane
        self.budget_s = max(PUBLISH_BUDGET_S, 3 * feed.setup.timeout_s)

    def work(self, lane: LaneView) -> Published:
        """Raises SinkUnavailable, BatchTooLarge, RecordsRefused, StoreUnavailable, Overrun."""
        span = self._span
        limit = min(span.size, MAX_SPAN)
        records = self._feed.reader().after(span, limit)
        # Fewer rows than asked for are all there are; otherwise only what was read can be sent.
        upto = span.upto if len(records) < limit else records[-1].position
        for device_id, theirs in self._by_device(records).items():
            if self._broken:
                raise Overrun("broken off between two devices")
            self._send(device_id, theirs)
            self._feed.sent[device_id] = Span(span.after, upto)
        return Published(upto, len(records))

    def abort(self) -> None:
        """Break the request in flight, and begin no other."""
        self._broken = True
        self._feed.abort()

    def _by_device(self, records: Sequence[Stored]) -> dict[str, list[Stored]]:
        """The records by device, each device's in their order, without what was taken before."""
        by_device: dict[str, list[Stored]] = {}
        for stored in records:
            device_id = stored.record.reading.device
            sent = self._feed.sent.get(device_id)
            if sent is None or not sent.after < stored.position <= sent.upto:
                by_device.setdefault(device_id, []).append(stored)
        return by_device

    def _send(self, device_id: str, records: Sequence[Stored]) -> None:
        """One device's records, in requests of at most a batch each."""
        setup = self._feed.setup
        facts = self._described(device_id)
        for start in range(0, len(records), setup.batch_records):
            setup.sink.publish(Batch(facts, records[start : start + setup.batch_records]))

    def _described(self, device_id: str) -> DeviceFacts:
        unknown = DeviceFacts(device_id, device_id, "", device_id, "")
        return self._facts.get(device_id, unknown)

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
        if outlet.full(head):
            return next_span(house, self._feed, now)
        if outlet.cursor.gaps or outlet.catching_up(head):
            pause_s = BACKFILL_PAUSE_S * (0.75 + house.draw() / 2)
            return (Submission(SpanContinues(house, self._feed), now + pause_s),)
        return ()

    def _blame(self, error: Exception, now: float, at_ms: int) -> Verdict:
        house, outlet = self._house, self._feed.outlet
        accused = outlet.refused(self._span, error, now, house.draw(), at_ms)
        if accused is not None:
            self._set_aside(accused)
            return Done(self._onward(now))
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

    def _set_aside(self, accused: Quarantined) -> None:
        house, outlet = self._house, self._feed.outlet
        house.delivery.quarantined.append(accused)
        house.notices.post(
            f"quarantine {outlet.sink_id}",
            Level.WARNING,
            f"{outlet.target} refuses a record while it takes others; it is kept here and not "
            f"sent again: {accused.reason}",
            accused.at_ms,
        )


class CloseFeed:
    """Give a removed sink's connections back, on its lane, where no call is in flight."""

    kind = Kind.PUBLISH
    slack_s = 0.0
    budget_s = CLOSE_BUDGET_S

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
