"""One program as a child: its first line, its last words, its end.

Knows nothing of what the programs do. A child runs in a session of its own, so that Ctrl-C
reaches the demo alone, which then ends the children in the right order.
"""

import json
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import IO, Any

MAX_LAST_WORDS = 40
"""Lines kept of a child's output, the newest, to be shown when it ends by itself."""

START_TIMEOUT_S = 60.0
"""Until the first line: the first start on a small box compiles every module."""

STOP_TIMEOUT_S = 10.0
"""From SIGTERM to SIGKILL; the gateway promises to end within eight seconds."""

KILL_TIMEOUT_S = 5.0
"""Until the kernel has buried a killed child."""


class ChildError(Exception):
    """A child did not start; the text is for the person at the terminal."""


class Child:
    """A running program and the JSON object of its first line, `hello`."""

    def __init__(self, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self.name = name
        self._arguments = tuple(arguments)
        self._words: deque[str] = deque(maxlen=MAX_LAST_WORDS)
        self._first = ""
        self._spoken = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments, "--json"],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        out, err = self._process.stdout, self._process.stderr
        assert out is not None and err is not None
        self._readers = [
            threading.Thread(target=self._read, args=(out, True), daemon=True),
            threading.Thread(target=self._read, args=(err, False), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def wait_hello(self) -> dict[str, Any]:
        """The first line; ends the child and raises ChildError when there is none."""
        self._spoken.wait(START_TIMEOUT_S)
        try:
            hello = json.loads(self._first)
        except ValueError:
            hello = None
        if isinstance(hello, dict):
            return hello
        self.stop()
        raise ChildError(f"the {self.name} did not start; it said:\n{self.last_words()}")

    @property
    def running(self) -> bool:
        """False once it has ended."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def last_words(self) -> str:
        """The newest lines of its output, indented."""
        return "\n".join(f"    {line}" for line in list(self._words)) or "    (nothing)"

    def stop(self) -> None:
        """SIGTERM, then SIGKILL when that does not help. Idempotent."""
        for number, patience_s in ((signal.SIGTERM, STOP_TIMEOUT_S), (signal.SIGKILL, 0.0)):
            if self.running:
                self._process.send_signal(number)
            try:
                self._process.wait(patience_s or KILL_TIMEOUT_S)
                break
            except subprocess.TimeoutExpired:
                continue
        for reader in self._readers:
            reader.join(KILL_TIMEOUT_S)

    def _read(self, stream: IO[str], is_stdout: bool) -> None:
        with stream:
            for line in stream:
                if is_stdout and not self._first:
                    self._first = line
                    self._spoken.set()
                self._words.append(line.rstrip("\n"))
        if is_stdout:
            self._spoken.set()
