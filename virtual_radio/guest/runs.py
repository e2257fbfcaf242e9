"""Folders of runs: one for each started guest, and no more than there are guests.

A run holds a lock on a file in its folder; whoever starts the next one removes the folders whose
lock nobody holds, because their process was killed.
"""

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO

RUNS = Path("/tmp")
"""Where folders are made, whatever TMPDIR says: paths of sockets must be short."""

PREFIX = "egret-guest-"

OWNER = "owner"
"""Name of the locked file."""


class Run:
    """The folder of one run, locked until `remove`."""

    def __init__(self, runs: Path = RUNS) -> None:
        sweep(runs)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=runs))
        self._owner = _lock(self.folder / OWNER, "w")

    def remove(self) -> None:
        """Idempotent."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._owner:
            self._owner.close()


def sweep(runs: Path) -> None:
    """Remove the folders of runs whose process has died."""
    for folder in runs.glob(f"{PREFIX}*"):
        owner = _lock(folder / OWNER, "r")
        if owner:
            shutil.rmtree(folder, ignore_errors=True)
            owner.close()


def _lock(file: Path, mode: str) -> IO[str] | None:
    """The open file, locked; None where somebody else holds the lock, or there is none."""
    try:
        owner: IO[str] = file.open(mode)
    except OSError:
        return None
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner.close()
        return None
    return owner
