"""A started guest: boots by trying, runs programs in it, and ends it with certainty.

Owns the order of starting and ending, and the folder of one run. The controller at the other end
of the guest's Bluetooth adapter is the caller's: see `boot`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from signal import SIGTERM

from virtual_radio.guest.accelerator import Verdict
from virtual_radio.guest.build import Artefacts
from virtual_radio.guest.commands import GuestUnavailable
from virtual_radio.guest.control import CALL_TIMEOUT_S, Control, Done, GuestError
from virtual_radio.guest.kernel import init_image
from virtual_radio.guest.qemu import Machine, Places, command
from virtual_radio.guest.runs import Run

INSIDE = "/egret/virtual_radio/guest/inside"
"""Where the guest sees the scripts of this package."""

SOCKET_TIMEOUT_S = 20.0
"""Until QEMU has made its sockets; it does so before it starts the guest."""

TRIAL_TIMEOUT_S = 30.0
"""Until the agent's hello with hardware virtualisation: two seconds where it works."""

READY_TIMEOUT_S = 180.0
"""Until the agent's hello: seven seconds emulated on an idle core, three times that among other
tests, and then some."""

POLL_S = 0.05
"""Between two looks at QEMU while it starts."""

LOOK_S = 0.2
"""Between two looks at what cannot call us; each costs the guest some milliseconds."""

STOP_TIMEOUT_S = 30.0
"""For a program in the guest to end after SIGTERM."""

Attach = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]
"""Takes a stream of H4 and puts a Bluetooth controller at its end. Closes it, too."""


def leave_alone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """For guests whose adapter nobody needs."""
    writer.close()


class Guest:
    """One running guest. All coroutines on the event loop that booted it."""

    def __init__(self, artefacts: Artefacts, repository: Path) -> None:
        self._artefacts = artefacts
        self._repository = repository
        self._run = Run()
        self.places = Places(self._run.folder)
        self.accelerator = ""
        self._machine: Machine | None = None
        self._control: Control | None = None

    @property
    def shared(self) -> Path:
        """Folder that the guest sees as /host; logs of what runs in it lie here."""
        return self.places.shared

    async def boot(self, verdict: Verdict, attach: Attach = leave_alone) -> None:
        """Until the agent is ready, with the first accelerator that works.

        `attach` is given the other end of the guest's Bluetooth adapter before the guest looks for
        it, once for each try; the guest gives an adapter up that does not answer for two seconds.
        Raises GuestUnavailable when nothing works, GuestMissing without QEMU.
        """
        init = (Path(__file__).parent / "inside/init").read_bytes()
        image = self._artefacts.modules.read_bytes() + init_image(init)
        self.places.initramfs.write_bytes(image)
        self.places.shared.mkdir()
        last = ""
        for name in verdict.candidates():
            try:
                await self._try(name, attach, TRIAL_TIMEOUT_S if name != "tcg" else READY_TIMEOUT_S)
            except (OSError, GuestError) as error:
                last = f"{name}: {error or 'took too long'}\n{self.console()}"
                await self._halt()
            else:
                self.accelerator = name
                verdict.keep(name)
                return
        raise GuestUnavailable(f"the guest does not start\n{last}")

    async def run(self, *argv: str, stdin: str = "", timeout_s: float = CALL_TIMEOUT_S) -> Done:
        """One program to its end, however it ends. Raises GuestError."""
        return await self._channel.run(argv, stdin=stdin, timeout_s=timeout_s)

    async def ask(self, *argv: str, stdin: str = "", timeout_s: float = CALL_TIMEOUT_S) -> str:
        """What a program printed. Raises GuestError when it fails."""
        done = await self.run(*argv, stdin=stdin, timeout_s=timeout_s)
        if done.code:
            raise GuestError(f"{' '.join(argv)} failed with {done.code}:\n{done.out}{done.err}")
        return done.out

    async def http(
        self, method: str, url: str, body: str = "", *, timeout_s: float = CALL_TIMEOUT_S
    ) -> tuple[int, str]:
        """Status and text of an HTTP request from inside the guest. Raises GuestError."""
        return await self._channel.http(method, url, body, timeout_s=timeout_s)

    async def start(self, argv: Sequence[str], name: str) -> int:
        """The pid of a program that goes on; what it prints is `log(name)`."""
        return await self._channel.start(argv, f"/host/{name}.log")

    async def stop(self, pid: int, signal: int = SIGTERM) -> int:
        """The exit status of a program that was started, after `signal`. Raises GuestError when
        it had to be killed."""
        return await self._channel.stop(pid, signal, STOP_TIMEOUT_S)

    async def has_ended(self, pid: int) -> bool:
        """True once a program that was started is no more."""
        return await self._channel.look(pid) is not None

    async def wait_until(self, condition: str, timeout_s: float = CALL_TIMEOUT_S) -> None:
        """Until a condition of the guest's shell holds. Raises GuestError when it does not."""
        await self.ask("sh", "-c", f"until {condition}; do sleep 0.1; done", timeout_s=timeout_s)

    async def wait_seen(
        self, look: Callable[[], Awaitable[bool]], timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        """Until `look` sees what it looks for; for what only somebody outside the guest's shell
        can tell. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not await look():
                await asyncio.sleep(LOOK_S)

    def log(self, name: str) -> str:
        """What a program that was started has printed so far."""
        path = self.places.shared / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def console(self) -> str:
        """The end of the guest's console."""
        return self._machine.console() if self._machine else ""

    def cpu_s(self) -> float:
        """Processor time that QEMU has used so far, in seconds: what a guest costs, whatever else
        the machine does."""
        return self._machine.cpu_s() if self._machine else 0.0

    async def close(self) -> None:
        """End the guest and remove its folder. Idempotent."""
        await self._halt()
        self._run.remove()

    def kill(self) -> None:
        """End QEMU from any thread, without an event loop. Idempotent."""
        if self._machine:
            self._machine.kill()

    @property
    def _channel(self) -> Control:
        if self._control is None:
            raise GuestError("the guest was not started")
        return self._control

    async def _try(self, accelerator: str, attach: Attach, ready_within_s: float) -> None:
        for left in (self.places.console, self.places.hci, self.places.control):
            left.unlink(missing_ok=True)
        argv = command(self._artefacts, self.places, self._repository, accelerator)
        self._machine = machine = Machine(argv, self.places.console)
        async with asyncio.timeout(SOCKET_TIMEOUT_S):
            await self._wait(machine, self.places.control.exists)
        attach(*await asyncio.open_unix_connection(str(self.places.hci)))
        self._control = await Control.open(str(self.places.control))
        await self._control.wait_ready(ready_within_s)

    async def _halt(self) -> None:
        if self._control:
            await self._control.close()
            self._control = None
        self.kill()

    async def _wait(self, machine: Machine, holds: Callable[[], bool]) -> None:
        while not holds():
            if machine.has_ended():
                raise GuestError("QEMU has ended")
            await asyncio.sleep(POLL_S)
