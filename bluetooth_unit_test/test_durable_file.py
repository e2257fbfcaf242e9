"""Small files, whole or not there."""

import os
import stat
from pathlib import Path

import pytest

from bluetooth import durable_file


def test_content_is_put_in_place_and_replaced(tmp_path: Path) -> None:
    """A file is made with its folder, and written anew as a whole, for its owner alone."""
    path = tmp_path / "data" / "door"
    durable_file.replace(path, b"first")
    durable_file.replace(path, b"second")

    assert b"second" == path.read_bytes()
    assert durable_file.OWNER_ONLY == stat.S_IMODE(path.stat().st_mode)
    assert ["door"] == os.listdir(path.parent)


def test_what_is_there_is_not_overwritten_by_create(tmp_path: Path) -> None:
    """The first one stays."""
    path = tmp_path / "label"
    durable_file.create(path, b"first")

    with pytest.raises(FileExistsError):
        durable_file.create(path, b"second")
    assert b"first" == path.read_bytes()
    assert ["label"] == os.listdir(tmp_path)


def test_a_failure_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk refuses, what was there stays, and nothing else."""
    path = tmp_path / "door"
    durable_file.replace(path, b"first")

    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)

    with pytest.raises(OSError, match="No space"):
        durable_file.replace(path, b"second")
    assert b"first" == path.read_bytes()
    assert ["door"] == os.listdir(tmp_path)
