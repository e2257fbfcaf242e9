"""The audit log on disk: two rings of files with one JSON object a line, for the owner's eyes.

DATA/audit/changes.jsonl holds what was done, refused.jsonl what was turned away: two, so that
somebody who is refused a thousand times wipes out no trace of what was done. The newest file of a
ring has no number; a full one becomes .1, that one .2, and the last goes. Rules:

- A line is written whole or cut away again: what a power cut left torn ends with the next entry's
  line break and is passed over when read.
- Changes are synced to disk, refusals not: nobody may wear a card out by being refused.
- Numbers count up over restarts, so that what is missing can be seen.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from server import durable_file
from server.errors import SettingsError
from server.model.audit import MAX_AUDIT_PAGE, AuditEntry, AuditRange, Door
from server.model.reading import ClockQuality

AUDIT_FOLDER = "audit"
CHANGES_FILE = "changes.jsonl"
REFUSED_FILE = "refused.jsonl"

MAX_AUDIT_FILE_BYTES = 256 * 1024
"""One file of a ring: about a thousand entries."""
MAX_CHANGES_FILES = 4
"""Files of changes: years of a home."""
MAX_REFUSED_FILES = 2
"""Files of refusals."""
MAX_LINE_BYTES = 8 * 1024
"""One entry; a longer one leaves out what was changed, and keeps who changed it."""


class AuditLog:
    """`ports.AuditKeeper`; used on the lane of files alone."""

    def __init__(self, data: Path) -> None:
        """Reads nothing yet."""
        folder = data / AUDIT_FOLDER
        self._changes = Ring(folder / CHANGES_FILE, MAX_CHANGES_FILES, synced=True)
        self._refused = Ring(folder / REFUSED_FILE, MAX_REFUSED_FILES, synced=False)

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Put them on disk; raises SettingsError, then none of a ring's is."""
        done = [each for each in entries if not each.refused]
        refused = [each for each in entries if each.refused]
        self._attempt(lambda: self._refused.append(refused) if refused else None)
        self._attempt(lambda: self._changes.append(done) if done else None)

    def page(self, wanted: AuditRange) -> tuple[AuditEntry, ...]:
        """The newest first. Raises SettingsError."""
        ring = self._refused if wanted.refused else self._changes
        found: list[AuditEntry] = []

        def read() -> None:
            for entry in ring.newest_first():
                if wanted.before and entry.number >= wanted.before:
                    continue
                found.append(entry)
                if len(found) >= min(wanted.limit, MAX_AUDIT_PAGE):
                    break

        self._attempt(read)
        return tuple(found)

    def export(self) -> bytes:
        """All lines of both rings, the oldest first. Raises SettingsError."""
        parts: list[bytes] = []
        self._attempt(lambda: parts.extend((self._changes.content(), self._refused.content())))
        return b"".join(parts)

    def _attempt(self, what: Callable[[], None]) -> None:
        try:
            what()
        except OSError as error:
            raise SettingsError(
                f"the audit log in {self._changes.path.parent} cannot be used"
                f" ({error.strerror or error}): check the disk"
            ) from error


class Ring:
    """Some files of one log, the newest of them growing. Every method raises OSError."""

    def __init__(self, path: Path, files: int, synced: bool) -> None:
        self.path = path
        self._files = files
        self._synced = synced
        self._number: int | None = None

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Number them and write them, all or none."""
        if self._number is None:
            self._number = next((each.number for each in self.newest_first()), 0)
        number = self._number
        lines: list[bytes] = []
        for entry in entries:
            number += 1
            lines.append(_line(replace(entry, number=number)))
        content = b"".join(lines)
        if self._size() + len(content) > MAX_AUDIT_FILE_BYTES and self._size():
            self._rotate()
        self._write(content)
        self._number = number

    def newest_first(self) -> Iterator[AuditEntry]:
        """Every entry that can be read."""
        for number in range(self._files):
            for line in reversed(self._read(number).split(b"\n")):
                entry = _entry(line)
                if entry is not None:
                    yield entry

    def content(self) -> bytes:
        """Every line that can be read, the oldest first."""
        lines: list[bytes] = []
        for number in reversed(range(self._files)):
            lines += [each for each in self._read(number).split(b"\n") if _entry(each) is not None]
        return b"".join(each + b"\n" for each in lines)

    def _write(self, content: bytes) -> None:
        durable_file.make_folder(self.path.parent)
        is_new = not self.path.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        handle = os.open(self.path, flags, durable_file.OWNER_ONLY)
        try:
            size = os.fstat(handle).st_size
            torn = size and os.pread(handle, 1, size - 1) != b"\n"
            try:
                _write_all(handle, b"\n" + content if torn else content)
            except OSError:
                os.ftruncate(handle, size)  # Half a line would only be in the way.
                raise
            if self._synced:
                os.fsync(handle)
        finally:
            os.close(handle)
        if is_new and self._synced:
            durable_file.sync_folder(self.path.parent)

    def _rotate(self) -> None:
        for number in reversed(range(1, self._files)):
            with contextlib.suppress(FileNotFoundError):
                os.replace(self._place(number - 1), self._place(number))
        durable_file.sync_folder(self.path.parent)

    def _place(self, number: int) -> Path:
        return self.path if number == 0 else self.path.with_name(f"{self.path.name}.{number}")

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _read(self, number: int) -> bytes:
        try:
            with self._place(number).open("rb") as file:
                return file.read(MAX_AUDIT_FILE_BYTES + MAX_LINE_BYTES)
        except FileNotFoundError:
            return b""


def _write_all(handle: int, content: bytes) -> None:
    """A full disk takes the first bytes and refuses the rest only at the next call."""
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def _line(entry: AuditEntry) -> bytes:
    told = {key: value for key, value in asdict(entry).items() if value not in ((), 0, "")}
    line = json.dumps({"number": entry.number, **told}).encode("ascii")
    if len(line) >= MAX_LINE_BYTES and entry.about:
        return _line(replace(entry, about=()))
    return line + b"\n"


def _entry(line: bytes) -> AuditEntry | None:
    """None for what is no entry: torn, or written by a version that knows more."""
    if not line or len(line) > MAX_LINE_BYTES:
        return None
    try:
        told: dict[str, Any] = json.loads(line)
        return AuditEntry(
            at_ms=int(told.get("at_ms", 0)),
            clock=ClockQuality(told["clock"]),
            who=str(told.get("who", "")),
            source=str(told.get("source", "")),
            door=Door(told["door"]),
            method=str(told.get("method", "")),
            path=str(told.get("path", "")),
            status=int(told.get("status", 0)),
            about=_texts(told.get("about", ())),
            more=int(told.get("more", 0)),
            number=int(told["number"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _texts(found: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(each) for each in found)
