"""The board of snapshots: the newest for everybody, and a wake-up for those who watch."""

from dataclasses import replace

import pytest

from server.engine.engine import Engine
from server.engine.modes import RANKS, Mode
from server.ledger.board import MAX_SUBSCRIBERS, Board
from server.ledger.portrait import Nameplate, draw
from server.model.snapshot import Snapshot
from server_unit_test.tasks.houses import Home


@pytest.fixture
def snapshot(home: Home) -> Snapshot:
    """A first snapshot."""
    engine = Engine(RANKS[Mode.RUNNING]).statistics(0.0, wakeups=0, inbox=0, inbox_refused=0)
    return draw(home.house, Nameplate("1.0", "00", "00", 0), engine, 1, home.clock.monotonic())


def test_the_newest_snapshot_is_what_everybody_gets(snapshot: Snapshot) -> None:
    """Before the first publication there is one already: a reader never waits."""
    board = Board(snapshot)
    newer = replace(snapshot, version=2)
    first = board.snapshot()

    board.show(newer)

    assert (snapshot, newer) == (first, board.snapshot())


def test_subscribers_are_woken_after_the_snapshot_is_there(snapshot: Snapshot) -> None:
    """Who is woken finds the newest one, and may have slept through others."""
    board = Board(snapshot)
    seen: list[int] = []
    board.subscribe(lambda: seen.append(board.snapshot().version))

    board.show(replace(snapshot, version=2))
    board.show(replace(snapshot, version=3))

    assert [2, 3] == seen


def test_a_subscription_ends_when_told_and_may_be_ended_twice(snapshot: Snapshot) -> None:
    """Others stay subscribed."""
    board = Board(snapshot)
    woken: list[str] = []
    leave = board.subscribe(lambda: woken.append("left"))
    board.subscribe(lambda: woken.append("stayed"))

    leave()
    leave()
    board.show(replace(snapshot, version=2))

    assert ["stayed"] == woken


def test_whether_anybody_watches_is_known(snapshot: Snapshot) -> None:
    """A gateway without an audience need not draw at every commit."""
    board = Board(snapshot)
    before = board.watched
    leave = board.subscribe(lambda: None)
    during = board.watched

    leave()

    assert (False, True, False) == (before, during, board.watched)


def test_too_many_subscribers_are_refused(snapshot: Snapshot) -> None:
    """Each costs a wake-up per snapshot; one that leaves makes room."""
    board = Board(snapshot)
    leaves = [board.subscribe(lambda: None) for _ in range(MAX_SUBSCRIBERS)]

    with pytest.raises(BufferError, match=f"{MAX_SUBSCRIBERS} subscribers"):
        board.subscribe(lambda: None)

    leaves[0]()
    board.subscribe(lambda: None)
