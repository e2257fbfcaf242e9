"""Seven schedulers full of periodic tasks, each of which can be told to dispatch for a while.

Every one holds the same number of tasks, with a period of one second and a callable of their own.
Time is given, not waited for: the tasks are always overdue, so only work is measured.
"""

import asyncio
import contextlib
import logging
import queue
import sched
import threading
import time
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any, Protocol

import schedule
from apscheduler.executors.debug import DebugExecutor  # type: ignore[import-untyped]
from apscheduler.schedulers.base import BaseScheduler  # type: ignore[import-untyped]

from benchmark.measure import cpu_cost
from server.engine.engine import Engine
from server.engine.inbox import Completion
from server.engine.modes import RANKS, Mode
from server.engine.runner import NOTHING, Runner
from server.engine.task import Again, Kind, Outcome, Task, Verdict

PERIOD_S = 1.0
DISPATCHES = 100_000
WORKERS = 4
MERGED = 100


class Contender(Protocol):
    """A scheduler full of tasks."""

    def run(self) -> int:
        """Dispatch for a while; return how many were run and queued again."""
        ...


class PeriodicTask:
    """The least a task can be: it only settles, and wants to run again a period later."""

    kind = Kind.HOUSEKEEPING
    lane = None
    slack_s = 0.0

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        return Again(now + PERIOD_S)


class _Job:
    """The same for those who want a callable."""

    __slots__ = ()

    def __call__(self, now: float) -> float:
        return now + PERIOD_S


def full_engine(tasks: int) -> Engine:
    """An engine with that many tasks, spread over one period."""
    engine = Engine(RANKS[Mode.RUNNING])
    for index in range(tasks):
        engine.submit(PeriodicTask(), index / tasks)
    return engine


class Egret:
    """`Engine.take`, the task's `settle`, `Engine.settle`."""

    def __init__(self, tasks: int) -> None:
        self._engine = full_engine(tasks)

    def run(self) -> int:
        engine = self._engine
        for _ in range(DISPATCHES):
            now = engine.next_wakeup() or 0.0
            ticket = engine.take(now)
            assert ticket is not None
            engine.settle(ticket, ticket.task.settle(NOTHING, now), now)
        return DISPATCHES


class EgretMerged(Egret):
    """The same with a hundred tasks due at each wake-up, as slack brings it about."""

    def __init__(self, tasks: int) -> None:
        super().__init__(tasks)
        self._step_s = PERIOD_S * MERGED / tasks

    def run(self) -> int:
        engine = self._engine
        done = 0
        while done < DISPATCHES:
            now = (engine.next_wakeup() or 0.0) + self._step_s
            while (ticket := engine.take(now)) is not None:
                engine.settle(ticket, ticket.task.settle(NOTHING, now), now)
                done += 1
        return done


class EgretRunner:
    """The whole `Runner.turn`, one task per wake-up, with an inbox in which time passes."""

    refused = 0

    def __init__(self, tasks: int) -> None:
        self._now = 0.0
        self._runner = Runner(full_engine(tasks), self, _NoLanes(), self.monotonic, _unexpected)

    def __len__(self) -> int:
        return 0

    def monotonic(self) -> float:
        return self._now

    def wait(self, timeout_s: float | None) -> tuple[list[Completion], list[Task]]:
        self._now += timeout_s or 0.0
        return [], []

    def run(self) -> int:
        turn = self._runner.turn
        for _ in range(DISPATCHES):
            turn()
        return DISPATCHES


class _NoLanes:
    def start(self, call: object) -> None:
        raise AssertionError("no task here has a lane")

    def replace(self, lane: str) -> None:
        raise AssertionError("no task here has a lane")


def _unexpected(half: str, task: Task, error: Exception) -> None:
    raise error


class BareLoop:
    """The floor as a loop that could be used: it also looks at the clock and at the head."""

    def __init__(self, tasks: int) -> None:
        self._heap = [(index / tasks, index, _Job()) for index in range(tasks)]
        heapify(self._heap)
        self._sequence = tasks

    def run(self) -> int:
        heap, sequence, monotonic, ahead = self._heap, self._sequence, time.monotonic, 1e9
        for _ in range(DISPATCHES):
            if heap[0][0] > monotonic() + ahead:
                raise AssertionError("every task is overdue")
            due_at, _, job = heappop(heap)
            sequence += 1
            heappush(heap, (job(due_at), sequence, job))
        self._sequence = sequence
        return DISPATCHES


class BareHeap:
    """Pop, call, push: the floor."""

    def __init__(self, tasks: int) -> None:
        self._heap = [(index / tasks, index, _Job()) for index in range(tasks)]
        heapify(self._heap)
        self._sequence = tasks

    def run(self) -> int:
        heap, sequence = self._heap, self._sequence
        for _ in range(DISPATCHES):
            due_at, _, job = heappop(heap)
            sequence += 1
            heappush(heap, (job(due_at), sequence, job))
        self._sequence = sequence
        return DISPATCHES


class Asyncio:
    """`loop.call_at`; overdue timers are taken in one sweep, which spares it most selects."""

    def __init__(self, tasks: int) -> None:
        self._loop = asyncio.SelectorEventLoop()
        self._done = 0
        begin = self._loop.time() - 1e6
        for index in range(tasks):
            job, due_at = _Job(), begin + index / tasks
            self._loop.call_at(due_at, self._fire, job, due_at)

    def _fire(self, job: _Job, due_at: float) -> None:
        self._done += 1
        if self._done == DISPATCHES:
            self._loop.stop()
        again = job(due_at)
        self._loop.call_at(again, self._fire, job, again)

    def run(self) -> int:
        self._done = 0
        self._loop.run_forever()
        return self._done

    def close(self) -> None:
        self._loop.close()


class _Enough(Exception):
    pass


class StdlibSched:
    """`sched.scheduler`, with the clock and the sleep it is made with by default."""

    dispatches = 20_000

    def __init__(self, tasks: int) -> None:
        self._scheduler = sched.scheduler(time.monotonic, time.sleep)
        self._done = 0
        begin = time.monotonic() - 1e6
        for index in range(tasks):
            self._enter(begin + index / tasks, _Job())

    def _enter(self, due_at: float, job: _Job) -> None:
        self._scheduler.enterabs(due_at, 0, self._fire, (due_at, job))

    def _fire(self, due_at: float, job: _Job) -> None:
        self._enter(job(due_at), job)
        self._done += 1
        if self._done == self.dispatches:
            raise _Enough

    def run(self) -> int:
        self._done = 0
        with contextlib.suppress(_Enough):
            self._scheduler.run()
        return self._done


class Threads:
    """A `PriorityQueue` and four worker threads."""

    dispatches = 20_000

    def __init__(self, tasks: int) -> None:
        self._queue: queue.PriorityQueue[tuple[float, int, _Job]] = queue.PriorityQueue()
        for index in range(tasks):
            self._queue.put((index / tasks, index, _Job()))

    def _work(self) -> None:
        for _ in range(self.dispatches // WORKERS):
            due_at, index, job = self._queue.get()
            self._queue.put((job(due_at), index, job))

    def run(self) -> int:
        workers = [threading.Thread(target=self._work) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return self.dispatches // WORKERS * WORKERS


class ManualScheduler(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types
    """APScheduler without a thread of its own: it is told when to look."""

    def wakeup(self) -> None:
        """Nobody sleeps."""

    def shutdown(self, wait: bool = True) -> None:
        super().shutdown(wait)


def nothing() -> None:
    """A job of those who call without arguments."""


def full_apscheduler(tasks: int) -> ManualScheduler:
    """All due an hour ago, to run each hour; the cheapest executor and job store there are."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    scheduler = ManualScheduler(
        executors={"default": DebugExecutor()},
        job_defaults={"coalesce": True, "misfire_grace_time": None},
        timezone=UTC,
    )
    past = datetime.now(UTC) - timedelta(hours=1)
    for index in range(tasks):
        due = past + timedelta(microseconds=index)
        scheduler.add_job(nothing, "interval", hours=2, next_run_time=due)
    scheduler.start()
    return scheduler


class ApScheduler:
    """One sweep over all jobs, all of them due. Filled anew each time, outside the measurement."""

    def __init__(self, tasks: int) -> None:
        self._tasks = tasks

    def cost(self) -> float:
        scheduler = full_apscheduler(self._tasks)
        try:
            return cpu_cost(lambda: self._sweep(scheduler))
        finally:
            scheduler.shutdown()

    def _sweep(self, scheduler: ManualScheduler) -> int:
        scheduler._process_jobs()
        return self._tasks


class Schedule:
    """`schedule.run_pending` with one job due at a time, as on a box with many periods."""

    def __init__(self, tasks: int) -> None:
        self._scheduler = schedule.Scheduler()
        self._dispatches = max(3, 200_000 // tasks)
        for _ in range(tasks):
            self._scheduler.every(1).hours.do(nothing)

    def run(self) -> int:
        jobs: list[Any] = self._scheduler.jobs
        past = datetime.now() - timedelta(seconds=1)
        for index in range(self._dispatches):
            jobs[index % len(jobs)].next_run = past
            self._scheduler.run_pending()
        return self._dispatches
