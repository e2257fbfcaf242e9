"""Where this user's labels are kept."""

from pathlib import Path

import pytest

from bluetooth.client.settings import config_folder

HOME = Path("/home/ann")


@pytest.mark.parametrize(
    ("environ", "platform", "folder"),
    [
        ({}, "linux", "/home/ann/.config/egret"),
        ({"XDG_CONFIG_HOME": "/etc/xdg"}, "linux", "/etc/xdg/egret"),
        ({"XDG_CONFIG_HOME": "relative"}, "linux", "/home/ann/.config/egret"),
        ({}, "darwin", "/home/ann/Library/Application Support/egret"),
        ({"APPDATA": "/roaming"}, "win32", "/roaming/egret"),
        ({}, "win32", "/home/ann/AppData/Roaming/egret"),
        ({"EGRET_CONFIG": "/here", "XDG_CONFIG_HOME": "/etc/xdg"}, "linux", "/here"),
    ],
)
def test_the_folder_is_where_the_system_keeps_such_things(
    environ: dict[str, str], platform: str, folder: str
) -> None:
    """On each of the three; one variable stands above them all."""
    assert Path(folder) == config_folder(environ, HOME, platform)
