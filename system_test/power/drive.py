"""The tests' handle on a disk whose power can be cut: mount, cut, mount again.

Owns the process that serves the disk (`system_test.power.mount`) and its mount point. It must be
told of every program that uses the disk: they are killed by their owner before `restore`.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Any, Self

from system_test.power.disk import Cut
from system_test.power.mount_point import unmount
from system_test.processes import ROOT

ANSWER_TIMEOUT_S = 20.0
"""How long the process of the disk may take over anything, on the slowest of machines."""

MOUNT_POLL_S = 0.01
"""Between two looks at whether the mount point is a mount yet."""


class Drive:
    """A mounted disk at `path`; a context manager that leaves nothing behind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._answers: Queue[dict[str, Any]] = Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "system_test.power.mount", str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read_answers, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        self._mount()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        unmount(str(self.path))
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(ANSWER_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(ANSWER_TIMEOUT_S)
        self._process.stdout.close()

    def cut(self, mode: Cut, seed: int, after: int = 0) -> None:
        """Cut the power now, or just before the `after`-th change or sync from now."""
        self._send({"do": "cut", "mode": mode.value, "seed": seed, "after": after})
        answer = self._answers.get(timeout=ANSWER_TIMEOUT_S)
        assert answer == {"cut": True}, answer

    def restore(self) -> dict[str, int] | None:
        """Unmount, settle the cut and mount again; returns what was lost, None if no cut."""
        unmount(str(self.path))
        answer = self._answers.get(timeout=ANSWER_TIMEOUT_S)
        assert answer.get("unmounted"), answer
        self._mount()
        lost: dict[str, int] | None = answer["lost"]
        return lost

    def _mount(self) -> None:
        self._send({"do": "mount"})
        waiting = threading.Event()
        for _ in range(round(ANSWER_TIMEOUT_S / MOUNT_POLL_S)):
            if os.path.ismount(self.path):
                return
            assert self._process.poll() is None, "the process of the disk has ended"
            waiting.wait(MOUNT_POLL_S)
        raise TimeoutError(f"{self.path} was not mounted within {ANSWER_TIMEOUT_S} s")

    def _send(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _read_answers(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
