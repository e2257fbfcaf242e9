"""The test's end of the control channel: programs in the guest, as awaitable calls.

Owns ids, deadlines and the reading task; what the lines mean stands in agent.py.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from virtual_radio.guest.agent import MAX_OUTPUT_CHARACTERS

CALL_TIMEOUT_S = 60.0
"""A program in the guest that says nothing else: emulation on a busy core is slow."""

ANSWER_MARGIN_S = 30.0
"""What the way to the guest and back may take on top of the program's own time."""

MAX_LINE_BYTES = 16 * MAX_OUTPUT_CHARACTERS
"""Longest answer: two full streams, each character escaped by JSON."""


class GuestError(AssertionError):
    """The guest did not do what was asked of it; the text says why."""


class GuestGone(GuestError):
    """The guest's end of the channel has closed."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended."""

    code: int
    out: str
    err: str


class Control:
    """One channel. All calls on the event loop that opened it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last = 0
        self._ready = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, path: str) -> Self:
        """Connect to QEMU's socket of the channel."""
        return cls(*await asyncio.open_unix_connection(path, limit=MAX_LINE_BYTES))

    async def wait_ready(self, timeout_s: float) -> None:
        """Until the agent has said hello. Raises TimeoutError, GuestGone."""
        await asyncio.wait_for(asyncio.shield(self._ready), timeout_s)

    async def run(
        self, argv: Sequence[str], *, stdin: str = "", timeout_s: float = CALL_TIMEOUT_S
    ) -> Done:
        """One program to its end, however it ends. Raises GuestError."""
        said = await self._call(
            timeout_s, do="run", argv=list(argv), input=stdin, timeout_s=timeout_s
        )
        return Done(said["code"], said["out"], said["err"])

    async def start(self, argv: Sequence[str], log: str) -> int:
        """The pid of a program that goes on; it appends to `log`, a path in the guest."""
        said = await self._call(CALL_TIMEOUT_S, do="start", argv=list(argv), log=log)
        return int(said["pid"])

    async def stop(self, pid: int, signal: int, timeout_s: float) -> int:
        """The exit status of a program that was started, after `signal`. Raises GuestError."""
        said = await self._call(timeout_s, do="stop", pid=pid, signal=signal, timeout_s=timeout_s)
        return int(said["code"])

    async def look(self, pid: int) -> int | None:
        """The exit status of a program that was started; None while it runs."""
        code: int | None = (await self._call(CALL_TIMEOUT_S, do="look", pid=pid))["code"]
        return code

    async def http(
        self, method: str, url: str, body: str = "", *, timeout_s: float = CALL_TIMEOUT_S
    ) -> tuple[int, str]:
        """Status and text of an HTTP request from inside the guest. Raises GuestError."""
        said = await self._call(
            timeout_s, do="http", method=method, url=url, body=body, timeout_s=timeout_s
        )
        return int(said["code"]), str(said["out"])

    async def close(self) -> None:
        """Idempotent; calls that still wait get GuestGone."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        self._lose("the channel was closed")

    async def _call(self, within_s: float, **request: Any) -> dict[str, Any]:
        if self._reading.done():
            raise GuestGone("the guest has ended")
        self._last += 1
        number = self._last
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(json.dumps({"id": number, **request}).encode() + b"\n")
            said: dict[str, Any] = await asyncio.wait_for(answer, within_s + ANSWER_MARGIN_S)
        except TimeoutError:
            raise GuestError(f"the guest did not answer {request}") from None
        finally:
            del self._waiting[number]
        if "error" in said:
            raise GuestError(f"{request}: {said['error']}")
        return said

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except ConnectionError:
            pass
        self._lose("the guest closed the channel")

    def _take(self, said: dict[str, Any]) -> None:
        waiting = self._ready if "hello" in said else self._waiting.get(said["id"])
        if waiting and not waiting.done():
            waiting.set_result(said)

    def _lose(self, why: str) -> None:
        for waiting in (self._ready, *self._waiting.values()):
            if not waiting.done():
                waiting.set_exception(GuestGone(why))
        if self._ready.done():
            self._ready.exception()  # read once, so that nothing warns when nobody waits for it
