"""Parts are built once, whole or not at all, and old ones go."""

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from virtual_radio.guest.cache import MAX_KEPT, UNFINISHED, Build, Cache

WAIT_S = 10.0


def writing(text: str) -> Build:
    """A build that leaves one file."""

    def build(folder: Path) -> None:
        (folder / "made").write_text(text)

    return build


def refusing(folder: Path) -> None:
    """A build that must not run."""
    raise AssertionError(f"built again in {folder}")


def silent(line: str) -> None:
    """Nobody listens."""


def test_a_part_is_made_once(tmp_path: Path) -> None:
    """The second asker gets what the first one made."""
    cache = Cache(tmp_path, silent)
    made = cache.get("tree", "k", writing("first"))

    again = cache.get("tree", "k", refusing)

    assert (made, "first") == (again, (again / "made").read_text())


def test_a_build_that_fails_leaves_nothing_to_be_found(tmp_path: Path) -> None:
    """What is under a key is whole."""

    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise OSError("the line broke")

    cache = Cache(tmp_path, silent)
    with pytest.raises(OSError, match="the line broke"):
        cache.get("tree", "k", fail)

    assert (None, []) == (cache.find("tree", "k"), list(tmp_path.glob(f"{UNFINISHED}*")))


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """A process that died in the middle costs no disk for ever."""
    (tmp_path / f"{UNFINISHED}tree-dead").mkdir()

    Cache(tmp_path, silent).get("tree", "k", writing(""))

    assert [] == list(tmp_path.glob(f"{UNFINISHED}*"))


def test_two_at_once_build_once(tmp_path: Path) -> None:
    """The second process says that it waits, and takes what the first one made."""
    begun, finish, said = threading.Event(), threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        begun.set()
        assert finish.wait(WAIT_S)

    def say(line: str) -> None:
        said.set()

    places: list[Path] = []

    def get(build: Build, report: Callable[[str], None]) -> None:
        places.append(Cache(tmp_path, report).get("tree", "k", build))

    first = threading.Thread(target=get, args=(slow, silent))
    first.start()
    assert begun.wait(WAIT_S)
    second = threading.Thread(target=get, args=(refusing, say))
    second.start()
    assert said.wait(WAIT_S)
    finish.set()
    first.join(WAIT_S)
    second.join(WAIT_S)

    assert 2 == len(places) and places[0] == places[1]


def test_the_lock_is_free_after_a_failure(tmp_path: Path) -> None:
    """The next process need not wait for one that gave up."""

    def fail(folder: Path) -> None:
        raise OSError("no")

    with pytest.raises(OSError):
        Cache(tmp_path, silent).get("tree", "k", fail)

    with (tmp_path / ".tree.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_no_more_than_max_kept_of_a_part_stay(tmp_path: Path) -> None:
    """The ones that were used last stay; other parts are not touched."""
    cache = Cache(tmp_path, silent)
    cache.get("site", "other", writing(""))
    for number in range(MAX_KEPT):
        os.utime(cache.get("tree", f"k{number}", writing("")), (number, number))
    cache.get("tree", "k0", refusing)

    cache.get("tree", "new", writing(""))

    assert ["site-other", "tree-k0", "tree-new"] == sorted(
        path.name for path in tmp_path.iterdir() if path.is_dir()
    )
