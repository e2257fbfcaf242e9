"""The engine's figures: one value, in buckets that everybody shares."""

from bisect import bisect_right

import pytest

from server.engine.engine import Engine
from server.engine.modes import RANKS, Mode
from server.engine.task import Kind
from server.model.statistics import LATENESS_EDGES_S
from server_unit_test.engine.puppet import Puppet


@pytest.mark.parametrize("late_s", [0.0, *LATENESS_EDGES_S, LATENESS_EDGES_S[-1] + 1])
def test_a_start_falls_into_one_bucket(late_s: float) -> None:
    """An edge belongs to the bucket above it; beyond the last one there is one bucket more."""
    engine = Engine(RANKS[Mode.RUNNING])
    engine.submit(Puppet(kind=Kind.POLL), 0.0)
    assert engine.take(late_s) is not None
    expected = [0] * (len(LATENESS_EDGES_S) + 1)
    expected[bisect_right(LATENESS_EDGES_S, late_s)] = 1

    polls = engine.statistics(late_s, wakeups=0, inbox=0, inbox_refused=0).kinds["poll"]

    assert (1, tuple(expected)) == (polls.started, polls.lateness)


def test_edges_rise() -> None:
    """From a millisecond to ten seconds."""
    assert sorted(LATENESS_EDGES_S) == [*LATENESS_EDGES_S]
    assert (0.001, 10.0) == (LATENESS_EDGES_S[0], LATENESS_EDGES_S[-1])
