"""What the door remembers."""

import json
from pathlib import Path

import pytest

from bluetooth import memory
from bluetooth.door import Policy
from bluetooth.memory import MAX_MEMORY_BYTES, MEMORY_FILE, Memory


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """Policy and name survive a new start."""
    kept = Memory(Policy(False, False, 60.0), "Egret 00A1B2")
    memory.save(tmp_path / "data", kept)

    assert kept == memory.load(tmp_path / "data")


def test_a_first_start_remembers_nothing(tmp_path: Path) -> None:
    """Nobody knows yet whether it was configured."""
    assert Memory() == memory.load(tmp_path)
    memory.save(tmp_path, Memory(None, "Egret 1"))
    assert Memory(None, "Egret 1") == memory.load(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "\xff", "x" * (MAX_MEMORY_BYTES + 9)])
def test_a_broken_memory_counts_as_a_configured_box(tmp_path: Path, content: str) -> None:
    """The careful answer: it stays closed until the gateway speaks."""
    (tmp_path / MEMORY_FILE).write_text(content, encoding="latin-1")

    assert Memory(Policy(configured=True)) == memory.load(tmp_path)


@pytest.mark.parametrize(
    "found",
    [
        {"configured": 1, "legacy_apps": True, "window_s": 60},
        {"configured": True, "legacy_apps": "yes", "window_s": 60},
        {"configured": True, "legacy_apps": True},
        {"configured": True, "legacy_apps": True, "window_s": True},
    ],
)
def test_half_a_policy_is_none(found: dict[str, object]) -> None:
    """Each field has its type."""
    assert memory.policy_of(found) is None


def test_a_window_from_outside_has_bounds(tmp_path: Path) -> None:
    """And so has a name."""
    found = {"configured": True, "legacy_apps": True, "window_s": 1e12, "name": "x" * 100}
    (tmp_path / MEMORY_FILE).write_text(json.dumps(found), encoding="utf-8")

    assert Memory(Policy(window_s=3600.0)) == memory.load(tmp_path)


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """The next start asks again."""
    (tmp_path / "data").write_text("a file", encoding="utf-8")

    memory.save(tmp_path / "data", Memory())
