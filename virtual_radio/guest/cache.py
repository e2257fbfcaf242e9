"""Results that are dear to make, kept on disk under the key of their recipe.

Owns the folder, its lock and what is thrown away; knows nothing of what is kept. Two processes
that want the same part build it once: the second waits for the first.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_KEPT = 2
"""Results kept of each part: the current one, and the one of the branch one comes from."""

UNFINISHED = ".unfinished-"
"""Start of the names of folders that are being made."""

Build = Callable[[Path], None]
"""Makes a part in the empty folder that it is given."""


class Cache:
    """Parts in one folder, each `<name>-<key>`."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say

    def find(self, name: str, key: str) -> Path | None:
        """The part, if it is there."""
        place = self._folder / f"{name}-{key}"
        return place if place.is_dir() else None

    def get(self, name: str, key: str, build: Build) -> Path:
        """The part; made by `build` if it is not there. Raises what `build` raises and keeps
        nothing then."""
        found = self.find(name, key)
        if found:
            found.touch()  # the time of its last use: what was used last is kept
            return found
        with self._locked(name):
            return self.find(name, key) or self._make(name, key, build)

    def _make(self, name: str, key: str, build: Build) -> Path:
        place = self._folder / f"{name}-{key}"
        for left in self._folder.glob(f"{UNFINISHED}{name}-*"):
            shutil.rmtree(left)  # we hold the lock: whoever began it has died
        unfinished = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{name}-", dir=self._folder))
        unfinished.chmod(0o755)
        try:
            build(unfinished)
            unfinished.rename(place)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        place.touch()
        self._prune(name, place)
        return place

    def _prune(self, name: str, newest: Path) -> None:
        parts = [part for part in self._folder.glob(f"{name}-*") if part.is_dir()]
        parts.sort(key=lambda part: (part == newest, part.stat().st_mtime), reverse=True)
        for old in parts[MAX_KEPT:]:
            self._say(f"removing the old {old.name}")
            shutil.rmtree(old, ignore_errors=True)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f".{name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say(f"another process is making the guest's {name}; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)  # pytest's own deadline bounds the wait
            yield
