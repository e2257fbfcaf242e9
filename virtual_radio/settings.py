"""What the environment says: the only reader of os.environ here.

Owns nothing but the reading; who asks is given a value.
"""

import os
from pathlib import Path

PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")
"""Names that the tools of Debian understand, in lower case as all of them read it."""


def cache_folder() -> Path:
    """Where this product may keep what is dear to make (XDG Base Directory Specification)."""
    said = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(said) if said.startswith("/") else Path.home() / ".cache"
    return base / "egret"


def proxies() -> dict[str, str]:
    """The proxies that other programs are to use."""
    return {name: os.environ[name] for name in PROXIES if os.environ.get(name)}
