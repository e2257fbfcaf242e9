"""The engine: what a queued task weighs, and what cancelling one costs."""

import asyncio
import gc
import random
import sched
import time
import tracemalloc
from collections.abc import Callable

from benchmark.figures import Section, Table, at_most, micro, number
from benchmark.measure import cpu_cost, interleaved, medians
from benchmark.progress import say
from benchmark.schedulers import PeriodicTask, full_apscheduler, nothing
from server.engine.engine import Engine
from server.engine.modes import RANKS, Mode

QUEUED = 100_000
APSCHEDULER_QUEUED = 5_000
CANCELLED = 50_000
"""Half of what is queued, in random order: the rebuild at half dead is paid for."""
SCHED_CANCELLED = 30
"""Of the stdlib's, because each takes milliseconds."""


def _weight(fill: Callable[[], object], tasks: int) -> float:
    """Bytes that `fill` leaves allocated for each task while its result lives."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = fill()
        gc.collect()
        weight = (tracemalloc.get_traced_memory()[0] - before) / tasks
    finally:
        tracemalloc.stop()
    if isinstance(kept, asyncio.AbstractEventLoop):
        kept.close()
    return weight


def _fill_egret() -> object:
    engine = Engine(RANKS[Mode.RUNNING])
    task = PeriodicTask()
    for index in range(QUEUED):
        engine.submit(task, 1e6 + index / 1000)
    return engine


def _fill_egret_keeping() -> object:
    engine = Engine(RANKS[Mode.RUNNING])
    task = PeriodicTask()
    return engine, [engine.submit(task, 1e6 + index / 1000) for index in range(QUEUED)]


def _fill_heap() -> object:
    return [(1e6 + index / 1000, index + 1000, nothing) for index in range(QUEUED)]


def _fill_asyncio() -> object:
    loop = asyncio.SelectorEventLoop()
    for index in range(QUEUED):
        loop.call_at(1e9 + index / 1000, nothing)
    return loop


def _fill_sched() -> object:
    scheduler = sched.scheduler(time.monotonic, time.sleep)
    for index in range(QUEUED):
        scheduler.enterabs(1e9 + index / 1000, 0, nothing)
    return scheduler


def _weigh_apscheduler() -> float:
    return _weight(lambda: full_apscheduler(APSCHEDULER_QUEUED), APSCHEDULER_QUEUED)


def cancel_egret() -> float:
    """Withdraw half of them, in random order."""
    engine = Engine(RANKS[Mode.RUNNING])
    task = PeriodicTask()
    tickets = [engine.submit(task, 1e6 + index / 1000) for index in range(QUEUED)]
    chosen = random.Random(1).sample(tickets, CANCELLED)
    engine.cancel(tickets[0])

    def run() -> int:
        for ticket in chosen:
            engine.cancel(ticket)
        engine.next_wakeup()
        return CANCELLED

    return cpu_cost(run)


def cancel_asyncio() -> float:
    """The same, and one turn of the loop, in which it throws the cancelled ones away."""
    loop = asyncio.SelectorEventLoop()
    handles = [loop.call_at(1e9 + index / 1000, nothing) for index in range(QUEUED)]
    chosen = random.Random(1).sample(handles, CANCELLED)

    def run() -> int:
        for handle in chosen:
            handle.cancel()
        loop.call_soon(loop.stop)
        loop.run_forever()
        return CANCELLED

    cost = cpu_cost(run)
    loop.close()
    return cost


def cancel_sched() -> float:
    """A few: each is a search through the list and a new heap."""
    scheduler = sched.scheduler(time.monotonic, time.sleep)
    events = [scheduler.enterabs(1e9 + i / 1000, 0, nothing) for i in range(QUEUED)]
    chosen = random.Random(1).sample(events, SCHED_CANCELLED)

    def run() -> int:
        for event in chosen:
            scheduler.cancel(event)
        return SCHED_CANCELLED

    return cpu_cost(run)


def measure(quick: bool) -> Section:
    """Memory once (it does not vary), cancelling several times."""
    say("memory of a queued task")
    weights = {
        "bare heapq entry": _weight(_fill_heap, QUEUED),
        "Egret": _weight(_fill_egret, QUEUED),
        "Egret, tickets kept": _weight(_fill_egret_keeping, QUEUED),
        "asyncio `call_at`": _weight(_fill_asyncio, QUEUED),
        "stdlib `sched`": _weight(_fill_sched, QUEUED),
        "APScheduler 3": _weigh_apscheduler(),
    }
    say("cancelling with 100,000 queued")
    costs = medians(
        interleaved(
            {"Egret": cancel_egret, "asyncio": cancel_asyncio, "sched": cancel_sched},
            2 if quick else 5,
        )
    )
    memory = Table(
        ("Bytes a queued task", "bytes", "× Egret"),
        tuple(
            (name, number(round(weight)), number(weight / weights["Egret"]))
            for name, weight in weights.items()
        ),
    )
    cancel = Table(
        ("Cancel, 100,000 queued", "each", "× Egret"),
        tuple((name, micro(cost), number(cost / costs["Egret"])) for name, cost in costs.items()),
    )
    return Section(
        "Engine: memory and cancelling",
        _TEXT,
        (memory, cancel),
        (
            at_most("Memory of a queued task", round(weights["Egret"]), 200, " B"),
            at_most("Cancel, 100,000 queued", costs["Egret"] * 1e6, 0.5, " µs"),
        ),
    )


_TEXT = """
Memory as `tracemalloc` counts it: the entry, its due time, its sequence number, the ticket or
handle; the task itself is shared and not counted. 100,000 tasks, APScheduler with 5,000 (its
weight a job does not depend on it). Cancelling withdraws half of 100,000 in random order,
including the clean-up that this causes (30 for the stdlib, whose `cancel` is a search).
"""
