"""Stopping takes its steps in order, and never longer than it may."""

from dataclasses import dataclass, field

import pytest

from server.engine.task import Again, Done, Failed, Task
from server.errors import StoreUnavailable
from server.ledger.house import DATABASE_LANE
from server.tasks.commit_readings import write_now
from server.tasks.stop_gateway import (
    BREAK_OFF_S,
    DRAIN_AT_MOST_S,
    LOOK_EVERY_S,
    STOP_AT_MOST_S,
    StopGateway,
)
from server_unit_test.ledger.readings import reading
from server_unit_test.tasks.houses import Home, run

NOW = 1000.0
EXIT_AT_MOST_S = 8.0
"""What the design promises for the whole process."""


@dataclass
class Scene:
    """A gateway that is being stopped, in a test's hands."""

    home: Home
    lanes: tuple[str, ...] = ()
    breaks: int = 0
    finished: int = 0
    writes: list[Task] = field(default_factory=list)

    def task(self) -> StopGateway:
        """The stop, asked for at NOW."""
        return StopGateway(
            self.home.house, NOW, lambda: self.lanes, self._break, self._commit, self._finish
        )

    def _break(self) -> None:
        self.breaks += 1

    def _commit(self, now: float) -> None:
        self.writes += [each.task for each in write_now(self.home.house, now)]

    def _finish(self) -> None:
        self.finished += 1


@pytest.fixture
def scene(home: Home) -> Scene:
    """Nothing in flight."""
    return Scene(home)


def test_an_idle_gateway_stops_at_once(scene: Scene) -> None:
    """Nothing to drain and nothing to commit."""
    assert Done() == run(scene.task(), NOW)

    assert (1, 0, []) == (scene.finished, scene.breaks, scene.writes)


def test_what_is_in_memory_goes_to_disk_first(scene: Scene) -> None:
    """One commit is asked for, and the end waits for its outcome."""
    scene.home.house.buffer.add(reading(1))
    task = scene.task()

    waiting = run(task, NOW)
    (write,) = scene.writes
    still = run(task, NOW + LOOK_EVERY_S)
    run(write, NOW + LOOK_EVERY_S)

    assert Again(NOW + LOOK_EVERY_S) == waiting
    assert (Again(NOW + 2 * LOOK_EVERY_S), 1) == (still, len(scene.writes))
    assert Done() == run(task, NOW + 2 * LOOK_EVERY_S)
    assert (1, 1, 0) == (scene.home.house.delivery.head, scene.finished, scene.breaks)


def test_calls_in_flight_get_their_time_and_their_readings_are_kept(scene: Scene) -> None:
    """A poll that comes back within its time is committed too."""
    scene.lanes = ("modbus_tcp:10.0.0.1:502", DATABASE_LANE)
    task = scene.task()

    waiting = run(task, NOW + DRAIN_AT_MOST_S - 0.1)
    assert isinstance(waiting, Again) and [] == scene.writes
    scene.lanes = (DATABASE_LANE,)
    scene.home.house.buffer.add(reading(1))
    run(task, waiting.at)

    assert (1, 0) == (len(scene.writes), scene.breaks)


def test_what_takes_longer_is_broken_off_once(scene: Scene) -> None:
    """It may still come back for a moment; then the commit is made without it."""
    scene.lanes = ("sink a",)
    scene.home.house.buffer.add(reading(1))
    task = scene.task()

    run(task, NOW + DRAIN_AT_MOST_S)
    run(task, NOW + DRAIN_AT_MOST_S + BREAK_OFF_S / 2)
    before = len(scene.writes)
    run(task, NOW + DRAIN_AT_MOST_S + BREAK_OFF_S)

    assert (1, 0, 1) == (scene.breaks, before, len(scene.writes))


def test_a_commit_that_fails_is_waited_for_within_the_bound(scene: Scene) -> None:
    """The same batch is being retried; a database that recovers in time loses nothing."""
    scene.home.house.buffer.add(reading(1))
    task = scene.task()
    run(task, NOW)
    (write,) = scene.writes
    write.settle(Failed(StoreUnavailable("locked")), NOW)

    waiting = run(task, NOW + STOP_AT_MOST_S - 0.1)
    run(write, NOW + STOP_AT_MOST_S - 0.1)

    assert isinstance(waiting, Again)
    assert Done() == run(task, NOW + STOP_AT_MOST_S - 0.05)
    assert 1 == scene.home.house.delivery.head


def test_it_ends_in_time_whatever_hangs(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """A database that never answers is left behind, and the log says what was lost with it."""
    scene.lanes = ("sink a", DATABASE_LANE)
    scene.home.house.buffer.add(reading(1))
    scene.home.house.disk.writing = True
    scene.home.house.disk.error = "locked"
    task = scene.task()
    now = NOW
    while isinstance(verdict := run(task, now), Again):
        now = verdict.at

    assert STOP_AT_MOST_S <= now - NOW < STOP_AT_MOST_S + 2 * LOOK_EVERY_S
    assert DRAIN_AT_MOST_S + BREAK_OFF_S < STOP_AT_MOST_S < EXIT_AT_MOST_S
    assert (1, 1) == (scene.finished, scene.breaks)
    assert "stopped without the last commit" == caplog.records[-1].message
