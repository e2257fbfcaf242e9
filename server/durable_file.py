"""Small files that a power cut never leaves half written, and broken ones set aside.

A file is written beside its place, synced, renamed over it, and the folder synced: at every
moment its place holds the old content or the new, whole. It knows nothing of what is in them.
The only writer of small files in `server/`: the settings and the key.
"""

import contextlib
import os
from pathlib import Path

OWNER_ONLY = 0o600
"""Mode of everything written here, from the moment it exists: it may hold secrets."""

TEMPORARY_SUFFIX = ".tmp"


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each synced in its parent; raises OSError.

    A folder that is not synced in its parent is gone after a power cut, with everything in it.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def write(path: Path, content: bytes, *, keep_old: int = 0) -> None:
    """Put `content` at `path`, durably, or raise OSError and leave what was there.

    With `keep_old` what was there is set aside, unread, as `set_aside` does.
    """
    make_folder(path.parent)
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    # A leftover of a crash may have another owner or mode; it is made anew, never reused.
    temporary.unlink(missing_ok=True)
    try:
        _write_synced(temporary, content)
        if keep_old and path.exists():
            _exchange(temporary, path, keep_old)
        else:
            os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def _exchange(temporary: Path, path: Path, keep: int) -> None:
    """Rename over `path` and keep the old file, which has its place until the new one has it."""
    kept = asides(path)
    if kept and kept[-1].exists() and kept[-1].samefile(path):
        os.replace(temporary, path)  # Set aside by an attempt that then failed.
        return
    aside = _next_aside(path, keep)
    try:
        os.link(path, aside, follow_symlinks=False)
    except OSError:
        # No links on this disk, none to another's file, or a folder: moved, and back on failure.
        os.replace(path, aside)
        try:
            os.replace(temporary, path)
        except OSError:
            os.replace(aside, path)
            raise
        return
    os.replace(temporary, path)


def set_aside(path: Path, keep: int) -> Path:
    """Rename a broken file to `<name>.broken-<n>` and return that; only the newest `keep` stay."""
    aside = _next_aside(path, keep)
    os.replace(path, aside)
    sync_folder(path.parent)
    return aside


def copy_aside(path: Path, content: bytes, keep: int) -> Path:
    """As `set_aside`, but the file stays; the same content twice in a row is kept once."""
    kept = asides(path)
    if kept and _same_content(kept[-1], content):
        return kept[-1]
    aside = _next_aside(path, keep)
    write(aside, content)
    return aside


def asides(path: Path) -> list[Path]:
    """The files set aside for `path`, oldest first."""
    prefix = f"{path.name}.broken-"
    try:
        names = [each.name for each in path.parent.iterdir() if each.name.startswith(prefix)]
    except OSError:
        return []
    numbers = sorted(int(end) for name in names if (end := name[len(prefix) :]).isdecimal())
    return [path.with_name(f"{prefix}{number}") for number in numbers]


def _next_aside(path: Path, keep: int) -> Path:
    kept = asides(path)
    for old in kept[: max(0, len(kept) - keep + 1)]:
        with contextlib.suppress(OSError):  # Room is wanted, not owed: a stuck one stays.
            old.unlink()
    number = int(kept[-1].name.rpartition("-")[2]) + 1 if kept else 1
    return path.with_name(f"{path.name}.broken-{number}")


def _same_content(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _write_synced(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """Make a rename durable: it lives in the folder, not in the file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
