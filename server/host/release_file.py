"""Which version is on trial, on disk: DATA/release.json, written whole or not at all.

Beside it a supervisor (deploy/egret-start) leaves DATA/release-failed when it goes back to the
version before: one line, the version that failed and why. Neither file is worth a refused start:
one that cannot be read counts as missing, and then the version that runs counts as proven.
"""

import json
import logging
from pathlib import Path
from typing import Any

from server import durable_file
from server.errors import SettingsError
from server.model.release import Attempt, Fallback, Release

log = logging.getLogger(__name__)

RELEASE_FILE = "release.json"
FALLBACK_FILE = "release-failed"

MAX_RELEASE_BYTES = 1024**2
"""A thousand devices with the longest of names take less; more is not read into memory."""

MAX_FALLBACK_BYTES = 1024
"""One line of a shell script."""

MAX_VERSION_LENGTH = 40
"""1.22.333-rc.4 has 13 characters."""


class ReleaseFile:
    """`ports.ReleaseKeeper`."""

    def __init__(self, data: Path) -> None:
        self._path = data / RELEASE_FILE
        self._fallback_path = data / FALLBACK_FILE

    def read(self) -> Release | None:
        """What is remembered; None at the first start. Never raises."""
        try:
            return _release(json.loads(_content(self._path, MAX_RELEASE_BYTES)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            log.warning("release not read", extra={"path": str(self._path), "error": str(error)})
            return None

    def fallback(self) -> Fallback | None:
        """What the supervisor noted; None when it never went back. Never raises."""
        try:
            text = _content(self._fallback_path, MAX_FALLBACK_BYTES).decode()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("fallback not read", extra={"error": str(error)})
            return None
        version, _, reason = " ".join(text.split()).partition(" ")
        if not version or len(version) > MAX_VERSION_LENGTH or not text.strip().isprintable():
            return None
        return Fallback(version, reason)

    def write(self, release: Release) -> None:
        """Raises SettingsError; then the old file counts."""
        try:
            durable_file.write(
                self._path,
                json.dumps(_told(release), indent=1, ensure_ascii=False).encode() + b"\n",
            )
        except OSError as error:
            raise SettingsError(
                f"{self._path} cannot be written ({error.strerror or error}): check the disk"
            ) from error


def _content(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"larger than {most} bytes")
    return content


def _told(release: Release) -> dict[str, Any]:
    trial = release.trial
    return {
        # On a line of its own: deploy/egret-start looks for it.
        "proven": release.proven,
        "running": release.running,
        "trial": trial
        and {
            "version": trial.version,
            "since_ms": trial.since_ms,
            "tries": trial.tries,
            "devices": list(trial.devices),
            "failed": trial.failed,
        },
    }


def _release(told: Any) -> Release:
    proven, running = _version(told["proven"]), _version(told["running"])
    return Release(proven, running, _attempt(told["trial"]))


def _attempt(told: Any) -> Attempt | None:
    if told is None:
        return None
    devices = told["devices"]
    if not isinstance(devices, list):
        raise ValueError("the devices are no list")
    return Attempt(
        version=_version(told["version"]),
        since_ms=int(told["since_ms"]),
        tries=int(told["tries"]),
        devices=tuple(str(device) for device in devices),
        failed=str(told["failed"]),
    )


def _version(told: Any) -> str:
    if not isinstance(told, str) or not 0 < len(told) <= MAX_VERSION_LENGTH:
        raise ValueError("a version is missing or too long")
    return told
