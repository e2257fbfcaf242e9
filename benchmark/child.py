"""A program under measurement in a process of its own: started, watched from outside, ended."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

START_TIMEOUT_S = 60.0
"""Until the first line is out, on a busy machine."""

STOP_TIMEOUT_S = 15.0
"""From SIGTERM to SIGKILL; the gateway promises to end within eight seconds."""

_PROCESS_CPU = 2
"""Linux: the clock of a process is made of its inverted number and this (clock_getcpuclockid)."""


class Child:
    """`python -m ARGUMENTS`, whose first line is a JSON object, `hello`. Use in a `with` block."""

    def __init__(
        self, arguments: Sequence[str], words: Path, env: Mapping[str, str] | None = None
    ) -> None:
        """What it says on its standard error goes to the file `words`."""
        self.started_at = time.monotonic()
        self._words = words
        with words.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self.hello: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            self.hello = json.loads(line)
        except ValueError as error:
            self.stop()
            said = self._words.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"a child did not start; it said:\n{said}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def cpu_s(self) -> float:
        """CPU seconds of all its threads since its start."""
        return time.clock_gettime((~self.pid << 3) | _PROCESS_CPU)

    def rss_mb(self) -> float:
        """Resident memory in megabytes (10^6 bytes)."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError("the process has no memory: it has ended")

    def stop(self) -> None:
        """SIGTERM, then SIGKILL when that does not help. Idempotent."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_TIMEOUT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()


def cpu_share(child: Child, seconds: float) -> float:
    """The share of one core that the child uses over that time."""
    cpu, wall = child.cpu_s(), time.monotonic()
    time.sleep(seconds)
    return (child.cpu_s() - cpu) / (time.monotonic() - wall)
