"""The engine: what it costs to run a task and queue it again, beside six other schedulers."""

from collections.abc import Callable

from benchmark.figures import (
    NOT_MEASURED,
    Aim,
    Section,
    Table,
    at_most,
    median_ratio,
    micro,
    number,
    ratio,
)
from benchmark.measure import cpu_cost, interleaved, medians, settled_memory
from benchmark.progress import say
from benchmark.schedulers import (
    ApScheduler,
    Asyncio,
    BareHeap,
    BareLoop,
    Contender,
    Egret,
    EgretMerged,
    EgretRunner,
    Schedule,
    StdlibSched,
    Threads,
)

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
AIM_RATIO = 2.0


def _run_of(contender: Contender) -> Callable[[], float]:
    return lambda: cpu_cost(contender.run)


PEERS: tuple[tuple[str, Callable[[int], Contender], int], ...] = (
    ("asyncio `call_at`", Asyncio, 1_000_000),
    ("stdlib `sched`", StdlibSched, 1_000_000),
    ("PriorityQueue + 4 threads", Threads, 1_000_000),
    ("`schedule`", Schedule, 100_000),
)
"""Name, how it is made, and the largest size that it can be filled to in reasonable time."""

APSCHEDULER_MAX = 10_000
OURS, FLOOR, LOOP, APS = "Egret", "bare heapq", "bare heapq + clock", "APScheduler 3"
MERGED_TURN, TURN = "Egret, 100 due at once", "Egret, whole turn"
OTHERS = (LOOP, MERGED_TURN, TURN)


def _contenders(tasks: int) -> tuple[dict[str, Callable[[], float]], list[Contender]]:
    made: list[tuple[str, Contender]] = [
        (OURS, Egret(tasks)),
        (FLOOR, BareHeap(tasks)),
        (LOOP, BareLoop(tasks)),
        (MERGED_TURN, EgretMerged(tasks)),
        (TURN, EgretRunner(tasks)),
    ]
    made += [(name, make(tasks)) for name, make, most in PEERS if tasks <= most]
    runs = {name: _run_of(contender) for name, contender in made}
    if tasks <= APSCHEDULER_MAX:
        runs[APS] = ApScheduler(tasks).cost
    return runs, [contender for _, contender in made]


def measure(quick: bool) -> Section:
    """Dispatch at each size."""
    rows: list[tuple[str, ...]] = []
    aims: list[Aim] = []
    for tasks in SIZES[:3] if quick else SIZES:
        say(f"dispatch with {tasks:,} queued")
        runs, contenders = _contenders(tasks)
        with settled_memory():
            costs = interleaved({k: runs[k] for k in (OURS, FLOOR)}, 3 if quick else 9)
            costs |= interleaved(
                {k: run for k, run in runs.items() if k not in costs}, 1 if quick else 3
            )
        for contender in contenders:
            if isinstance(contender, Asyncio):
                contender.close()
        runs.clear()
        contenders.clear()
        middle = medians(costs)
        floor = middle[FLOOR]
        ours = median_ratio(costs[OURS], costs[FLOOR])
        shown = [f"{micro(middle[OURS])} = {ratio(ours)}"]
        shown += [
            ratio(middle[name] / floor) if name in middle else NOT_MEASURED
            for name in (*OTHERS, *(name for name, _, _ in PEERS), APS)
        ]
        rows.append((number(tasks), micro(floor), *shown))
        aims.append(at_most(f"Dispatch, {tasks:,} queued", ours, AIM_RATIO, " × bare heapq"))
    head = ("Queued", FLOOR, OURS, *OTHERS, *(name for name, _, _ in PEERS), APS)
    return Section("Engine: dispatch", _TEXT, (Table(head, tuple(rows)),), tuple(aims))


_TEXT = """
CPU time for one periodic task that is run and queued again, its `settle` included. The floor is a
bare loop that pops from a `heapq`, calls a function and pushes; every other figure is a multiple
of it, *+ clock* being the same loop with a look at the clock and at the head for every task.
Tasks have a callable each and a period of one second, and are overdue, so nobody waits. *100 due
at once* is the engine when wake-ups are merged and tasks have to be ranked against one another.
*Whole turn* is the loop of the gateway around the engine (clock, lanes, inbox), with a wake-up
for every single task. asyncio takes everything that is overdue in one sweep, which flatters it.
APScheduler runs one sweep over jobs that are all due, in memory, on its cheapest executor. A
dash: filling it takes longer than all the rest (APScheduler beyond 10,000, `schedule` beyond
100,000).
"""
