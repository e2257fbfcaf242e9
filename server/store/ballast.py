"""A file that holds space on the disk, so that there is some to give up when it is full.

On a full disk even a deletion needs room in the write-ahead log. The ballast is removed then, and
made again when there is space. Owns that one file.
"""

import os
from pathlib import Path

BALLAST_NAME = "ballast"


class Ballast:
    """See the module's docstring. A size of 0 means that none is kept."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self._path = folder / BALLAST_NAME
        self._size_bytes = size_bytes

    def give_up(self) -> None:
        """Hand the space back. Idempotent; never raises."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            # The next commit tells whether there is space; nothing to add to that.
            return

    def make(self, spare_bytes: int) -> bool:
        """Take the space, if it is not held and `spare_bytes` allow; return whether it is held.

        Twice its size must be spare: taking the last space would only fill the disk again.
        """
        if self._held():
            return True
        if self._size_bytes == 0 or spare_bytes < 2 * self._size_bytes:
            return False
        try:
            with self._path.open("wb") as file:
                # Really allocates the blocks; a sparse file would hold nothing.
                os.posix_fallocate(file.fileno(), 0, self._size_bytes)
        except OSError:
            self.give_up()
            return False
        return True

    def _held(self) -> bool:
        try:
            return self._size_bytes > 0 and self._path.stat().st_size == self._size_bytes
        except OSError:
            return False
