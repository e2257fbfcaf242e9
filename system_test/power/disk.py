"""A disk that forgets: one file tree in two images, what programs see and what would survive.

Owns files, folders and which part of them is durable. Knows nothing of FUSE, processes or time.

The rules, which are those of POSIX and no kinder:

- The data and the size of a file are volatile until `sync_file` of that file.
- A name (create, rename, unlink) is volatile until `sync_folder` of the folder it stands in.
  A file that was synced, in a folder that was not, may be lost with its name.
- A cut drops what is volatile (`Cut.DROP`), or keeps a random part of it (`Cut.TEAR`): every
  4 KiB page of a file as it was at a moment of its own, out of order with all others, the size
  of the file as it was at yet another moment, and the oldest few of the changed names.
  A rename stays whole: the journals of real file systems promise that much.
"""

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

PAGE_BYTES = 4096
"""What a page cache writes back in one piece; within it nothing is torn."""

ROOT = 1
"""The number of the root folder."""


class Cut(StrEnum):
    """What a power cut does to what was never synced."""

    DROP = "drop"
    TEAR = "tear"


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes put at an offset."""

    offset: int
    data: bytes

    def apply(self, image: bytearray) -> None:
        """Put the bytes into `image`; a hole before them reads as zeros."""
        if len(image) < self.offset:
            image.extend(bytes(self.offset - len(image)))
        image[self.offset : self.offset + len(self.data)] = self.data

    def pages(self, size: int) -> range:
        """The pages that it changes in a file of `size` bytes."""
        return _pages(self.offset, self.offset + len(self.data))


@dataclass(frozen=True, slots=True)
class Resize:
    """A size set: truncated, or extended with zeros."""

    size: int

    def apply(self, image: bytearray) -> None:
        """Cut `image`, or extend it."""
        if self.size <= len(image):
            del image[self.size :]
        else:
            image.extend(bytes(self.size - len(image)))

    def pages(self, size: int) -> range:
        """The pages whose content it takes away from a file of `size` bytes."""
        return _pages(self.size, size)


Change = Write | Resize


@dataclass(slots=True)
class File:
    """A file: what is seen, what is durable, and the changes that lie between the two."""

    number: int
    mode: int
    owner: tuple[int, int] = (0, 0)
    stamp: int = 0
    data: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)

    def change(self, change: Change) -> None:
        """Take a change, volatile for now."""
        change.apply(self.data)
        self.pending.append(change)

    def sync(self) -> None:
        """Make data and size durable."""
        for change in self.pending:
            change.apply(self.durable)
        self.pending.clear()

    def lose(self, survivor: bytearray) -> None:
        """Go on with `survivor` as the one and durable content."""
        self.data = bytearray(survivor)
        self.durable = survivor
        self.pending.clear()


@dataclass(slots=True)
class Folder:
    """A folder: names to node numbers, as seen and as durable."""

    number: int
    mode: int
    owner: tuple[int, int] = (0, 0)
    stamp: int = 0
    names: dict[str, int] = field(default_factory=dict)
    durable: dict[str, int] = field(default_factory=dict)


Node = File | Folder


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of one folder set to a node, or removed (None)."""

    folder: int
    name: str
    node: int | None

    def apply(self, names: dict[str, int]) -> None:
        """Set or remove the name in `names`."""
        if self.node is None:
            names.pop(self.name, None)
        else:
            names[self.name] = self.node


Renaming = tuple[Entry, ...]
"""Entries that change together or not at all."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What a cut took: changes of files and of names that had not been synced."""

    files: int
    changes: int
    names: int


class Disk:
    """The whole tree. Paths are split names from the root; errors are OSErrors, as in a kernel."""

    def __init__(self) -> None:
        self._nodes: dict[int, Node] = {ROOT: Folder(ROOT, stat.S_IFDIR | 0o755)}
        self._last_number = ROOT
        self._journal: list[Renaming] = []

    def find(self, path: str) -> Node:
        """The node at `path`; raises FileNotFoundError."""
        node: Node = self._nodes[ROOT]
        for name in _split(path):
            if not isinstance(node, Folder):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            if name not in node.names:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            node = self._nodes[node.names[name]]
        return node

    def file(self, number: int) -> File:
        """The file with this number, whether or not it still has a name."""
        node = self._nodes[number]
        assert isinstance(node, File), "only files are opened"
        return node

    def folder(self, path: str) -> Folder:
        """The folder at `path`; raises NotADirectoryError."""
        node = self.find(path)
        if not isinstance(node, Folder):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return node

    def create_file(self, path: str, mode: int) -> File:
        """A new empty file under a new, volatile name."""
        self._last_number += 1
        node = File(self._last_number, stat.S_IFREG | stat.S_IMODE(mode))
        self._add(path, node)
        return node

    def create_folder(self, path: str, mode: int) -> Folder:
        """A new empty folder under a new, volatile name."""
        self._last_number += 1
        node = Folder(self._last_number, stat.S_IFDIR | stat.S_IMODE(mode))
        self._add(path, node)
        return node

    def remove(self, path: str) -> None:
        """Take a name away; the node stays for those who have it open, and for a cut."""
        node = self.find(path)
        if isinstance(node, Folder) and node.names:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
        folder, name = self._place(path)
        self._rename((Entry(folder.number, name, None),))

    def rename(self, old: str, new: str) -> None:
        """Move a name, replacing what stood under the new one."""
        node = self.find(old)
        source, source_name = self._place(old)
        target, target_name = self._place(new)
        self._rename(
            (
                Entry(source.number, source_name, None),
                Entry(target.number, target_name, node.number),
            )
        )

    def sync_folder(self, path: str) -> None:
        """Make the names of a folder durable, with all that they depend on."""
        touched = {self.folder(path).number}
        synced: list[Renaming] = []
        kept: list[Renaming] = []
        for renaming in reversed(self._journal):
            if touched.isdisjoint(entry.folder for entry in renaming):
                kept.append(renaming)
            else:
                touched.update(entry.folder for entry in renaming)
                synced.append(renaming)
        self._journal = kept[::-1]
        self._settle(reversed(synced))

    def cut(self, mode: Cut, random: Random) -> Loss:
        """Lose what is volatile; what remains is what programs see from now on."""
        keep = random.random() if mode is Cut.TEAR else 0.0
        kept_names = random.randint(0, len(self._journal)) if mode is Cut.TEAR else 0
        torn = [node for node in self._nodes.values() if isinstance(node, File) and node.pending]
        loss = Loss(
            len(torn), sum(len(node.pending) for node in torn), len(self._journal) - kept_names
        )
        for node in torn:
            node.lose(tear(node, keep, random) if mode is Cut.TEAR else node.durable)
        self._settle(self._journal[:kept_names])
        self._journal = []
        self._forget_unreachable()
        return loss

    def used_bytes(self) -> int:
        """What the files hold."""
        return sum(len(node.data) for node in self._nodes.values() if isinstance(node, File))

    def _add(self, path: str, node: Node) -> None:
        folder, name = self._place(path)
        if name in folder.names:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        self._nodes[node.number] = node
        self._rename((Entry(folder.number, name, node.number),))

    def _place(self, path: str) -> tuple[Folder, str]:
        head, name = os.path.split(path)
        return self.folder(head), name

    def _rename(self, renaming: Renaming) -> None:
        for entry in renaming:
            folder = self._nodes[entry.folder]
            assert isinstance(folder, Folder)
            entry.apply(folder.names)
            folder.stamp += 1
        self._journal.append(renaming)

    def _settle(self, renamings: Iterable[Renaming]) -> None:
        for renaming in renamings:
            for entry in renaming:
                folder = self._nodes[entry.folder]
                assert isinstance(folder, Folder)
                entry.apply(folder.durable)

    def _forget_unreachable(self) -> None:
        reachable: dict[int, Node] = {}
        waiting = [ROOT]
        while waiting:
            node = self._nodes[waiting.pop()]
            reachable[node.number] = node
            if isinstance(node, Folder):
                node.names = dict(node.durable)
                waiting.extend(node.durable.values())
        self._nodes = reachable


def tear(file: File, keep: float, random: Random) -> bytearray:
    """What a cut may leave of `file`: each page, and the size, from a moment of its own.

    `keep` is the share of the changed pages that had been written back at all.
    """
    image = bytearray(file.durable)
    sizes = [len(image)]
    versions: dict[int, list[bytes]] = {}
    for change in file.pending:
        pages = change.pages(len(image))
        for page in pages:
            versions.setdefault(page, [_page(image, page)])
        change.apply(image)
        sizes.append(len(image))
        for page in pages:
            versions[page].append(_page(image, page))
    survivor = bytearray(file.durable)
    for page, history in versions.items():
        moment = random.randrange(1, len(history)) if random.random() < keep else 0
        Write(page * PAGE_BYTES, history[moment]).apply(survivor)
    Resize(random.choice(sizes)).apply(survivor)
    return survivor


def _page(image: bytearray, page: int) -> bytes:
    return bytes(image[page * PAGE_BYTES : (page + 1) * PAGE_BYTES]).ljust(PAGE_BYTES, b"\0")


def _pages(first: int, last: int) -> range:
    return range(first // PAGE_BYTES, -(-last // PAGE_BYTES))


def _split(path: str) -> list[str]:
    return [name for name in path.split("/") if name]
