"""A dongle is asked neither too fast nor too often."""

import pytest

from server.transports.winet_patience import (
    KEEP_ALIVE_S,
    MAX_BUSY_PAUSES,
    MAX_REFUSED_TRIES,
    MAX_RENEWALS,
    MIN_GAP_S,
    RESIGNED_S,
    Pace,
    Patience,
)
from server_unit_test.contracts.fake_clock import FakeClock


def test_each_request_has_its_own_patience() -> None:
    """So many new sessions, pauses and repetitions, and no more."""
    patience = Patience()

    assert MAX_RENEWALS == sum(patience.renewal() for _ in range(9))
    assert MAX_BUSY_PAUSES == sum(patience.pause() for _ in range(9))
    assert MAX_REFUSED_TRIES - 1 == sum(patience.refusal() for _ in range(9))


def test_there_is_a_gap_after_an_answer() -> None:
    """None before the first request; the whole one where no clock tells."""
    clock = FakeClock()
    pace = Pace(clock)
    before = pace.gap_s()
    pace.answered()
    clock.advance(MIN_GAP_S / 2)

    assert (0.0, pytest.approx(MIN_GAP_S / 2)) == (before, pace.gap_s())
    assert MIN_GAP_S == Pace(None).gap_s()


def test_a_ping_is_due_now_and_then() -> None:
    """Once every KEEP_ALIVE_S."""
    clock = FakeClock()
    pace = Pace(clock)
    clock.advance(KEEP_ALIVE_S)

    assert [True, False] == [pace.ping_due(clock.monotonic()) for _ in range(2)]


def test_resigning_ends_by_itself() -> None:
    """However often it is said meanwhile; without a clock nobody resigns."""
    clock = FakeClock()
    pace, timeless = Pace(clock), Pace(None)
    seen = [pace.resigned]
    for wait_s in (0.0, RESIGNED_S - 1, 1.0):
        clock.advance(wait_s)
        seen.append(pace.resigned)
        pace.resign()
        timeless.resign()

    assert [False, False, True, False] == seen
    assert pace.resigned and not timeless.resigned
