"""The engine in real time: how late tasks run, what it costs, and whether any wake-up is idle."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from benchmark.figures import (
    NOT_MEASURED,
    Aim,
    Section,
    Table,
    at_least,
    at_most,
    median,
    median_ratio,
    milli,
    number,
    percent,
    percentile,
)
from benchmark.progress import say
from server.engine.engine import Engine
from server.engine.inbox import Completion, Inbox
from server.engine.lanes import Lanes
from server.engine.modes import RANKS, Mode
from server.engine.runner import Runner, perform
from server.engine.task import Again, Grid, Kind, Outcome, Task, Verdict

TASKS = 10_000
PERIOD_S = 1.0
SETTLE_IN_S = 0.3
"""Of each run this first part is not measured."""

IDLE_TASKS = 1_000
IDLE_SLACK_S = 0.05
MERGE_SLACK_S = 0.001


@dataclass(frozen=True, slots=True)
class Run:
    """One slice of real time."""

    done: int
    missed: int
    """Beats that were dropped because the next one had come already."""
    p50_s: float
    p99_s: float
    cpu: float
    wakeups_per_s: float = 0.0
    spins: int = 0


class _Tally:
    """What all tasks of one run write to."""

    __slots__ = ("done", "late", "missed")

    def __init__(self) -> None:
        self.late: list[float] = []
        self.done = 0
        self.missed = 0


class GridTask:
    """A periodic task on the engine's own grid, as a poll keeps it."""

    kind = Kind.HOUSEKEEPING
    lane = None
    __slots__ = ("_beat", "_grid", "_tally", "slack_s")

    def __init__(self, first: float, slack_s: float, tally: _Tally) -> None:
        self._grid = Grid(PERIOD_S, first)
        self._beat = first
        self._tally = tally
        self.slack_s = slack_s

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        self._tally.late.append(time.monotonic() - self._beat)
        self._tally.done += 1
        self._beat, missed = self._grid.next(self._beat, now)
        self._tally.missed += missed
        return Again(self._beat, missed)


class _WatchedInbox(Inbox):
    """Counts the wake-ups after which nothing was due."""

    def __init__(self, tally: _Tally) -> None:
        super().__init__()
        self._tally = tally
        self._done_before = -1
        self.spins = 0

    def wait(self, timeout_s: float | None) -> tuple[list[Completion], list[Task]]:
        if self._tally.done == self._done_before:
            self.spins += 1
        self._done_before = self._tally.done
        return super().wait(timeout_s)


def _unexpected(half: str, task: Task, error: Exception) -> None:
    raise error


def run_egret(tasks: int, seconds: float, slack_s: float) -> Run:
    """The real Runner over the real Inbox."""
    tally = _Tally()
    engine = Engine(RANKS[Mode.RUNNING])
    inbox = _WatchedInbox(tally)
    lanes = Lanes(inbox, perform, engine.preempted)
    runner = Runner(engine, inbox, lanes, time.monotonic, _unexpected)
    begin = time.monotonic() + SETTLE_IN_S
    for index in range(tasks):
        first = begin + index * PERIOD_S / tasks
        engine.submit(GridTask(first, slack_s, tally), first)
    while time.monotonic() < begin:
        runner.turn()
    tally.late.clear()
    tally.done, tally.missed, inbox.spins, wakeups = 0, 0, 0, runner.wakeups
    cpu, end = time.process_time(), begin + seconds
    while time.monotonic() < end:
        runner.turn()
    return Run(
        done=tally.done,
        missed=tally.missed,
        p50_s=percentile(tally.late, 0.5),
        p99_s=percentile(tally.late, 0.99),
        cpu=(time.process_time() - cpu) / (time.monotonic() - begin),
        wakeups_per_s=(runner.wakeups - wakeups) / seconds,
        spins=inbox.spins,
    )


def run_bare(tasks: int, seconds: float) -> Run:
    """A heap, and a lock that nobody releases to wait on."""
    late: list[float] = []
    gate = threading.Lock()
    gate.acquire()
    begin = time.monotonic() + SETTLE_IN_S
    heap = [(begin + index * PERIOD_S / tasks, index) for index in range(tasks)]
    heapify(heap)
    while (pause := begin - time.monotonic()) > 0:
        gate.acquire(timeout=pause)
    cpu, end = time.process_time(), begin + seconds
    while (now := time.monotonic()) < end:
        while heap[0][0] <= now:
            due_at, index = heappop(heap)
            late.append(time.monotonic() - due_at)
            heappush(heap, (due_at + PERIOD_S, index))
        gate.acquire(timeout=max(0.0, heap[0][0] - now))
    return Run(
        done=len(late),
        missed=0,
        p50_s=percentile(late, 0.5),
        p99_s=percentile(late, 0.99),
        cpu=(time.process_time() - cpu) / (time.monotonic() - begin),
    )


def run_asyncio(tasks: int, seconds: float) -> Run:
    """`loop.call_at`, each timer renewing itself."""
    late: list[float] = []
    loop = asyncio.SelectorEventLoop()
    begin = loop.time() + SETTLE_IN_S
    end = begin + seconds

    def fire(due_at: float) -> None:
        late.append(loop.time() - due_at)
        loop.call_at(due_at + PERIOD_S, fire, due_at + PERIOD_S)

    for index in range(tasks):
        due_at = begin + index * PERIOD_S / tasks
        loop.call_at(due_at, fire, due_at)
    loop.call_at(begin, lambda: None)
    loop.run_until_complete(asyncio.sleep(SETTLE_IN_S / 2))
    cpu = time.process_time()
    loop.call_at(end, loop.stop)
    loop.run_forever()
    used = time.process_time() - cpu
    loop.close()
    return Run(
        done=len(late),
        missed=0,
        p50_s=percentile(late, 0.5),
        p99_s=percentile(late, 0.99),
        cpu=used / seconds,
    )


Make = Callable[[], Run]


def _slices(seconds: float) -> dict[str, Make]:
    return {
        "bare loop": lambda: run_bare(TASKS, seconds),
        "Egret": lambda: run_egret(TASKS, seconds, 0.0),
        "asyncio": lambda: run_asyncio(TASKS, seconds),
        "Egret, 1 ms slack": lambda: run_egret(TASKS, seconds, MERGE_SLACK_S),
    }


def measure(quick: bool) -> Section:
    """Slices of each, taking turns."""
    seconds, rounds = (1.0, 2) if quick else (3.0, 5)
    makes = _slices(seconds)
    runs: dict[str, list[Run]] = {name: [] for name in makes}
    for round_number in range(rounds):
        say(f"10,000 tasks a second, round {round_number + 1} of {rounds}")
        for name, make in makes.items():
            runs[name].append(make())
    say("1,000 tasks at 1 Hz with 50 ms slack")
    idle = [run_egret(IDLE_TASKS, seconds, IDLE_SLACK_S) for _ in range(2 if quick else 3)]
    rows = [_row(name, each) for name, each in runs.items()]
    rows.append(_row("Egret, 1,000 at 1 Hz, 50 ms slack", idle))
    return Section(
        "Engine: lateness and the cost of waiting",
        _TEXT,
        (Table(_HEAD, tuple(rows)),),
        _aims(runs, idle),
    )


def _aims(runs: dict[str, list[Run]], idle: list[Run]) -> tuple[Aim, ...]:
    ours, bare, merged = runs["Egret"], runs["bare loop"], runs["Egret, 1 ms slack"]
    p99 = median(each.p99_s for each in ours)
    late_ratio = median_ratio([each.p99_s for each in ours], [each.p99_s for each in bare])
    merged_cpu = median(each.cpu for each in merged)
    idle_cpu = median(each.cpu for each in idle)
    spins = sum(each.spins for each in (*ours, *merged, *idle))
    complete = 100 * min(_complete(each) for each in (*ours, *merged))
    return (
        at_least("Periodic runs at 10,000/s", complete, 100.0, " %"),
        at_most("p99 lateness at 10,000/s", late_ratio, 1.5, " × bare loop"),
        at_most("p99 lateness at 10,000/s", p99 * 1e3, 0.7, " ms"),
        at_most("CPU at 10,000/s with 1 ms slack", merged_cpu * 100, 6.0, " %"),
        at_most("CPU of 1,000 tasks at 1 Hz, 50 ms slack", idle_cpu * 100, 0.5, " %"),
        at_most("Wake-ups without work", spins, 0, ""),
    )


def _complete(run: Run) -> float:
    return run.done / (run.done + run.missed)


def _row(name: str, runs: list[Run]) -> tuple[str, ...]:
    ours = name.startswith("Egret")
    return (
        name,
        percent(min(_complete(each) for each in runs)),
        milli(median(each.p50_s for each in runs)),
        milli(median(each.p99_s for each in runs)),
        milli(min(each.p99_s for each in runs)),
        percent(median(each.cpu for each in runs)),
        number(round(median(each.wakeups_per_s for each in runs))) if ours else NOT_MEASURED,
        number(sum(each.spins for each in runs)) if ours else NOT_MEASURED,
    )


_HEAD = (
    "Loop",
    "runs done",
    "late p50",
    "late p99 (median)",
    "late p99 (best)",
    "CPU of one core",
    "wake-ups/s",
    "idle wake-ups",
)

_TEXT = """
10,000 tasks with a period of one second, evenly spread, so that one is due every 100 µs, in real
time under the normal scheduling policy; slices of each contender take turns. The bare loop is a
heap and a lock to wait on. Egret is its real loop, inbox and grid; a run counts as not done when
its beat was dropped because the next one had come (bare loop and asyncio never drop, they fall
behind). Lateness is taken inside the task against its nominal beat, slack included. These are the
figures that other load on the machine disturbs most: hence the best slice beside the median. An
idle wake-up is one after which no task was due.
"""
