"""One gateway a data folder: two writers of one database would each believe they are alone."""

import fcntl
from pathlib import Path
from typing import IO

from server import durable_file
from server.errors import SettingsError

LOCK_FILE = "lock"


def lock(data: Path) -> IO[bytes]:
    """Hold the folder until the returned file is closed. Raises SettingsError when it is held."""
    try:
        durable_file.make_folder(data)
        held = open(data / LOCK_FILE, "wb")  # noqa: SIM115  # Held for the life of the process.
    except OSError as error:
        raise SettingsError(
            f"the data folder {data} cannot be used ({error.strerror}): choose another with --data"
        ) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise SettingsError(
            f"another gateway is using the data folder {data}: stop it, or use --data"
        ) from error
    return held
