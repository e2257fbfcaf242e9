"""Other programs, run to their end: with a deadline, and with their own words when they fail."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

MAX_ERROR_CHARACTERS = 2_000
"""Of what a failed program printed, the end; enough for its own explanation."""


class GuestUnavailable(Exception):
    """The guest cannot be made or started here; the text says what is missing."""


class GuestMissing(GuestUnavailable):
    """A program that the guest needs is not installed."""


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What `argv` printed on stdout. Raises GuestUnavailable when it fails or takes too long."""
    try:
        done = subprocess.run(
            list(argv),
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
    except FileNotFoundError as error:
        raise GuestMissing(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise GuestUnavailable(f"{argv[0]} took longer than {timeout_s:g} s") from error
    if done.returncode:
        words = (done.stdout + done.stderr)[-MAX_ERROR_CHARACTERS:]
        raise GuestUnavailable(f"{argv[0]} failed with {done.returncode}:\n{words}")
    return done.stdout


def require(*programs: str) -> None:
    """Raises GuestMissing with the names of the programs that are not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise GuestMissing(f"not installed: {', '.join(missing)}; `make test-all` installs them")


def require_root(what: str) -> None:
    """Raises GuestUnavailable unless we are root."""
    if os.geteuid() != 0:
        raise GuestUnavailable(f"{what} needs root: run it once with sudo, the result is kept")
