"""Waiting for the engine."""

import asyncio

import pytest
from anyio.lowlevel import checkpoint

from server.api import asking
from server.api.asking import ask
from server.api.refusals import AnswerTimeout, NotFound
from server.errors import Busy, DeviceTimeout
from server.model.request import DismissNotice, QueryHistory, RemoveDevice
from server_unit_test.api.fake_desk import NOTICE, FakeDesk

pytestmark = pytest.mark.anyio
QUERY = QueryHistory("garage", "pv_power", 0, 1000, 1)


async def test_the_answer_is_what_the_engine_gave() -> None:
    """A value goes through unchanged."""
    assert NOTICE == await ask(FakeDesk(), DismissNotice(7))


async def test_an_answer_may_come_later_from_another_thread() -> None:
    """The loop is woken when the engine has settled the request."""
    desk = FakeDesk()
    desk.answers[QueryHistory] = desk.SILENCE
    waiting = asyncio.create_task(ask(desk, QUERY))
    while not desk.unanswered:
        await checkpoint()

    await asyncio.to_thread(desk.unanswered[0].set_result, "later")

    assert "later" == await waiting


async def test_an_error_is_raised_as_it_is() -> None:
    """The table of refusals sees the engine's own error."""
    desk = FakeDesk()
    desk.answers[QueryHistory] = DeviceTimeout("silent")

    with pytest.raises(DeviceTimeout, match="silent"):
        await ask(desk, QUERY)


async def test_a_missing_thing_is_not_found() -> None:
    """KeyError means `no such thing` when it comes from the engine, and only then."""
    with pytest.raises(NotFound, match="there is no 'attic'"):
        await ask(FakeDesk(), RemoveDevice("attic"))


async def test_a_full_inbox_is_raised_at_once() -> None:
    """Nobody waits for what was never taken."""
    desk = FakeDesk()
    desk.refuses = Busy("the inbox is full")

    with pytest.raises(Busy):
        await ask(desk, QUERY)


async def test_silence_ends_after_its_time_and_takes_nothing_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The engine can still answer a request that was given up: its future is not cancelled."""
    monkeypatch.setattr(asking, "ANSWER_TIMEOUT_S", 0.01)
    desk = FakeDesk()
    desk.answers[QueryHistory] = desk.SILENCE

    with pytest.raises(AnswerTimeout, match=r"0\.01 s"):
        await ask(desk, QUERY)

    desk.unanswered[0].set_result("late")
    assert "late" == desk.unanswered[0].result(0)


async def test_a_cancelled_request_means_that_the_gateway_stops() -> None:
    """503, so that a client tries again."""
    desk = FakeDesk()
    desk.answers[QueryHistory] = desk.SILENCE
    waiting = asyncio.create_task(ask(desk, QUERY))
    while not desk.unanswered:
        await checkpoint()

    desk.unanswered[0].cancel()

    with pytest.raises(Busy, match="stopping"):
        await waiting


def test_requests_at_a_device_may_take_longer() -> None:
    """A device takes seconds to connect, the engine does not."""
    assert asking.DEVICE_ANSWER_TIMEOUT_S > asking.ANSWER_TIMEOUT_S
