"""A `Disk` behind a real mount point, as a process of its own: `python -m system_test.power.mount`.

Owns the translation from FUSE to `Disk` and the moment of the cut. It is a process of its own
because a program that serves the file system it also uses can wait for itself for ever.

The rules that keep the picture honest:

- No write-back cache: the kernel passes every write on at once, so that what was written but not
  synced is volatile here and nowhere else. (Memory-mapped pages arrive when the kernel likes;
  SQLite maps its `-shm` file only, which never needs to survive.)
- No `direct_io`, because shared memory mapping needs the kernel's page cache; locks are the
  kernel's own, since one machine uses the mount.
- The cut falls between two operations. From then on every operation answers EIO, so that nothing
  that happens after the cut can be taken for something that happened before it. What the disk
  lost is settled once it has been unmounted.

Commands come as JSON lines on standard input, answers go to standard output:
`{"do": "mount"}` -> `{"mounted": true}`, later `{"unmounted": true}`;
`{"do": "cut", "mode": "drop" | "tear", "seed": 1, "after": 0}` -> `{"cut": true}`, at once, or
before the `after`-th operation that changes or syncs something. The end of standard input
unmounts and ends the process.
"""

import errno
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Iterator
from random import Random
from typing import Any

from mfusepy import FUSE  # type: ignore[import-untyped]  # it ships no type marker

from system_test.power.disk import PAGE_BYTES, Cut, Disk, File, Folder, Node, Resize, Write
from system_test.power.mount_point import unmount

CAPACITY_BYTES = 16 * 1024**3
"""What statvfs reports: room enough that no limit of free space is met by accident."""

NAME_MAX = 255
"""The longest file name, as everywhere on Linux."""

FALLOC_KEEP_SIZE = 1
"""The flag of fallocate(2) that reserves without growing; nothing to do here."""


class Power:
    """Whether there is power: asked before each operation, counted down by each change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes_left: int | None = None
        self.on = True

    def restore(self) -> None:
        """Power on, no cut planned."""
        with self._lock:
            self._changes_left = None
            self.on = True

    def cut(self, after: int) -> None:
        """Cut now (0), or just before the `after`-th change from now."""
        with self._lock:
            if after == 0:
                self.on = False
            else:
                self._changes_left = after

    def use(self, change: bool) -> None:
        """Go ahead with an operation; raises OSError EIO when there is no power."""
        with self._lock:
            if change and self._changes_left is not None:
                self._changes_left -= 1
                self.on = self.on and self._changes_left > 0
            if not self.on:
                raise OSError(errno.EIO, os.strerror(errno.EIO))


class Operations:
    """The file operations by the names that the FUSE binding looks for.

    Everything runs on the one thread of the FUSE loop, so the disk needs no lock.
    """

    use_ns = True

    def __init__(self, disk: Disk, power: Power) -> None:
        self._disk = disk
        self._power = power
        self._stamp = 1

    # Names of arguments follow the binding.

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, int]:
        """Attributes; the times are a counter that rises with each change."""
        self._power.use(change=False)
        node: Node
        if path is None:
            assert fh is not None, "a node without a path has a handle"
            node = self._disk.file(fh)
        else:
            node = self._disk.find(path)
        return _attributes(node)

    def readdir(self, path: str, fh: int) -> Iterator[tuple[str, dict[str, int], int]]:
        """The names in a folder, with their numbers: a number of 0 would hide them."""
        self._power.use(change=False)
        folder = self._disk.folder(path)
        numbers = {".": folder.number, "..": folder.number, **folder.names}
        return iter([(name, {"st_ino": number}, 0) for name, number in numbers.items()])

    def statfs(self, path: str) -> dict[str, int]:
        """A large disk, nearly empty."""
        self._power.use(change=False)
        blocks = CAPACITY_BYTES // PAGE_BYTES
        free = blocks - self._disk.used_bytes() // PAGE_BYTES
        return {
            "f_bsize": PAGE_BYTES,
            "f_frsize": PAGE_BYTES,
            "f_blocks": blocks,
            "f_bfree": free,
            "f_bavail": free,
            "f_namemax": NAME_MAX,
        }

    def create(self, path: str, mode: int, flags: int) -> int:
        """A new file; the handle is the number of its node, so that it outlives its name."""
        self._power.use(change=True)
        return self._disk.create_file(path, mode).number

    def open(self, path: str, flags: int) -> int:
        """An existing file, emptied if asked to."""
        self._power.use(change=bool(flags & os.O_TRUNC))
        node = self._disk.find(path)
        if isinstance(node, Folder):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if flags & os.O_TRUNC:
            self._change(node, Resize(0))
        return node.number

    def read(self, path: str | None, size: int, offset: int, fh: int) -> bytes:
        """Bytes as programs see them."""
        self._power.use(change=False)
        return bytes(self._disk.file(fh).data[offset : offset + size])

    def write(self, path: str | None, data: bytes, offset: int, fh: int) -> int:
        """Bytes written, volatile for now."""
        self._power.use(change=True)
        self._change(self._disk.file(fh), Write(offset, data))
        return len(data)

    def truncate(self, path: str | None, length: int, fh: int | None = None) -> int:
        """A size set, volatile for now."""
        self._power.use(change=True)
        node = self._disk.file(fh) if fh is not None else self._disk.find(path or "")
        if not isinstance(node, File):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        self._change(node, Resize(length))
        return 0

    def fallocate(self, path: str | None, mode: int, offset: int, length: int, fh: int) -> int:
        """Room reserved: grows the file like truncate does; holes are not supported."""
        self._power.use(change=True)
        if mode & ~FALLOC_KEEP_SIZE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        node = self._disk.file(fh)
        if mode == 0 and offset + length > len(node.data):
            self._change(node, Resize(offset + length))
        return 0

    def fsync(self, path: str | None, datasync: int, fh: int) -> int:
        """Data and size become durable."""
        self._power.use(change=True)
        self._disk.file(fh).sync()
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        """The names of the folder become durable."""
        self._power.use(change=True)
        self._disk.sync_folder(path)
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        """A new folder under a volatile name."""
        self._power.use(change=True)
        self._disk.create_folder(path, mode)
        return 0

    def unlink(self, path: str) -> int:
        """A name taken away, volatile for now."""
        self._power.use(change=True)
        self._disk.remove(path)
        return 0

    rmdir = unlink

    def rename(self, old: str, new: str) -> int:
        """A name moved, volatile for now."""
        self._power.use(change=True)
        self._disk.rename(old, new)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        """Rights; durable at once, as no promise of the gateway hangs on them alone."""
        self._power.use(change=False)
        node = self._disk.find(path)
        node.mode = (node.mode & ~0o7777) | (mode & 0o7777)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        """An owner; durable at once, as rights are."""
        self._power.use(change=False)
        node = self._disk.find(path)
        node.owner = (node.owner[0] if uid < 0 else uid, node.owner[1] if gid < 0 else gid)
        return 0

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        """Times are ignored: this disk has none."""
        self._power.use(change=False)
        return 0

    def _change(self, node: File, change: Write | Resize) -> None:
        node.change(change)
        self._stamp += 1
        node.stamp = self._stamp


def _attributes(node: Node) -> dict[str, int]:
    size = len(node.data) if isinstance(node, File) else PAGE_BYTES
    return {
        "st_ino": node.number,
        "st_mode": node.mode,
        "st_nlink": 1 if isinstance(node, File) else 2,
        "st_uid": node.owner[0],
        "st_gid": node.owner[1],
        "st_size": size,
        "st_blocks": -(-size // 512),
        "st_mtime": node.stamp * 1_000_000_000,
        "st_ctime": node.stamp * 1_000_000_000,
        "st_atime": node.stamp * 1_000_000_000,
    }


class Server:
    """The process: mounts when told to, cuts when told to, and settles each cut."""

    def __init__(self, mount_point: str) -> None:
        self._mount_point = mount_point
        self._disk = Disk()
        self._power = Power()
        self._cut: tuple[Cut, int] | None = None
        self._mounts: queue.Queue[bool] = queue.Queue(maxsize=4)

    def run(self) -> None:
        """Serve one mount after the other until standard input ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        while self._mounts.get():
            self._power.restore()
            FUSE(
                Operations(self._disk, self._power),
                self._mount_point,
                foreground=True,
                nothreads=True,
                fsname="power",
                use_ino=True,
                hard_remove=True,
            )
            answer({"unmounted": True, "lost": self._settle()})

    def _settle(self) -> dict[str, int] | None:
        if self._cut is None:
            return None
        mode, seed = self._cut
        self._cut = None
        loss = self._disk.cut(mode, Random(seed))
        return {"files": loss.files, "changes": loss.changes, "names": loss.names}

    def _listen(self) -> None:
        for line in sys.stdin:
            self._obey(json.loads(line))
        self._mounts.put(False)
        unmount(self._mount_point)

    def _obey(self, command: dict[str, Any]) -> None:
        if command["do"] == "mount":
            self._mounts.put(True)
            return
        self._cut = (Cut(command["mode"]), int(command["seed"]))
        self._power.cut(int(command["after"]))
        answer({"cut": True})


def answer(value: dict[str, Any]) -> None:
    """One line to whoever runs this process."""
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    logging.getLogger("fuse").setLevel(logging.WARNING)
    Server(sys.argv[1]).run()
