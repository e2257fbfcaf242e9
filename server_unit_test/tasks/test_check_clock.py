"""What was stamped by an unsynchronised clock is corrected once, before anybody sees it."""

import pytest

from server.engine.task import Again, Done, Failed, Ok
from server.errors import StoreUnavailable
from server.model.cursor import Span
from server.model.reading import ClockQuality
from server.tasks.check_clock import (
    CHECK_EVERY_S,
    CORRECT_BUDGET_S,
    CORRECT_RETRY_S,
    CORRECT_SOON_S,
    CheckClock,
    CorrectClock,
)
from server.tasks.commit_readings import write_now
from server_unit_test.contracts.fake_clock import START_MS
from server_unit_test.ledger.readings import reading
from server_unit_test.tasks.houses import Home, only, run

NOW = 1000.0
UNSYNCED, SYNCED = ClockQuality.UNSYNCED, ClockQuality.SYNCED


@pytest.fixture
def task(home: Home) -> CheckClock:
    """The watch of a box that started with an unset clock, an hour behind."""
    home.clock.set_quality(UNSYNCED)
    return CheckClock(home.house)


def synchronise(home: Home, task: CheckClock) -> CorrectClock:
    """The time server is heard 100 s after the start, an hour is added; what follows."""
    home.clock.advance(100.0)
    home.clock.step(3_600_000)
    home.clock.set_quality(SYNCED)
    verdict = run(task, home.clock.monotonic())
    assert isinstance(verdict, Again)
    correction = only(verdict.then).task
    assert isinstance(correction, CorrectClock)
    return correction


def test_a_clock_that_stays_as_it_is_asks_for_nothing(home: Home, task: CheckClock) -> None:
    """Unsynchronised or synchronised: only the change matters."""
    unset = run(task, NOW)
    home.clock.set_quality(SYNCED)
    settled = run(CheckClock(home.house), NOW)

    assert Again(NOW + CHECK_EVERY_S) == unset == settled
    assert not home.house.delivery.held


def test_readings_that_wait_are_corrected_at_once(home: Home, task: CheckClock) -> None:
    """Their uptime says when they were taken, whenever the step of the clock came."""
    home.house.buffer.add(reading(7, clock=UNSYNCED))

    synchronise(home, task)

    (record,) = home.house.buffer.freeze()
    assert START_MS + 3_600_000 == home.house.epoch_ms
    assert START_MS + 3_607_000 == record.reading.taken_at_ms
    assert ClockQuality.CORRECTED is record.reading.clock


def test_readings_on_disk_are_corrected_and_delivery_waits_for_it(
    home: Home, task: CheckClock
) -> None:
    """Slice by slice, until none is left; then delivery is released."""
    home.house.buffer.add(reading(7, clock=UNSYNCED))
    run(only(write_now(home.house, NOW)).task, NOW)
    correction = synchronise(home, task)
    held = [home.house.delivery.held]

    verdicts = []
    for _ in range(2):
        verdicts.append(run(correction, NOW))
        held.append(home.house.delivery.held)

    assert [Again(NOW), Done()] == verdicts
    assert [True, True, False] == held
    reader = home.house.adapters.open_reader()
    (stored,) = reader.after(Span(0, 1), 1)
    reader.close()
    assert START_MS + 3_607_000 == stored.record.reading.taken_at_ms
    assert CORRECT_BUDGET_S == correction.budget_s


def test_what_a_sink_may_have_sent_is_left_as_it_is(home: Home, task: CheckClock) -> None:
    """Nothing is published under two timestamps."""
    feed, _ = home.feed()
    for number in (1, 2):
        home.house.buffer.add(reading(number, clock=UNSYNCED))
        run(only(write_now(home.house, NOW)).task, NOW)
        feed.outlet.plan(1, NOW)

    correction = synchronise(home, task)
    run(correction, NOW)

    reader = home.house.adapters.open_reader()
    stored = reader.after(Span(0, 2), 2)
    reader.close()
    assert [UNSYNCED, ClockQuality.CORRECTED] == [each.record.reading.clock for each in stored]


def test_a_frozen_batch_is_waited_for(home: Home, task: CheckClock) -> None:
    """It is retried unchanged, so it may reach the disk only after the correction began."""
    home.house.buffer.add(reading(7, clock=UNSYNCED))
    write = only(write_now(home.house, NOW)).task
    correction = synchronise(home, task)

    waiting = run(correction, NOW)
    run(write, NOW)

    assert Again(NOW + CORRECT_SOON_S) == waiting
    assert [Again(NOW), Done()] == [run(correction, NOW), run(correction, NOW)]


def test_a_failed_correction_is_tried_again_and_delivery_stays_held(
    home: Home, task: CheckClock
) -> None:
    """A locked database must not let uncorrected records out."""
    correction = synchronise(home, task)
    correction.abort()

    verdict = correction.settle(Failed(StoreUnavailable("locked")), NOW)

    assert (Again(NOW + CORRECT_RETRY_S), True) == (verdict, home.house.delivery.held)
    assert Done() == correction.settle(Ok(0), NOW)


def test_a_clock_that_is_lost_again_is_corrected_again(home: Home, task: CheckClock) -> None:
    """Trust that goes clears the epoch; trust that returns measures a new one."""
    synchronise(home, task)
    home.clock.set_quality(UNSYNCED)
    run(task, NOW)
    lost = home.house.epoch_ms

    home.house.delivery.held = False
    synchronise(home, task)

    assert (None, START_MS + 7_200_000) == (lost, home.house.epoch_ms)
    assert home.house.delivery.held
