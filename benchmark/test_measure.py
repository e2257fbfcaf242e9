"""How costs are taken."""

from itertools import count

from benchmark.measure import cpu_cost, interleaved, medians


def test_a_cost_is_time_by_what_was_done() -> None:
    """Two seconds for four things are half a second each."""
    ticks = count(10, 2)

    assert 0.5 == cpu_cost(lambda: 4, lambda: float(next(ticks)))


def test_contenders_take_turns_and_change_places() -> None:
    """Whoever goes first in one round goes last in the next, so that no place is an advantage."""
    calls: list[str] = []

    def contender(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    interleaved({name: lambda name=name: contender(name) for name in "ab"}, 2)  # type: ignore[misc]

    assert ["a", "b", "b", "a"] == calls


def test_each_contender_has_its_own_median() -> None:
    """One slow round does not decide."""
    assert {"a": 2.0, "b": 5.0} == medians({"a": [1.0, 2.0, 99.0], "b": [5.0]})
