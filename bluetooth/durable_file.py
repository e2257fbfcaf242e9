"""Small files of this process that a power cut never leaves half written.

A file is written beside its place, synced, renamed over it or linked to it, and the folder
synced: at every moment its place holds the old content, the new, or nothing. It knows nothing of
what is in them. The gateway has a twin of this: the two processes share no code.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

OWNER_ONLY = 0o600
"""Mode of everything written here, from the moment it exists: it may hold secrets."""


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path`, or raise OSError and leave what was there. Blocks."""
    with _written_beside(path, content) as temporary:
        os.replace(temporary, path)


def create(path: Path, content: bytes) -> None:
    """Put `content` at `path` unless something is there already: raises FileExistsError. Blocks.

    Of several who try at once exactly one succeeds, and the others find a whole file.
    """
    with _written_beside(path, content) as temporary:
        os.link(temporary, path)


@contextlib.contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        yield temporary
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable: it lives in the folder, not in the file."""
    if os.name == "nt":  # There a folder cannot be opened; the rename is as durable as it gets.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
