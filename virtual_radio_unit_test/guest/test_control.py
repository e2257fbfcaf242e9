"""The two ends of the control channel, joined by a socket instead of a guest."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from virtual_radio.guest import control as control_module
from virtual_radio.guest.agent import serve
from virtual_radio.guest.control import Control, Done, GuestError, GuestGone

WAIT_S = 10.0


def agent_behind(path: Path) -> threading.Thread:
    """The real agent, serving the first who connects to a socket at `path`."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)

    def run() -> None:
        with listener, listener.accept()[0] as connection:
            with connection.makefile("rb") as reader, connection.makefile("wb") as writer:
                serve(reader, writer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def with_agent(tmp_path: Path, talk: Callable[[Control], Awaitable[None]]) -> None:
    """Let `talk` use a channel to a real agent."""

    async def main() -> None:
        control = await Control.open(str(tmp_path / "control"))
        try:
            await control.wait_ready(WAIT_S)
            await talk(control)
        finally:
            await control.close()

    agent = agent_behind(tmp_path / "control")
    asyncio.run(main())
    agent.join(WAIT_S)
    assert not agent.is_alive()


def test_a_program_runs_and_answers(tmp_path: Path) -> None:
    """Its streams and its status come back."""

    async def talk(control: Control) -> None:
        done = await control.run(["sh", "-c", "cat; exit 4"], stdin="grüezi")

        assert Done(4, "grüezi", "") == done

    with_agent(tmp_path, talk)


def test_calls_run_side_by_side(tmp_path: Path) -> None:
    """A slow program delays no other; each gets its own answer."""

    async def talk(control: Control) -> None:
        fifo = tmp_path / "fifo"
        await control.run(["mkfifo", str(fifo)])
        slow = asyncio.create_task(control.run(["cat", str(fifo)]))
        quick = await control.run(["sh", "-c", f"echo go >{fifo}; echo quick"])

        assert ("quick\n", "go\n") == (quick.out, (await slow).out)

    with_agent(tmp_path, talk)


def test_a_program_that_goes_on_is_started_seen_and_stopped(tmp_path: Path) -> None:
    """By its pid."""

    async def talk(control: Control) -> None:
        pid = await control.start(["sleep", "600"], str(tmp_path / "log"))

        assert (None, -15) == (await control.look(pid), await control.stop(pid, 15, WAIT_S))

    with_agent(tmp_path, talk)


def test_what_the_guest_cannot_do_is_raised_with_its_words(tmp_path: Path) -> None:
    """And the channel goes on."""

    async def talk(control: Control) -> None:
        with pytest.raises(GuestError, match="no-such-program"):
            await control.run(["no-such-program"])
        assert 0 == (await control.run(["true"])).code

    with_agent(tmp_path, talk)


def with_silence(tmp_path: Path, talk: Callable[[Control], Awaitable[None]]) -> None:
    """Let `talk` use a channel whose other end never says a word, and hangs up when told."""

    async def main() -> None:
        gone = asyncio.Event()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.close()
            gone.set()

        server = await asyncio.start_unix_server(accept, tmp_path / "control")
        async with server:
            control = await Control.open(str(tmp_path / "control"))
            await talk(control)
            await control.close()
            await asyncio.wait_for(gone.wait(), WAIT_S)

    asyncio.run(main())


def test_a_guest_that_ends_ends_every_wait(tmp_path: Path) -> None:
    """Calls under way, the wait for its hello, and later calls."""

    async def talk(control: Control) -> None:
        ready = asyncio.create_task(control.wait_ready(WAIT_S))
        with pytest.raises(GuestGone):
            await control.run(["true"])
        with pytest.raises(GuestGone):
            await ready
        with pytest.raises(GuestGone):
            await control.run(["true"])

    with_silence(tmp_path, talk)


def test_a_guest_that_says_nothing_is_waited_for_no_longer_than_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for its hello nor for an answer."""
    monkeypatch.setattr(control_module, "ANSWER_MARGIN_S", 0.05)

    async def main() -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_unix_server(accept, tmp_path / "control")
        async with server:
            control = await Control.open(str(tmp_path / "control"))
            with pytest.raises(TimeoutError):
                await control.wait_ready(0.01)
            with pytest.raises(GuestError, match="did not answer"):
                await control.run(["true"], timeout_s=0.01)
            await control.close()

    asyncio.run(main())
