"""One gateway a data folder."""

from pathlib import Path

import pytest

from server.errors import SettingsError
from server.host import instance


def test_a_folder_is_made_and_held(tmp_path: Path) -> None:
    """The first gateway gets it, also where there was none yet."""
    with instance.lock(tmp_path / "new" / "data"):
        names = [each.name for each in (tmp_path / "new" / "data").iterdir()]

    assert [instance.LOCK_FILE] == names


def test_a_second_gateway_is_refused(tmp_path: Path) -> None:
    """The error says what to do."""
    with instance.lock(tmp_path):
        with pytest.raises(SettingsError, match="another gateway is using .*: stop it, or use"):
            instance.lock(tmp_path)


def test_a_folder_given_back_can_be_held_again(tmp_path: Path) -> None:
    """However the first ended, its lock goes with it; the file may stay."""
    instance.lock(tmp_path).close()

    again = instance.lock(tmp_path)

    assert not again.closed
    again.close()


def test_a_folder_that_cannot_be_one_is_said(tmp_path: Path) -> None:
    """A file in its place is no folder."""
    (tmp_path / "data").touch()

    with pytest.raises(SettingsError, match="cannot be used .*: choose another with --data"):
        instance.lock(tmp_path / "data")
