"""Readings wait, get their identity when frozen, and are never renumbered."""

import pytest

from server.ledger.buffer import MAX_BATCH, MAX_BUFFERED, Buffer, corrected
from server.model.reading import ClockQuality
from server_unit_test.ledger.readings import START_MS, reading

BOOT = 0x0123456789ABCDEF


def test_sequences_begin_at_one_and_have_no_holes() -> None:
    """Numbers are given in the order of arrival, batch after batch."""
    buffer = Buffer(BOOT)
    sequences = []
    for start in (0, 3):
        for number in range(start, start + 3):
            buffer.add(reading(number))
        sequences += [record.sequence for record in buffer.freeze()]
        buffer.committed(buffer.freeze())

    assert [1, 2, 3, 4, 5, 6] == sequences
    assert 6 == buffer.accepted


def test_a_frozen_batch_comes_back_unchanged_until_it_is_committed() -> None:
    """What arrives meanwhile waits for the next batch."""
    buffer = Buffer(BOOT)
    buffer.add(reading(1))
    frozen = buffer.freeze()
    buffer.add(reading(2))

    assert frozen is buffer.freeze()
    assert buffer.in_flight
    assert 0 == buffer.accepted
    buffer.committed(buffer.freeze())
    assert [2] == [record.sequence for record in buffer.freeze()]


def test_when_full_the_oldest_unnumbered_reading_goes_and_is_counted() -> None:
    """MAX_BUFFERED is a bound on memory; what is frozen is never dropped."""
    assert MAX_BATCH <= MAX_BUFFERED
    buffer = Buffer(BOOT, limit=3)
    buffer.add(reading(0))
    buffer.freeze()
    for number in range(1, 6):
        buffer.add(reading(number))

    assert 2 == buffer.dropped
    assert 4 == len(buffer)
    buffer.committed(buffer.freeze())
    kept = [(each.sequence, each.reading.uptime_ms) for each in buffer.freeze()]
    assert [(2, 3000), (3, 4000), (4, 5000)] == kept


def test_a_batch_is_bounded() -> None:
    """No transaction takes more than MAX_BATCH readings; the rest goes with the next."""
    buffer = Buffer(BOOT)
    for number in range(MAX_BATCH + 1):
        buffer.add(reading(number))

    assert MAX_BATCH == len(buffer.freeze())
    buffer.committed(buffer.freeze())
    assert 1 == len(buffer.freeze())


def test_freezing_nothing_gives_nothing() -> None:
    """An empty batch is not in flight."""
    buffer = Buffer(BOOT)

    assert () == buffer.freeze()
    assert not buffer.in_flight
    buffer.committed(buffer.freeze())
    assert 0 == buffer.accepted


def test_readings_of_an_unsynced_clock_are_restamped_by_their_uptime() -> None:
    """True time is the UTC time of uptime zero plus the uptime; others stay as they are."""
    epoch_ms = START_MS + 7_000_000
    buffer = Buffer(BOOT)
    buffer.add(reading(1, clock=ClockQuality.UNSYNCED))
    buffer.add(reading(2, clock=ClockQuality.SYNCED))

    buffer.correct(lambda each: corrected(each, epoch_ms))

    first, second = (record.reading for record in buffer.freeze())
    assert (epoch_ms + 1000, ClockQuality.CORRECTED) == (first.taken_at_ms, first.clock)
    assert (START_MS + 2000, ClockQuality.SYNCED) == (second.taken_at_ms, second.clock)


@pytest.mark.parametrize("clock", [*ClockQuality])
def test_an_unsynced_batch_in_flight_is_known(clock: ClockQuality) -> None:
    """Delivery waits for such a batch to be corrected on disk."""
    buffer = Buffer(BOOT)
    buffer.add(reading(1, clock=clock))
    assert not buffer.frozen_unsynced

    buffer.freeze()

    assert (clock is ClockQuality.UNSYNCED) == buffer.frozen_unsynced


def test_the_oldest_reading_that_waits_is_known() -> None:
    """First what is on its way to disk, then what waits for the next batch."""
    buffer = Buffer(1)
    none = buffer.oldest
    buffer.add(reading(1))
    waiting = buffer.oldest
    buffer.freeze()
    buffer.add(reading(2))
    frozen = buffer.oldest

    buffer.committed(buffer.freeze())

    assert (None, reading(1), reading(1), reading(2)) == (none, waiting, frozen, buffer.oldest)
