"""Putting files into the data folder so that a power cut leaves the old ones or the new ones.

What is to be put there is first gathered, whole, in a folder of its own. Then a note is written:
from that moment on the new files count, and whoever opens the data folder next finishes what the
note says before anything else. Each step may be repeated. What was there before is set aside, never
deleted.
"""

import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from server import durable_file
from server.errors import SettingsError

log = logging.getLogger(__name__)

STAGING = "restore-staging"
NOTE = "restore.json"
ASIDE = "before-restore-"

MAX_ASIDES = 9
"""Sets of old files kept; a tenth restore asks the owner to clear up, rather than filling the
disk or deleting what may be wanted."""

_WITH_DATABASE = ("-wal", "-shm")
"""What lies beside a SQLite database and belongs to the old one."""


def gather(data: Path) -> Path:
    """An empty folder to put the new files in. Raises SettingsError, OSError."""
    if (data / NOTE).exists():
        raise SettingsError("another restore has not been finished: start the gateway once")
    staging = data / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    durable_file.make_folder(staging)
    return staging


def commit(data: Path, names: Sequence[str]) -> Path:
    """From here on the gathered files `names` count. Returns where the old ones go."""
    number = next(
        (each for each in range(1, MAX_ASIDES + 1) if not (data / f"{ASIDE}{each}").exists()), None
    )
    if number is None:
        raise SettingsError(
            f"{data} holds {MAX_ASIDES} sets of files from before earlier restores ({ASIDE}...):"
            " remove those that you do not need"
        )
    aside = data / f"{ASIDE}{number}"
    staging = data / STAGING
    for folder in sorted({(staging / name).parent for name in names} | {staging}, reverse=True):
        # A new name lives in its folder: without this a power cut could take what the note counts.
        durable_file.sync_folder(folder)
    note = {"names": list(names), "aside": aside.name}
    durable_file.write(data / NOTE, json.dumps(note).encode())
    finish(data)
    return aside


def finish(data: Path) -> bool:
    """Do what a note asks for; whether there was one. Raises SettingsError, OSError."""
    try:
        told = json.loads((data / NOTE).read_bytes())
        names, aside = [str(name) for name in told["names"]], data / str(told["aside"])
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{data / NOTE} is broken: a restore was under way; remove it and restore again"
        ) from error
    for name in names:
        _exchange(data / STAGING / name, data / name, aside / name)
    shutil.rmtree(data / STAGING, ignore_errors=True)
    (data / NOTE).unlink()
    durable_file.sync_folder(data)
    log.info("restored", extra={"files": len(names), "old files": str(aside)})
    return True


def _exchange(new: Path, place: Path, aside: Path) -> None:
    """Old file aside, new file into its place; done already when the new one has gone."""
    if not new.exists():
        return
    durable_file.make_folder(place.parent)
    for suffix in ("", *_WITH_DATABASE):
        old = place.with_name(place.name + suffix)
        if old.exists():
            durable_file.make_folder(aside.parent)
            os.replace(old, aside.with_name(aside.name + suffix))
            durable_file.sync_folder(aside.parent)
    os.replace(new, place)
    durable_file.sync_folder(place.parent)
