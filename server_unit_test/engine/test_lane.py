"""Figures of lanes and kinds as immutable values."""

import pytest

from server.engine.heaps import Figures, Ready, Ticket
from server.engine.lane import Lane, count_late, kind_statistics, lane_statistics
from server.model.statistics import LATENESS_EDGES_S
from server_unit_test.engine.puppet import Puppet


def figures() -> Figures:
    """Totals of a kind that never ran."""
    return Figures(len(LATENESS_EDGES_S) + 1)


@pytest.mark.parametrize(
    ("late_s", "bucket"),
    [(0.0, 0), (0.000999, 0), (0.001, 1), (0.0099, 1), (0.5, 3), (9.9, 4), (10.0, 5), (1e9, 5)],
)
def test_a_start_counts_in_the_bucket_of_its_lateness(late_s: float, bucket: int) -> None:
    """An edge belongs to the bucket above it."""
    totals = figures()

    count_late(totals, late_s)

    assert bucket == totals.lateness.index(1)


def test_a_kind_shows_its_totals_and_what_is_there_now() -> None:
    """Totals are kept, the rest is counted when asked."""
    totals = figures()
    totals.started, totals.failed, totals.missed = 7, 2, 3

    shown = kind_statistics(totals, 4, 5, 6)

    assert (4, 5, 6) == (shown.queued, shown.ready, shown.running)
    assert (7, 2, 3) == (shown.started, shown.failed, shown.missed)


def test_a_lane_is_busy_while_a_thread_is_inside() -> None:
    """Broken off, it is stuck and no task of it runs; free, it is idle."""
    lane = Lane("a", Ready("a"), patient=False)
    idle = lane_statistics(lane, 9.0)
    lane.running = Ticket(Puppet(lane="a"), lane.ready, figures())
    lane.inside, lane.since = 0, 4.0
    busy = lane_statistics(lane, 9.0)
    lane.running, lane.stuck = None, True
    stuck = lane_statistics(lane, 9.0)
    lane.free()

    assert ("", 0.0, False) == (idle.busy_kind, idle.busy_s, idle.stuck)
    assert ("poll", 5.0, False) == (busy.busy_kind, busy.busy_s, busy.stuck)
    assert ("", 5.0, True) == (stuck.busy_kind, stuck.busy_s, stuck.stuck)
    assert idle == lane_statistics(lane, 9.0)
