"""The archive format of an initramfs ("newc" cpio), written.

Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from collections.abc import Sequence
from dataclasses import dataclass

FOLDER_MODE = 0o040755
FILE_MODE = 0o100644
PROGRAM_MODE = 0o100755

END = "TRAILER!!!"
"""Name of the entry that ends an archive."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One folder or file; `name` has no slash in front."""

    name: str
    mode: int
    data: bytes = b""


def archive(entries: Sequence[Entry]) -> bytes:
    """All entries, in order; folders must come before what lies in them."""
    parts = [_entry(number, entry) for number, entry in enumerate(entries, 1)]
    parts.append(_entry(0, Entry(END, 0)))
    return b"".join(parts)


def _entry(number: int, entry: Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    numbers = (
        number,  # inode
        entry.mode,
        0,  # owner
        0,  # group
        1,  # links
        0,  # time of change
        len(entry.data),
        0,  # device, major and minor
        0,
        0,  # device it stands for, major and minor
        0,
        len(name),
        0,  # checksum, not used by this variant
    )
    header = b"070701" + "".join(f"{value:08X}" for value in numbers).encode()
    return _padded(header + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
