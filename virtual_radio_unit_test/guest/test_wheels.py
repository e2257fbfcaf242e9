"""The guest's own Python decides which packages fit."""

from pathlib import Path

import pytest

from virtual_radio.guest.commands import GuestUnavailable
from virtual_radio.guest.wheels import python_version


def test_the_version_is_that_of_the_tree(tmp_path: Path) -> None:
    """Not that of the Python which runs the test."""
    binaries = tmp_path / "usr/bin"
    binaries.mkdir(parents=True)
    for name in ("python3", "python3.13", "python3.13-config"):
        (binaries / name).touch()

    assert "3.13" == python_version(tmp_path)


def test_a_tree_without_python_is_told_apart(tmp_path: Path) -> None:
    """It was not made whole."""
    with pytest.raises(GuestUnavailable, match="no Python 3"):
        python_version(tmp_path)
