"""Waiting for the engine's answer on the web server's loop.

A request that was given up is left alone: cancelling its future would take it away from the
engine, which is still going to answer it.
"""

import asyncio
from concurrent.futures import CancelledError, Future

from server.api.refusals import AnswerTimeout, NotFound
from server.errors import Busy
from server.model.request import AddDevice, Probe, ReadRegisters, Request, WriteRegisters
from server.ports import Desk

ANSWER_TIMEOUT_S = 10.0
"""Answers that need no device: the database may be busy with a commit, nothing more."""
DEVICE_ANSWER_TIMEOUT_S = 60.0
"""Answers that need a device: a slow one takes ten seconds to connect, and profiles are tried."""

_AT_A_DEVICE = (Probe, AddDevice, ReadRegisters, WriteRegisters)


async def ask(desk: Desk, request: Request, timeout_s: float | None = None) -> object:
    """The engine's answer; raises what it raises, NotFound, AnswerTimeout, or Busy."""
    if timeout_s is None:
        at_a_device = isinstance(request, _AT_A_DEVICE)
        timeout_s = DEVICE_ANSWER_TIMEOUT_S if at_a_device else ANSWER_TIMEOUT_S
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    future = desk.ask(request)
    future.add_done_callback(lambda _: _wake(loop, arrived))
    try:
        async with asyncio.timeout(timeout_s):
            await arrived.wait()
    except TimeoutError:
        raise AnswerTimeout(
            f"no answer within {timeout_s:g} s; what was asked may still happen, look again"
        ) from None
    return _result(future)


def _wake(loop: asyncio.AbstractEventLoop, arrived: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(arrived.set)
    except RuntimeError:
        pass  # The server has stopped meanwhile: nobody waits any more.


def _result(future: Future[object]) -> object:
    try:
        return future.result(0)
    except CancelledError:
        raise Busy("the gateway is stopping") from None
    except KeyError as error:
        # Only here does a missing key mean "no such thing"; anywhere else it is a bug of ours.
        text = str(error.args[0]) if error.args else ""
        raise NotFound(text if " " in text else f"there is no {text!r}") from None
