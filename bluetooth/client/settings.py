"""Where this user's things are kept, and what was chosen on the command line.

There is no variable for a secret: a label is kept in a file of its own (kept_labels), a password is
asked for or read from a file.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "EGRET_CONFIG"
"""Variable with the folder of the user's labels, where the usual one will not do."""

FOLDER = "egret"

MIN_TIMEOUT_S = 1.0
MAX_TIMEOUT_S = 3600.0
"""Of --timeout: below nothing answers, above it is a mistake."""

MIN_SCAN_S = 0.1
MAX_SCAN_S = 300.0
"""Of --seconds: an advertisement comes ten times a second; nobody watches a scan for longer."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    command: tuple[str, ...] = ()
    """As in ("wifi", "scan")."""
    address: str = ""
    name: str = ""
    adapter: str = ""
    timeout_s: float | None = None
    """None: FIND_TIMEOUT_S to find the box, and what the box itself allows for an answer."""
    as_json: bool = False
    is_verbose: bool = False
    is_plain: bool = False
    seconds: float | None = None
    path: str = ""
    body: str | None = None
    ssid: str = ""
    password_file: str | None = None
    is_open: bool = False
    """The network has no password."""
    by_improv: bool = False
    text: str | None = None
    """A label as typed or scanned, or the name of one that is kept."""


def config_folder(environ: Mapping[str, str], home: Path, platform: str = sys.platform) -> Path:
    """Where this user's labels are kept: where the system keeps such things."""
    if chosen := environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    if platform == "darwin":
        return home / "Library" / "Application Support" / FOLDER
    if platform == "win32":
        roaming = environ.get("APPDATA")
        return (Path(roaming) if roaming else home / "AppData" / "Roaming") / FOLDER
    xdg = environ.get("XDG_CONFIG_HOME", "")
    return (Path(xdg) if xdg.startswith("/") else home / ".config") / FOLDER
