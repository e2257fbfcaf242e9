"""The disk forgets exactly what it may forget, no more and no less."""

import errno
from random import Random

import pytest

from system_test.power.disk import PAGE_BYTES, Cut, Disk, Loss, Resize, Write

SEEDS = range(60)


def disk_with_file(content: bytes = b"old") -> tuple[Disk, int]:
    """A disk on which `/file` holds `content`, all durable."""
    disk = Disk()
    file = disk.create_file("/file", 0o600)
    file.change(Write(0, content))
    file.sync()
    disk.sync_folder("/")
    return disk, file.number


def content(disk: Disk, path: str = "/file") -> bytes:
    """What a program reads at `path`."""
    return bytes(disk.file(disk.find(path).number).data)


def test_a_write_is_seen_at_once() -> None:
    """Programs see what was written, synced or not."""
    disk, number = disk_with_file()

    disk.file(number).change(Write(1, b"EW"))

    assert b"oEW" == content(disk)


def test_an_unsynced_write_is_dropped() -> None:
    """A cut takes back what was written after the last sync of the file."""
    disk, number = disk_with_file()
    disk.file(number).change(Write(0, b"new"))

    loss = disk.cut(Cut.DROP, Random(1))

    assert (b"old", Loss(files=1, changes=1, names=0)) == (content(disk), loss)


def test_a_synced_write_survives_every_cut() -> None:
    """What was synced is there after a cut of either mode."""
    for mode in Cut:
        for seed in SEEDS:
            disk, number = disk_with_file()
            disk.file(number).change(Write(0, b"new" * PAGE_BYTES))
            disk.file(number).sync()
            disk.file(number).change(Write(3 * PAGE_BYTES, b"tail"))

            disk.cut(mode, Random(seed))

            assert b"new" * PAGE_BYTES == content(disk)[: 3 * PAGE_BYTES]


def test_an_unsynced_size_is_dropped() -> None:
    """Truncating is volatile too."""
    disk, number = disk_with_file()
    disk.file(number).change(Resize(0))

    disk.cut(Cut.DROP, Random(1))

    assert b"old" == content(disk)


def test_a_torn_file_keeps_pages_out_of_order() -> None:
    """Of two pages written one after the other, each alone may be what survives."""
    outcomes = set()
    for seed in SEEDS:
        disk, number = disk_with_file(b"o" * 2 * PAGE_BYTES)
        disk.file(number).change(Write(0, b"a" * PAGE_BYTES))
        disk.file(number).change(Write(PAGE_BYTES, b"b" * PAGE_BYTES))
        disk.cut(Cut.TEAR, Random(seed))
        outcomes.add((content(disk)[:1], content(disk)[-1:]))

    assert {(first, last) for first in (b"o", b"a") for last in (b"o", b"b")} == outcomes


def test_a_torn_page_is_of_one_moment() -> None:
    """A page written twice is found in one of its three states, never in a mixture."""
    outcomes = set()
    for seed in SEEDS:
        disk, number = disk_with_file(b"o" * PAGE_BYTES)
        disk.file(number).change(Write(0, b"a" * PAGE_BYTES))
        disk.file(number).change(Write(0, b"b" * PAGE_BYTES))
        disk.cut(Cut.TEAR, Random(seed))
        outcomes.add(content(disk))

    assert {letter * PAGE_BYTES for letter in (b"o", b"a", b"b")} == outcomes


def test_a_torn_file_may_grow_without_its_content() -> None:
    """The size may survive while the page does not; the hole reads as zeros."""
    outcomes = set()
    for seed in SEEDS:
        disk, number = disk_with_file(b"o" * PAGE_BYTES)
        disk.file(number).change(Write(PAGE_BYTES, b"a" * PAGE_BYTES))
        disk.cut(Cut.TEAR, Random(seed))
        outcomes.add(content(disk)[PAGE_BYTES:])

    assert {b"", b"\0" * PAGE_BYTES, b"a" * PAGE_BYTES} == outcomes


def test_an_unsynced_name_is_dropped() -> None:
    """A file that was synced goes with its name when the folder was not synced."""
    disk = Disk()
    file = disk.create_file("/new", 0o600)
    file.change(Write(0, b"x"))
    file.sync()

    disk.cut(Cut.DROP, Random(1))

    with pytest.raises(FileNotFoundError):
        disk.find("/new")


def test_an_unsynced_rename_is_taken_back() -> None:
    """Both names are as before."""
    disk, _ = disk_with_file()
    disk.create_file("/new", 0o600)
    disk.sync_folder("/")
    disk.rename("/new", "/file")

    disk.cut(Cut.DROP, Random(1))

    assert [b"old", b""] == [content(disk), content(disk, "/new")]


def test_a_rename_is_never_torn() -> None:
    """After a cut the old name is there or the new one; never both, never none."""
    outcomes = set()
    for seed in SEEDS:
        disk, _ = disk_with_file()
        disk.rename("/file", "/moved")
        disk.cut(Cut.TEAR, Random(seed))
        outcomes.add(tuple(disk.folder("/").names))

    assert {("file",), ("moved",)} == outcomes


def test_an_unlinked_file_comes_back() -> None:
    """Unlinking is volatile until the folder is synced."""
    disk, _ = disk_with_file()
    disk.remove("/file")

    disk.cut(Cut.DROP, Random(1))

    assert b"old" == content(disk)


def test_syncing_a_folder_takes_along_what_it_depends_on() -> None:
    """A move between folders never brings the old name back once the new one is durable."""
    disk = Disk()
    disk.create_folder("/a", 0o700)
    disk.create_folder("/b", 0o700)
    disk.sync_folder("/")
    disk.create_file("/a/one", 0o600)
    disk.rename("/a/one", "/b/one")

    disk.sync_folder("/b")
    disk.sync_folder("/a")
    disk.cut(Cut.DROP, Random(1))

    assert [[], ["one"]] == [list(disk.folder("/a").names), list(disk.folder("/b").names)]


def test_a_cut_is_the_same_for_the_same_seed() -> None:
    """A failing round can be repeated from its seed."""

    def torn() -> bytes:
        disk, number = disk_with_file(b"o" * 9 * PAGE_BYTES)
        for page in range(9):
            disk.file(number).change(Write(page * PAGE_BYTES, b"n" * PAGE_BYTES))
        disk.cut(Cut.TEAR, Random(7))
        return content(disk)

    first, second = torn(), torn()

    assert first == second


def test_a_folder_with_files_is_not_removed() -> None:
    """Like any file system, it refuses to remove what is not empty."""
    disk = Disk()
    disk.create_folder("/a", 0o700)
    disk.create_file("/a/one", 0o600)

    with pytest.raises(OSError) as refusal:
        disk.remove("/a")

    assert errno.ENOTEMPTY == refusal.value.errno


def test_an_existing_name_is_not_created_again() -> None:
    """Creating what exists is refused."""
    disk, _ = disk_with_file()

    with pytest.raises(FileExistsError):
        disk.create_file("/file", 0o600)
