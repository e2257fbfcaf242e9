"""The Python packages of the guest, from a lock with hashes, for the guest's own Python.

Owns the call of pip; which index it asks is pip's own configuration.
"""

import re
import shutil
import sys
from pathlib import Path

from virtual_radio.guest.commands import GuestUnavailable, run

INSTALL_TIMEOUT_S = 600.0
"""All packages of a lock; ten seconds here, minutes behind a slow line."""

COMPILE_TIMEOUT_S = 300.0
"""Byte code of all packages, made once so that emulation never has to."""


def python_version(tree: Path) -> str:
    """The version of the tree's Python, as "3.11". Raises GuestUnavailable without one."""
    names = [path.name for path in (tree / "usr/bin").glob("python3.*")]
    versions = [match[1] for name in names if (match := re.fullmatch(r"python(3\.\d+)", name))]
    if not versions:
        raise GuestUnavailable(f"no Python 3 in {tree}; remove that folder and build again")
    return versions[0]


def install(lock: Path, version: str, tree: Path, folder: Path) -> None:
    """Everything in `lock` into `folder`, for Python `version`, compiled by the tree's Python.

    Only wheels, each with the hash that the lock names. Raises GuestUnavailable.
    """
    target = folder / "site"
    command = (
        *(sys.executable, "-m", "pip", "install"),
        *("--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"),
        *("--require-hashes", "--only-binary=:all:"),
        *("--python-version", version, "--implementation", "cp"),
        *("--target", str(target), "--requirement", str(lock)),
    )
    run(command, timeout_s=INSTALL_TIMEOUT_S)
    _compile(target, tree)


def _compile(target: Path, tree: Path) -> None:
    """Byte code as the tree's Python reads it, whatever version we run on."""
    inside = tree / "tmp/site"
    shutil.rmtree(inside, ignore_errors=True)
    target.rename(inside)  # chroot sees nothing outside the tree
    try:
        run(
            ("chroot", str(tree), "python3", "-m", "compileall", "-q", "/tmp/site"),
            timeout_s=COMPILE_TIMEOUT_S,
        )
    finally:
        inside.rename(target)
