"""What a sink gets next, and who is to blame when it does not take it."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from server.errors import BatchTooLarge, Overrun, RecordsRefused, SinkUnavailable
from server.ledger.delivery import (
    BACKFILL_PAUSE_S,
    LIVE_LAG_BATCHES,
    MAX_RETRY_AFTER_S,
    MAX_SPAN,
    MAX_SUSPECTS,
    PROBE_RECORDS,
    SINK_BACKOFF,
    SINK_ERROR_CHARACTERS_MAX,
    Delivery,
    Outlet,
)
from server.model.cursor import Cursor, Span
from server.model.delivery import Quarantined

NOW = 1000.0
AT_MS = 1_750_000_000_000
AWAY = SinkUnavailable("no answer")
BATCH = 10


def outlet(live: int = 0, gaps: tuple[Span, ...] = ()) -> Outlet:
    """A sink that takes ten records at a time."""
    return Outlet("sink", "harvest", "http://sink", Cursor(live, gaps), BATCH)


def deliver(subject: Outlet, head: int, now: float = NOW) -> Span | None:
    """Plan a span and have it acknowledged."""
    span = subject.plan(head, now)
    if span is not None:
        subject.acknowledged(span, span.upto, span.size, AT_MS)
    return span


def test_nothing_is_planned_when_nothing_is_owed() -> None:
    """At the head there is nothing to send."""
    assert outlet(5).plan(5, NOW) is None


def test_one_span_at_a_time() -> None:
    """While a span is on its way no other one is planned."""
    subject = outlet()
    assert Span(0, 3) == subject.plan(3, NOW)

    assert subject.plan(9, NOW) is None


def test_a_span_is_never_larger_than_a_batch() -> None:
    """Twenty-five records behind: ten, ten, five."""
    subject = outlet()

    spans = [deliver(subject, 25) for _ in range(3)]

    assert [Span(0, 10), Span(10, 20), Span(20, 25)] == spans


def test_a_span_is_as_wide_as_there_are_devices() -> None:
    """A request carries one device: a thousand of them must not cost a request a record."""
    few, many = outlet(), outlet()

    assert Span(0, 3 * BATCH) == few.plan(4 * BATCH, NOW, devices=3)
    assert Span(0, MAX_SPAN) == many.plan(MAX_SPAN + 1, NOW, devices=1_000)


def test_after_an_outage_live_data_goes_first_and_the_backlog_in_order() -> None:
    """The edge jumps to the last batch; what it skipped becomes a gap, filled from its start."""
    subject = outlet()
    head = (LIVE_LAG_BATCHES + 2) * BATCH

    spans = [deliver(subject, head) for _ in range(3)]

    assert [Span(head - BATCH, head), Span(0, BATCH), Span(BATCH, 2 * BATCH)] == spans
    assert Cursor(head, (Span(2 * BATCH, head - BATCH),)) == subject.cursor


def test_new_live_data_goes_before_the_rest_of_the_backlog() -> None:
    """Between two slices of a gap, what has come in meanwhile is sent."""
    subject = outlet(60, (Span(0, 50),))

    assert Span(60, 61) == deliver(subject, 61)
    assert Span(0, 10) == deliver(subject, 61)


@pytest.mark.parametrize("attempt", range(1, 5))
def test_an_endpoint_that_is_away_gets_the_same_records_after_a_growing_pause(attempt: int) -> None:
    """Its fault: nothing moves, and the pause follows the backoff."""
    subject = outlet()
    now = NOW
    for _ in range(attempt):
        span = subject.plan(5, now)
        assert Span(0, 5) == span
        assert span is not None
        subject.refused(span, AWAY, now, 1.0)
        now = subject.retry_at

    assert SINK_BACKOFF.delay_s(attempt, 1.0) == subject.retry_at - (
        NOW + sum(SINK_BACKOFF.delay_s(each, 1.0) for each in range(1, attempt))
    )
    assert subject.plan(5, now - 0.001) is None
    assert not subject.reachable
    assert ("retrying", "no answer") == (
        subject.view(5, now, AT_MS).state,
        subject.view(5, now, AT_MS).error,
    )


@pytest.mark.parametrize(("asked_s", "paused_s"), [(120.0, 120.0), (1e9, MAX_RETRY_AFTER_S)])
def test_an_endpoint_may_ask_for_a_longer_pause_within_reason(
    asked_s: float, paused_s: float
) -> None:
    """Retry-After is honoured up to MAX_RETRY_AFTER_S."""
    subject = outlet()
    span = subject.plan(5, NOW)
    assert span is not None

    subject.refused(span, SinkUnavailable("503", asked_s), NOW, 0.0)

    assert NOW + paused_s == subject.retry_at


def test_too_large_halves_the_batch_and_success_doubles_it_again() -> None:
    """413: ten, five, two; and back up to ten."""
    subject = outlet()
    sizes = []
    for accepted in (False, False, True, True, True, True):
        span = subject.plan(40, NOW)
        assert span is not None
        sizes.append(span.size)
        if accepted:
            subject.acknowledged(span, span.upto, span.size, AT_MS)
        else:
            subject.refused(span, BatchTooLarge("413"), NOW, 0.5)

    assert [10, 5, 2, 4, 8, 10] == sizes


def test_only_a_record_refused_while_others_pass_is_quarantined() -> None:
    """Record 3 of 6 is poison: it is found by halving, set aside, proven, and quarantined."""
    subject = outlet()
    head, quarantined, attempts = 6, None, 0
    while quarantined is None:
        attempts += 1
        assert attempts < 30
        span = subject.plan(head, NOW)
        assert span is not None, subject.cursor
        if span.after < 3 <= span.upto:
            quarantined = subject.refused(span, RecordsRefused("422"), NOW, 0.5, AT_MS)
        else:
            subject.acknowledged(span, span.upto, span.size, AT_MS)

    assert Quarantined("sink", 3, "422", AT_MS) == quarantined
    assert Cursor(6) == subject.cursor
    assert 1 == subject.quarantined


def test_an_endpoint_that_refuses_everything_is_at_fault_itself() -> None:
    """While nothing passes, no record is accused for good, however often it is tried."""
    subject = outlet()
    now = NOW
    for _ in range(200):
        span = subject.plan(40, now)
        if span is not None:
            assert subject.refused(span, RecordsRefused("400"), now, 0.5) is None
        now += 100.0

    assert 0 == subject.quarantined
    assert 40 == subject.cursor.backlog(40)


def test_suspects_are_bounded() -> None:
    """Beyond MAX_SUSPECTS an endpoint counts as at fault, and is tried with pauses."""
    subject = outlet()
    head = 0
    while subject.retry_at <= NOW:
        head += 1
        assert head < 100
        span = subject.plan(head, NOW)
        if span is not None:
            subject.refused(span, RecordsRefused("400"), NOW, 0.5)

    assert MAX_SUSPECTS == len(subject._suspects)
    assert "retrying" == subject.view(head, NOW, AT_MS).state


def test_an_endpoint_that_was_away_is_probed_with_few_records() -> None:
    """A large batch is not read, signed and sent again and again while nobody answers."""
    subject = Outlet("sink", "harvest", "http://sink", Cursor(0), 100)
    sizes = []
    now = NOW
    for answered in (False, False, True, True, True, True):
        span = subject.plan(400, now)
        assert span is not None
        sizes.append(span.size)
        if answered:
            subject.acknowledged(span, span.upto, span.size, AT_MS)
        else:
            subject.refused(span, AWAY, now, 0.5)
            now = subject.retry_at

    assert [100, PROBE_RECORDS, PROBE_RECORDS, 20, 40, 80] == sizes


def test_retention_takes_what_was_owed_and_it_is_counted() -> None:
    """The cursor moves past what is gone; the drop is on the page."""
    subject = outlet(10, (Span(0, 8),))

    subject.pruned(12, dropped=10)

    assert Cursor(12) == subject.cursor
    assert 10 == subject.view(20, NOW, AT_MS).dropped


def test_error_texts_are_bounded() -> None:
    """An endpoint's answer cannot fill the memory."""
    subject = outlet()
    span = subject.plan(1, NOW)
    assert span is not None

    subject.refused(span, SinkUnavailable("x" * 10_000), NOW, 0.5)

    assert SINK_ERROR_CHARACTERS_MAX == len(subject.error)


def test_cursors_that_moved_are_saved_once() -> None:
    """Dirty until handed to a commit, and dirty again when that fails for good."""
    delivery = Delivery(head=5)
    subject = outlet()
    delivery.add(subject)
    deliver(subject, 5)

    assert {"sink": Cursor(5)} == delivery.dirty_cursors()
    assert {} == delivery.dirty_cursors()
    delivery.not_saved({"sink": Cursor(5), "gone": Cursor(1)})
    assert {"sink": Cursor(5)} == delivery.dirty_cursors()


def test_the_read_edge_is_the_furthest_position_that_may_have_been_sent() -> None:
    """What is beyond it may still be corrected; a removed sink has sent what it has sent."""
    delivery = Delivery(head=100)
    delivery.add(outlet(7))
    second = Outlet("other", "harvest", "http://other", Cursor(90), BATCH)
    delivery.add(second)
    assert 0 == delivery.read_edge

    second.plan(100, NOW)

    assert 100 == delivery.read_edge
    assert delivery.reachable
    delivery.remove("other")
    assert 100 == delivery.read_edge


def test_an_outage_is_one_gap_however_long() -> None:
    """While a sink is away its live edge jumps again and again; the gap grows, not their number."""
    subject = outlet()
    for head in range(100, 5_000, 100):
        span = subject.plan(head, NOW + head * 100)
        assert span is not None
        subject.refused(span, AWAY, NOW + head * 100, 0.5)

    assert 1 == len(subject.cursor.gaps)
    assert 5_000 - subject.cursor.live <= (LIVE_LAG_BATCHES + 10) * BATCH


def test_an_endpoint_too_slow_for_a_batch_gets_smaller_ones() -> None:
    """A span that overran its budget is halved, down to a single record, with pauses between."""
    subject = outlet()
    now, sizes = NOW, []
    for _ in range(5):
        span = subject.plan(40, now)
        assert span is not None
        sizes.append(span.size)
        subject.refused(span, Overrun("60 s"), now, 0.5)
        now = subject.retry_at + 0.001

    assert [10, 5, 2, 1, 1] == sizes


def test_what_retention_removed_beneath_a_span_in_flight_is_no_error() -> None:
    """The acknowledgement of records that are gone by now moves the rest, or nothing."""
    subject = outlet(100, (Span(0, 50),))
    span = subject.plan(100, NOW)
    assert Span(0, BATCH) == span
    assert span is not None

    subject.pruned(4, dropped=4)
    subject.acknowledged(span, span.upto, 10, AT_MS)
    late = subject.plan(100, NOW)
    subject.pruned(60, dropped=40)
    assert late is not None
    subject.acknowledged(late, late.upto, 10, AT_MS)

    assert Cursor(100) == subject.cursor
    assert subject.in_flight is None


def test_backfill_pauses_are_short_enough_to_catch_up() -> None:
    """At most a slice a second: a backlog of a day is gone within hours, not days."""
    assert 0 < BACKFILL_PAUSE_S <= 1.0


@given(
    steps=some.lists(
        some.tuples(
            some.sampled_from(["ack", "away", "large", "refused"]),
            some.integers(0, 30),
        ),
        max_size=120,
    ),
    poison=some.sets(some.integers(1, 200), max_size=4),
)
def test_whatever_happens_every_record_is_taken_quarantined_or_still_owed(
    steps: list[tuple[str, int]], poison: set[int]
) -> None:
    """No order of failures and successes loses a record or quarantines a sound one."""
    subject = outlet()
    head, now = 0, NOW
    taken: set[int] = set()
    quarantined: set[int] = set()
    for fate, more in steps:
        head += more
        now += 120.0
        span = subject.plan(head, now)
        if span is None:
            continue
        positions = set(range(span.after + 1, span.upto + 1))
        if positions & poison or fate != "ack":
            errors = {"away": AWAY, "large": BatchTooLarge("413")}
            kept = subject.refused(span, errors.get(fate, RecordsRefused("422")), now, 0.5)
            quarantined |= {kept.position} if kept else set()
        else:
            taken |= positions
            subject.acknowledged(span, span.upto, span.size, AT_MS)

    owed = set(range(subject.cursor.live + 1, head + 1)).union(
        *(range(gap.after + 1, gap.upto + 1) for gap in subject.cursor.gaps)
    )
    assert set(range(1, head + 1)) == taken | quarantined | owed
    assert not owed & (taken | quarantined)


def test_a_renewed_outlet_goes_on_where_the_old_one_was() -> None:
    """Changed settings lose no cursor, no count, and nothing that may have been sent already."""
    before = outlet()
    span = before.plan(30, NOW)
    assert span is not None
    before.acknowledged(span, span.upto, 10, AT_MS)
    before.plan(30, NOW)
    before.quarantined = 2

    after = before.renewed("http://other", 5)

    assert (before.cursor, True, before.read_edge) == (after.cursor, after.dirty, after.read_edge)
    assert (10, AT_MS, 2) == (after.delivered, after.last_ack_ms, after.quarantined)
    again = after.plan(30, NOW)
    assert again is not None and (before.cursor.live, 5) == (again.after, again.size)
