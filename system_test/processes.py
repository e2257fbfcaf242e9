"""The programs of this repository as children of a test, and the fixtures that start them.

Owns starting, the first line, the captured output and the end of each child; knows the command
lines and nothing of what the programs do. Used by system_test and server_rest_test alike.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import pytest
import requests

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]

START_TIMEOUT_S = 30.0
"""Until the first line: a Python start with all imports takes two seconds on a busy small box."""

STOP_TIMEOUT_S = 10.0
"""Until the end after SIGTERM; the gateway promises eight seconds."""

KILL_TIMEOUT_S = 5.0
"""Until the kernel has buried a killed child."""

HTTP_TIMEOUT_S = 5.0
"""For one request of a test to a child."""

POLL_S = 0.02
"""Between two looks at a child that cannot wake us."""

MAX_OUTPUT_LINES = 2_000
"""Lines kept of each stream of a child, the newest; enough to see why a test failed."""


class ProgramError(AssertionError):
    """A child did not do what was asked of it; the text ends with what it printed."""


class Program:
    """One child process whose first line on stdout is a JSON object."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.name = name
        self.hello: dict[str, Any] = {}
        self._lines: deque[str] = deque(maxlen=MAX_OUTPUT_LINES)
        self._first: str | None = None
        self._spoken = threading.Event()
        self._process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=(stream, is_stdout), daemon=True)
            for stream, is_stdout in ((self._process.stdout, True), (self._process.stderr, False))
        ]
        for reader in self._readers:
            reader.start()
        try:
            self._greet()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended: None while it runs, negative for a signal."""
        return self._process.poll()

    @property
    def url(self) -> str:
        """Where it serves HTTP, without a slash at the end."""
        return str(self.hello["url"]).rstrip("/")

    @property
    def door(self) -> tuple[str, int]:
        """Host and port of its Modbus TCP door."""
        host, _, port = str(self.hello["doors"]["modbus"]).rpartition(":")
        return host, int(port)

    def output(self) -> str:
        """What it printed, both streams in the order they came."""
        return "\n".join(list(self._lines))

    def get(self, path: str) -> Any:
        """The JSON of a GET; fails on any status but 2xx."""
        answer = requests.get(f"{self.url}{path}", timeout=HTTP_TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Ask it to end with SIGTERM; kills it and fails when it does not. The exit status."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProgramError(
                f"{self.name} did not end {timeout_s} s after SIGTERM\n{self.output()}"
            ) from None
        return self._bury()

    def kill(self) -> int:
        """SIGKILL, now. The exit status."""
        self._signal(signal.SIGKILL)
        self._process.wait(KILL_TIMEOUT_S)
        return self._bury()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)

    def _bury(self) -> int:
        for reader in self._readers:
            reader.join(KILL_TIMEOUT_S)
        return self._process.returncode

    def _read(self, stream: IO[str], is_stdout: bool) -> None:
        with stream:
            for line in stream:
                if is_stdout and self._first is None:
                    self._first = line
                    self._spoken.set()
                self._lines.append(line.rstrip("\n"))
        if is_stdout:
            self._spoken.set()

    def _greet(self) -> None:
        if not self._spoken.wait(START_TIMEOUT_S):
            raise ProgramError(f"{self.name} said nothing for {START_TIMEOUT_S} s\n{self.output()}")
        try:
            hello = json.loads(self._first or "")
        except ValueError:
            hello = None
        if not isinstance(hello, dict):
            raise ProgramError(f"{self.name}'s first line is no JSON object\n{self.output()}")
        self.hello = hello

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: ours without any EGRET_ setting, then `settings`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("EGRET_")}
    return {**ours, "PYTHONUNBUFFERED": "1", **settings}


def device(door: tuple[str, int], device_id: str = "plant", **changes: object) -> dict[str, object]:
    """One entry of EGRET_DEVICES for a plant behind `door`."""
    host, port = door
    return {
        "device_id": device_id,
        "name": device_id,
        "endpoint": {"scheme": "modbus_tcp", "host": host, "port": port},
        "unit_id": 1,
        "profile": "sungrow_hybrid",
        "interval_s": 1,
        "serial": "",
        **changes,
    }


def start_plant(*options: str, port: int = 0) -> Program:
    """A virtual plant; `door` says where. `options` as `python -m simulator plant --help` lists."""
    command = [sys.executable, "-m", "simulator", "plant", "--json", "--port", str(port), *options]
    return Program("plant", command, environment({}))


def start_receiver(*options: str, port: int = 0) -> Program:
    """An ingest endpoint; `url` says where."""
    command = [sys.executable, "-m", "simulator", "receiver", "--json", "--port", str(port)]
    return Program("receiver", [*command, *options], environment({}))


def start_gateway(
    data: Path,
    devices: Sequence[Mapping[str, object]] = (),
    endpoints: Sequence[str] = (),
    port: int = 0,
    settings: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Program:
    """A gateway with its data in `data`; `settings` are further EGRET_ variables."""
    command = [sys.executable, "-m", "server", "--json", "--port", str(port), "--data", str(data)]
    given = {"EGRET_DEVICES": json.dumps(list(devices)), **(settings or {})}
    if endpoints:
        given["EGRET_HARVEST_ENDPOINTS"] = ",".join(endpoints)
    return Program("gateway", [*command, *options], environment(given))


def wait_until(look: Callable[[], T], timeout_s: float, what: str) -> T:
    """Call `look` until it answers something true; the answer. Fails naming `what`.

    The one place that waits for a child that cannot wake us. A look that the child refuses
    (no connection yet, a status of 5xx) counts as not yet.
    """
    pause = threading.Event()
    deadline = time.monotonic() + timeout_s
    last: object = None
    while time.monotonic() < deadline:
        try:
            found = look()
        except requests.RequestException as error:
            last = error
        else:
            if found:
                return found
            last = found
        pause.wait(POLL_S)
    raise ProgramError(f"no {what} within {timeout_s} s; last: {last!r}")


class Children:
    """The programs of one test: started on demand, ended in reverse order whatever happens."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def keep(self, program: Program) -> Program:
        """End `program` with the test, and attach its output to a failure."""
        self._stack.callback(self._end, program)
        return program

    @staticmethod
    def _end(program: Program) -> None:
        print(f"--- {program.name} (pid {program.pid})\n{program.output()}")
        if program.returncode is None:
            program.stop()


@pytest.fixture
def children() -> Iterator[Children]:
    """Keeps what a test starts itself."""
    with ExitStack() as stack:
        yield Children(stack)


@pytest.fixture
def plant(children: Children) -> Callable[..., Program]:
    """Start a virtual plant: `plant("--speed", "60").door`."""
    return lambda *options, **named: children.keep(start_plant(*options, **named))


@pytest.fixture
def receiver(children: Children) -> Callable[..., Program]:
    """Start an ingest endpoint: `receiver().url`."""
    return lambda *options, **named: children.keep(start_receiver(*options, **named))


@pytest.fixture
def gateway(children: Children, tmp_path: Path) -> Callable[..., Program]:
    """Start a gateway: `gateway(devices=[device(plant().door)], endpoints=[receiver().url])`.

    Its data lies in the test's own folder unless `data` says otherwise, so a second one started
    after the first has ended finds what the first one left.
    """

    def start(data: Path | None = None, **named: Any) -> Program:
        return children.keep(start_gateway(data or tmp_path / "data", **named))

    return start
