"""A loop that goes on beside the test."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from virtual_radio.guest.loop_thread import LoopThread

WAIT_S = 10.0


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    """One, closed in the end."""
    thread = LoopThread("test")
    yield thread
    thread.close()


def test_work_is_done_and_its_value_returned(loop: LoopThread) -> None:
    """On the other thread."""

    async def work() -> str:
        return threading.current_thread().name

    assert "test" == loop.run(work(), WAIT_S)


def test_what_work_raises_is_raised(loop: LoopThread) -> None:
    """With its own type."""

    async def work() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        loop.run(work(), WAIT_S)


def test_work_goes_on_while_nobody_waits(loop: LoopThread) -> None:
    """What was begun in one call goes on after it."""
    done = threading.Event()

    async def later() -> None:
        asyncio.get_running_loop().call_later(0.01, done.set)

    loop.run(later(), WAIT_S)

    assert done.wait(WAIT_S)


def test_work_that_takes_too_long_is_cancelled(loop: LoopThread) -> None:
    """It does not go on behind the back of the next test."""
    cancelled = threading.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        loop.run(work(), 0.01)

    assert cancelled.wait(WAIT_S)


def test_closing_ends_what_still_runs() -> None:
    """And may be said twice."""
    thread = LoopThread("test")
    kept: list[asyncio.Task[bool]] = []

    async def begin() -> None:
        kept.append(asyncio.create_task(asyncio.Event().wait()))

    thread.run(begin(), WAIT_S)
    thread.close()
    thread.close()

    assert kept[0].cancelled()
