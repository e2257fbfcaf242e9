"""Putting files into the data folder: the old ones or the new ones, whatever happens."""

import os
from pathlib import Path

import pytest

from server.errors import SettingsError
from server.host import restoring
from server.host.restoring import ASIDE, MAX_ASIDES, NOTE, STAGING

NAMES = ["key.pem", "settings.json", "store/readings.sqlite3"]


def lay_out(data: Path) -> None:
    """A gateway's folder with old files, and new ones gathered."""
    (data / "store").mkdir(parents=True)
    for name in (*NAMES, "store/readings.sqlite3-wal"):
        (data / name).write_text(f"old {name}")
    staging = restoring.gather(data)
    (staging / "store").mkdir()
    for name in NAMES:
        (staging / name).write_text(f"new {name}")


def seen(data: Path) -> set[str]:
    """old, new, or a mixture; nothing else may lie where the gateway looks."""
    return {(data / name).read_text().split()[0] for name in NAMES if (data / name).exists()}


def test_new_files_take_the_place_of_old_ones(tmp_path: Path) -> None:
    """The old ones are set aside, the write-ahead log of the old database with them."""
    lay_out(tmp_path)

    aside = restoring.commit(tmp_path, NAMES)

    assert {"new"} == seen(tmp_path)
    assert not (tmp_path / "store/readings.sqlite3-wal").exists()
    assert "old store/readings.sqlite3-wal" == (aside / "store/readings.sqlite3-wal").read_text()
    assert {"old"} == seen(aside)
    assert not (tmp_path / STAGING).exists() and not (tmp_path / NOTE).exists()


def test_a_cut_at_any_rename_leaves_old_or_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the note all is old; after it the next start finishes, wherever it was cut."""
    renames = os.replace
    for cut in range(1, 20):
        data = tmp_path / str(cut)
        lay_out(data)
        left = [cut]

        def rename(old: Path, new: Path, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise OSError("power cut")
            renames(old, new)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", rename)
            try:
                restoring.commit(data, NAMES)
            except OSError:
                pass
        noted = (data / NOTE).exists() or left[0] > 0
        restoring.finish(data)

        assert {"new" if noted else "old"} == seen(data)
        if left[0] > 0:
            return
    raise AssertionError("never ran to its end")


def test_without_a_note_nothing_is_done(tmp_path: Path) -> None:
    """What was only gathered does not count."""
    lay_out(tmp_path)

    assert restoring.finish(tmp_path) is False

    assert {"old"} == seen(tmp_path)


def test_gathering_begins_anew(tmp_path: Path) -> None:
    """What an earlier attempt left is no part of this one."""
    lay_out(tmp_path)

    assert [] == list(restoring.gather(tmp_path).iterdir())


@pytest.mark.parametrize("note", ["", "{", "[]", "5", '{"names": []}'])
def test_a_broken_note_is_said(note: str, tmp_path: Path) -> None:
    """It names the file; nothing is guessed."""
    (tmp_path / NOTE).write_text(note)

    with pytest.raises(SettingsError, match="remove it and restore again"):
        restoring.finish(tmp_path)
    with pytest.raises(SettingsError, match="has not been finished"):
        restoring.gather(tmp_path)


def test_old_sets_are_never_deleted(tmp_path: Path) -> None:
    """MAX_ASIDES of them, then the owner is asked."""
    for number in range(1, MAX_ASIDES + 1):
        (tmp_path / f"{ASIDE}{number}").mkdir()
    lay_out(tmp_path)

    with pytest.raises(SettingsError, match="remove those that you do not need"):
        restoring.commit(tmp_path, NAMES)

    assert {"old"} == seen(tmp_path)


def test_what_is_gathered_is_on_the_disk_before_the_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not synced in its folder is gone after a power cut, and the note would count
    it as put in its place already."""
    lay_out(tmp_path)
    synced, sync = [], os.fsync

    def noted(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")))
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    restoring.commit(tmp_path, NAMES)

    before = synced[: synced.index(tmp_path / f"{NOTE}.tmp")]
    assert {tmp_path / STAGING, tmp_path / STAGING / "store"} <= set(before)
