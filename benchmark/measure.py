"""How costs are taken: CPU seconds, contender beside contender, again and again.

CPU time is little disturbed by what else runs on the machine; wall time is used only where being
late is the point.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from benchmark.figures import median


def cpu_cost(run: Callable[[], int], clock: Callable[[], float] = time.process_time) -> float:
    """CPU seconds for each of the things that `run` says it has done."""
    before = clock()
    done = run()
    return (clock() - before) / done


def interleaved(
    contenders: Mapping[str, Callable[[], float]], repetitions: int
) -> dict[str, list[float]]:
    """The cost of each contender, `repetitions` times, taking turns; the first goes last next."""
    costs: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(repetitions):
        for name in order:
            costs[name].append(contenders[name]())
        order.append(order.pop(0))
    return costs


def medians(costs: Mapping[str, list[float]]) -> dict[str, float]:
    """The middle cost of each."""
    return {name: median(each) for name, each in costs.items()}


@contextmanager
def settled_memory() -> Iterator[None]:
    """What was built so far is no burden to the garbage collector while the block runs."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.collect()
