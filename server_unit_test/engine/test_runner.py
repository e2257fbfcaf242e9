"""The loop: with a clock, an inbox and lanes that a test moves by hand."""

import pytest

from server.engine.decisions import Start
from server.engine.engine import Engine
from server.engine.inbox import Completion
from server.engine.modes import ALLOWED_WHILE_STOPPING, RANKS, Mode
from server.engine.runner import MAX_TURN_S, Runner
from server.engine.task import Again, Done, Failed, Kind, Ok, Submission, Task
from server.errors import Busy, DeviceTimeout, Overrun
from server_unit_test.engine.puppet import Puppet


class Bench:
    """Engine, runner, and everything around them in a test's hands."""

    def __init__(self, max_lanes: int = 10) -> None:
        self.now = 0.0
        self.refused = 0
        self.waits: list[float | None] = []
        self.started: list[Start] = []
        self.replaced: list[str] = []
        self.coming: tuple[list[Completion], list[Task]] = ([], [])
        self.reports: list[tuple[str, str]] = []
        self.engine = Engine(RANKS[Mode.RUNNING], max_lanes=max_lanes)
        self.runner = Runner(self.engine, self, self, lambda: self.now, self._report)

    def wait(self, timeout_s: float | None) -> tuple[list[Completion], list[Task]]:
        """Hands in what the test laid ready."""
        self.waits.append(timeout_s)
        coming, self.coming = self.coming, ([], [])
        return coming

    def __len__(self) -> int:
        return 0

    def start(self, call: Start) -> None:
        """Kept; the test answers."""
        self.started.append(call)

    def no_thread(self, call: Start) -> None:
        """As the interpreter does it."""
        raise RuntimeError("can't start new thread")

    def replace(self, lane: str) -> None:
        """Kept."""
        self.replaced.append(lane)

    def _report(self, half: str, task: Task, error: Exception) -> None:
        self.reports.append((half, str(error)))


def test_a_turn_settles_starts_and_waits_for_the_next_moment() -> None:
    """Lane-less tasks settle, lane tasks start, and then the runner sleeps until the next one."""
    bench = Bench()
    settled, started = Puppet("settles"), Puppet("starts", lane="a")
    bench.engine.submit(settled, 0.0)
    bench.engine.submit(started, 0.0)
    bench.engine.submit(Puppet("later"), 4.0)

    bench.runner.turn()

    assert [Ok(None)] == settled.outcomes
    assert [started] == [call.task for call in bench.started]
    assert [4.0] == bench.waits


def test_an_outcome_is_settled_on_the_engine_thread() -> None:
    """What a lane hands in reaches its task, and the lane is free again."""
    bench = Bench()
    task = Puppet(lane="a")
    bench.engine.submit(task, 0.0)
    bench.coming = ([], [])
    bench.runner.turn()
    bench.coming = ([Completion("a", 0, Ok("words"))], [])

    bench.runner.turn()

    assert [Ok("words")] == task.outcomes
    assert () == bench.engine.in_flight()


def test_an_expected_failure_reaches_the_task() -> None:
    """An error of the tree is an outcome like any other; nobody is alarmed."""
    bench = Bench()
    task = Puppet(lane="a")
    error = DeviceTimeout("no answer")
    bench.engine.submit(task, 0.0)
    bench.runner.turn()
    bench.coming = ([Completion("a", 0, Failed(error))], [])

    bench.runner.turn()

    assert [Failed(error)] == task.outcomes
    assert [] == bench.reports


def test_a_bug_in_work_is_reported_and_the_task_is_kept() -> None:
    """Anything outside the tree of errors is ours: the task runs again after a pause."""
    bench = Bench()
    task = Puppet(lane="a")
    bench.engine.submit(task, 0.0)
    bench.runner.turn()
    bench.coming = ([Completion("a", 0, Failed(ZeroDivisionError("oops")))], [])
    bench.runner.turn()
    bench.now = 1.0
    bench.runner.turn()

    assert [("work", "oops")] == bench.reports
    assert [] == task.outcomes
    assert 2 == len(bench.started)


def test_a_bug_in_a_request_is_told_to_whoever_asked() -> None:
    """A one-shot task gets the outcome even of a bug, because somebody waits for it."""
    bench = Bench()
    task = Puppet(lane="a", kind=Kind.REQUEST)
    error = ZeroDivisionError("oops")
    bench.engine.submit(task, 0.0)
    bench.runner.turn()
    bench.coming = ([Completion("a", 0, Failed(error))], [])

    bench.runner.turn()

    assert [Failed(error)] == task.outcomes
    assert [("work", "oops")] == bench.reports


def test_a_bug_in_settle_does_not_stop_the_loop() -> None:
    """The task is reported and backed off; the next one is settled as ever."""
    bench = Bench()

    def fail(now: float) -> Done:
        raise ZeroDivisionError("oops")

    buggy, sound = Puppet(then=fail), Puppet()
    bench.engine.submit(buggy, 0.0)
    bench.engine.submit(sound, 0.0)

    bench.runner.turn()

    assert [("settle", "oops")] == bench.reports
    assert [Ok(None)] == sound.outcomes
    assert [1.0] == bench.waits


def test_an_overrun_closes_the_session_and_settles_as_such() -> None:
    """The task is told that its call was broken off, in words."""
    bench = Bench()
    task = Puppet(lane="a", budget_s=5.0)
    bench.engine.submit(task, 0.0)
    bench.runner.turn()
    bench.now = 5.0

    bench.runner.turn()

    (outcome,) = task.outcomes
    assert isinstance(outcome, Failed) and isinstance(outcome.error, Overrun)
    assert "no answer within 5 s" in str(outcome.error)
    assert 1 == task.aborts


def test_a_thread_that_never_returns_is_replaced() -> None:
    """The lanes are told to leave it behind."""
    bench = Bench()
    bench.engine.submit(Puppet(lane="a", budget_s=5.0), 0.0)
    for bench.now in (0.0, 5.0, 35.0):
        bench.runner.turn()

    assert ["a"] == bench.replaced


def test_a_task_from_outside_that_finds_no_lane_is_told_so() -> None:
    """Refused for want of lanes, it settles with Busy instead of being lost."""
    bench = Bench(max_lanes=1)
    bench.engine.submit(Puppet(lane="a"), 9.0)
    asked = Puppet(lane="b", kind=Kind.REQUEST)
    bench.coming = ([], [asked])

    bench.runner.turn()

    (outcome,) = asked.outcomes
    assert isinstance(outcome, Failed) and isinstance(outcome.error, Busy)


def test_a_follow_up_that_finds_no_lane_is_told_so() -> None:
    """It settles with Busy, so that a device's link or a reply is never left hanging."""
    bench = Bench(max_lanes=1)
    bench.engine.submit(Puppet(lane="a"), 9.0)
    refused, sound = Puppet(lane="b"), Puppet()
    then = (Submission(refused, 1.0), Submission(sound, 0.0))
    bench.engine.submit(Puppet(then=lambda now: Done(then)), 0.0)

    bench.runner.turn()

    (outcome,) = refused.outcomes
    assert isinstance(outcome, Failed) and isinstance(outcome.error, Busy)
    assert [Ok(None)] == sound.outcomes
    assert [] == bench.reports


def test_a_refused_task_that_would_go_on_is_reported() -> None:
    """It has no lane to go on with: that is said, once, and the loop goes on."""
    bench = Bench(max_lanes=1)
    bench.engine.submit(Puppet(lane="a"), 9.0)
    stubborn = Puppet(lane="b", then=lambda now: Again(now + 1.0))
    bench.engine.submit(Puppet(then=lambda now: Done((Submission(stubborn, 1.0),))), 0.0)

    bench.runner.turn()

    assert ["then"] == [half for half, _ in bench.reports]


def test_a_thread_that_cannot_be_started_is_a_failure_of_its_task() -> None:
    """The machine has no more threads: the task is told, and the loop goes on."""
    bench = Bench()
    task = Puppet(lane="a")
    bench.engine.submit(task, 0.0)
    bench.start = bench.no_thread  # type: ignore[method-assign]  # the point of the test

    bench.runner.turn()

    (outcome,) = task.outcomes
    assert isinstance(outcome, Failed) and isinstance(outcome.error, Busy)
    assert () == bench.engine.in_flight()


def test_whoever_asked_is_told_that_the_gateway_is_stopping() -> None:
    """A request that may not start any more is answered, not dropped."""
    bench = Bench()
    asked, poll = Puppet(kind=Kind.REQUEST), Puppet()
    bench.engine.submit(asked, 0.0)
    bench.engine.submit(poll, 0.0)
    bench.engine.rerank(RANKS[Mode.STOPPING], ALLOWED_WHILE_STOPPING)

    bench.runner.turn()

    (outcome,) = asked.outcomes
    assert isinstance(outcome, Failed) and "stopping" in str(outcome.error)
    assert [] == poll.outcomes


def test_with_nothing_to_do_the_runner_still_looks_in_once_an_hour() -> None:
    """A lost wake-up could not last for ever."""
    bench = Bench()

    bench.runner.turn()

    assert [MAX_TURN_S] == bench.waits


@pytest.mark.parametrize("late_s", [0.0, 7.0])
def test_periodic_tasks_run_once_a_turn_however_late(late_s: float) -> None:
    """A task that says "again" is not run twice at the same moment."""
    bench = Bench()
    task = Puppet(then=lambda now: Again(now + 1.0))
    bench.engine.submit(task, 0.0)
    bench.now = late_s

    bench.runner.turn()

    assert [late_s] == task.settled_at
