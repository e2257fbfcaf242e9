"""Work that must not outlive the service."""

import asyncio
import logging

import pytest

from bluetooth.spawned import MAX_SPAWNED, Spawned

pytestmark = pytest.mark.anyio


async def test_work_runs_and_is_forgotten() -> None:
    """What has ended takes no room."""
    spawned, done = Spawned(), asyncio.Event()

    async def work() -> None:
        done.set()

    spawned.spawn(work())
    async with asyncio.timeout(10):
        await done.wait()
        while len(spawned):
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)


async def test_stopping_cancels_what_is_under_way() -> None:
    """And waits until it has ended."""
    spawned, ended = Spawned(), []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    spawned.spawn(work())
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    await spawned.stop()

    assert ([True], 0) == (ended, len(spawned))


async def test_a_fault_is_logged_and_ends_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the traceback."""
    spawned = Spawned()

    async def broken() -> None:
        raise ZeroDivisionError("a bug")

    spawned.spawn(broken())
    async with asyncio.timeout(10):
        while not caplog.records:
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)

    record = caplog.records[0]
    assert (logging.ERROR, "a piece of work failed") == (record.levelno, record.getMessage())
    assert record.exc_info is not None


async def test_there_is_a_bound(caplog: pytest.LogCaptureFixture) -> None:
    """What is too much is not begun, and nothing complains about it later."""
    spawned = Spawned()
    for _ in range(MAX_SPAWNED + 1):
        spawned.spawn(asyncio.Event().wait())  # type: ignore[arg-type]  # Its result is nobody's.

    assert MAX_SPAWNED == len(spawned)
    assert ["too much work is under way; a piece of it is not begun"] == [
        each.getMessage() for each in caplog.records
    ]
    await spawned.stop()
