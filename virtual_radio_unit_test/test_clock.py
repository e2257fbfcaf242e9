"""Time that costs nothing."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from virtual_radio.clock import MAX_VIRTUAL_S, NothingLeft, TooLong, VirtualLoop, elapse

T = TypeVar("T")


def run(work: Coroutine[object, object, T], limit_s: float = MAX_VIRTUAL_S) -> T:
    """On a loop of its own, which is closed afterwards."""
    loop = VirtualLoop(limit_s)
    try:
        return loop.run_until_complete(work)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.call_soon(loop.stop)
        loop.run_forever()
        loop.close()


async def sleep(seconds: float) -> float:
    """The loop's time after a sleep."""
    await elapse(seconds)
    return asyncio.get_running_loop().time()


def test_an_hour_passes_at_once() -> None:
    """A sleep moves the loop's time by exactly its length."""
    assert pytest.approx(3600.0) == run(sleep(3600.0))


def test_timers_fire_in_the_order_of_their_times() -> None:
    """Whoever is due first comes first, whatever the order in which they were set."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        fired: list[float] = []
        for delay_s in (3.0, 1.0, 2.0):
            loop.call_later(delay_s, fired.append, delay_s)
        await elapse(4.0)
        return fired

    assert [1.0, 2.0, 3.0] == run(main())


def test_no_time_passes_while_there_is_work() -> None:
    """Callbacks that are ready run before the clock moves."""

    async def main() -> float:
        for _ in range(100):
            await elapse(0)
        return asyncio.get_running_loop().time()

    assert 0.0 == run(main())


def test_a_timeout_is_a_timer() -> None:
    """Waiting for what never comes ends at the timeout, at once."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 30.0)
        return asyncio.get_running_loop().time()

    assert pytest.approx(30.0) == run(main())


def test_a_helper_thread_can_wake_the_loop() -> None:
    """Work on a thread is waited for, in real time, with the clock standing still."""

    async def main() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, lambda: 7), loop.time()

    assert (7, 0.0) == run(main())


def test_endless_waiting_meets_the_limit() -> None:
    """A test that waits for what never comes, beside timers that never end, is told so."""

    async def main() -> None:
        while True:
            await elapse(0.1)

    with pytest.raises(TooLong):
        run(main(), limit_s=60.0)


def test_a_loop_with_nothing_left_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an ordinary loop would hang, this one raises."""
    monkeypatch.setattr("virtual_radio.clock.REAL_WAIT_S", 0.01)

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingLeft):
        run(main())


def test_real_time_does_not_elapse_at_once() -> None:
    """On an ordinary loop a test is told to wait for an event instead."""
    with pytest.raises(RuntimeError, match="wait for an event"):
        asyncio.run(elapse(0.0))


def test_the_limit_is_a_day() -> None:
    """A whole day may be simulated, and not a minute more."""
    assert pytest.approx(MAX_VIRTUAL_S - 60) == run(sleep(MAX_VIRTUAL_S - 60))
    with pytest.raises(TooLong):
        run(sleep(MAX_VIRTUAL_S + 60))
