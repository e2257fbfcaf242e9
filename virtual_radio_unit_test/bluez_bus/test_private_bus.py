"""What a private bus says where there can be none."""

from pathlib import Path

import pytest

from virtual_radio.bluez_bus.private_bus import MAX_SOCKET_PATH_BYTES, PrivateBus


def test_a_missing_daemon_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(FileNotFoundError, match="dbus-daemon"), PrivateBus(tmp_path):
        pass


def test_a_socket_needs_a_short_path(tmp_path: Path) -> None:
    """Linux takes 107 bytes; it is said before anything is started."""
    folder = tmp_path / ("x" * MAX_SOCKET_PATH_BYTES)

    with pytest.raises(RuntimeError, match="too long a path"), PrivateBus(folder):
        pass


def test_the_address_is_where_the_socket_lies(tmp_path: Path) -> None:
    """In the folder that it was given."""
    assert f"unix:path={tmp_path}/bus" == PrivateBus(tmp_path).address
