"""Small files survive power cuts, and broken ones are kept within bounds."""

import os
import stat
from pathlib import Path

import pytest

from server import durable_file


class PowerCut(BaseException):
    """The process ends here; nothing of it catches this."""


def cut_power(*_: object) -> None:
    """Stands in for a system call that is never reached."""
    raise PowerCut


def test_writes_a_file_of_the_owners_alone(tmp_path: Path) -> None:
    """The content is there, and nobody else may read it, whatever the umask."""
    before = os.umask(0)
    try:
        durable_file.write(tmp_path / "new" / "file", b"content")
    finally:
        os.umask(before)

    path = tmp_path / "new" / "file"
    assert (b"content", 0o600) == (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    assert ["file"] == [each.name for each in path.parent.iterdir()]


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_cut_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Whenever the power goes, the place holds the old content, and the next write works."""
    path = tmp_path / "file"
    durable_file.write(path, b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, call, cut_power)
        with pytest.raises(PowerCut):
            durable_file.write(path, b"new")
    after_cut = path.read_bytes()

    durable_file.write(path, b"newer")

    assert (b"old", b"newer") == (after_cut, path.read_bytes())
    assert ["file"] == [each.name for each in tmp_path.iterdir()]


def test_content_and_folder_are_synced_around_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content is on disk before it gets the name, and the name before `write` returns."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "content")
        fsync(handle)

    def noted_replace(old: Path, new: Path) -> None:
        steps.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)

    durable_file.write(tmp_path / "file", b"content")

    assert ["content", "rename", "folder"] == steps


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    """Where a folder is in the way the error is told and nothing is left lying about."""
    (tmp_path / "file").mkdir()

    with pytest.raises(OSError, match="directory"):
        durable_file.write(tmp_path / "file", b"content")

    assert ["file"] == [each.name for each in tmp_path.iterdir()]


def test_a_leftover_is_not_reused(tmp_path: Path) -> None:
    """A temporary file of an earlier crash, open to others, does not lend its mode."""
    leftover = tmp_path / ("file" + durable_file.TEMPORARY_SUFFIX)
    leftover.write_bytes(b"half")
    leftover.chmod(0o666)

    durable_file.write(tmp_path / "file", b"content")

    assert 0o600 == stat.S_IMODE((tmp_path / "file").stat().st_mode)


def test_set_aside_keeps_the_newest(tmp_path: Path) -> None:
    """Broken files are numbered on; beyond `keep` the oldest goes."""
    path = tmp_path / "file"
    for number in range(1, 5):
        path.write_text(str(number))
        durable_file.set_aside(path, keep=2)

    kept = {each.name: each.read_text() for each in durable_file.asides(path)}

    assert {"file.broken-3": "3", "file.broken-4": "4"} == kept
    assert not path.exists()


def test_asides_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """10 comes after 9, and what only looks alike is none."""
    for name in ("file.broken-10", "file.broken-9", "file.broken-x", "other.broken-1"):
        (tmp_path / name).touch()

    names = [each.name for each in durable_file.asides(tmp_path / "file")]

    assert ["file.broken-9", "file.broken-10"] == names


def test_the_same_copy_is_kept_once(tmp_path: Path) -> None:
    """A file that stays wrong over many starts does not push out older ones."""
    path = tmp_path / "file"
    first = durable_file.copy_aside(path, b"wrong", keep=3)
    again = durable_file.copy_aside(path, b"wrong", keep=3)
    other = durable_file.copy_aside(path, b"wrong too", keep=3)

    assert ("file.broken-1", "file.broken-1", "file.broken-2") == (
        first.name,
        again.name,
        other.name,
    )
    assert b"wrong" == first.read_bytes()


def test_no_folder_has_no_asides(tmp_path: Path) -> None:
    """A folder that is not there, or is a file, simply holds none."""
    (tmp_path / "plain").touch()

    found = [durable_file.asides(tmp_path / place / "file") for place in ("nowhere", "plain")]

    assert [[], []] == found


def test_folders_are_synced_in_their_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new folder would be gone after a power cut, with everything in it, were it not synced."""
    synced: list[str] = []
    monkeypatch.setattr(durable_file, "sync_folder", lambda folder: synced.append(folder.name))

    durable_file.make_folder(tmp_path / "data" / "store")
    durable_file.make_folder(tmp_path / "data" / "store")

    assert [tmp_path.name, "data"] == synced


def test_a_file_may_be_kept_when_it_is_written_over(tmp_path: Path) -> None:
    """The old one lies beside the new under its own content; where there was none, nothing does."""
    path = tmp_path / "file"

    durable_file.write(path, b"old", keep_old=5)
    durable_file.write(path, b"new", keep_old=5)

    assert {"file": b"new", "file.broken-1": b"old"} == {
        each.name: each.read_bytes() for each in tmp_path.iterdir()
    }


@pytest.mark.parametrize("links", [True, False])
def test_keeping_the_old_file_risks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """When the write fails the old file is in its place, on disks that know no links as well."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    replace = os.replace

    def refused(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    def full(old: Path, new: Path) -> None:
        if old.name.endswith(durable_file.TEMPORARY_SUFFIX):
            raise OSError(28, "No space left on device")
        replace(old, new)

    monkeypatch.setattr(os, "replace", full)
    if not links:
        monkeypatch.setattr(os, "link", refused)

    for _ in range(7):
        with pytest.raises(OSError, match="No space left"):
            durable_file.write(path, b"new", keep_old=5)

    assert b"old" == path.read_bytes()
    assert {b"old"} == {each.read_bytes() for each in tmp_path.iterdir()}
    assert 2 >= len(list(tmp_path.iterdir()))
