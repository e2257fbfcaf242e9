"""`python -m server restore FILE`: what a backup holds, back into a data folder.

Nothing is put anywhere before every member has been read whole and found to be what the backup
says; what was there before is set aside. The gateway must not run on that folder meanwhile.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from server import __version__
from server.commands import backup
from server.commands.archive import MAX_SMALL_BYTES, ArchiveError, Reader
from server.host import instance, restoring
from server.settings import data_folder

_PROFILE = re.compile(r"profiles/[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.toml")
"""A name that leads nowhere else."""


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m server restore",
        description="Put a backup back. Stop the gateway first; what was there is set aside.",
    )
    parser.add_argument("file", type=Path, help="the backup")
    parser.add_argument("--data", metavar="DIR", help="the data folder (default: data)")
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="PATH",
        help="the passphrase is the first line of this file; - asks on the terminal",
    )
    return parser


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Restore; returns the exit code. Raises ArchiveError, SettingsError, OSError."""
    options = arguments().parse_args(argv)
    data = data_folder(options.data, environ)
    passphrase = backup.read_passphrase(options.passphrase_file, twice=False)
    with options.file.open("rb") as file, instance.lock(data):
        restoring.finish(data)
        reader = Reader(file, passphrase)
        names = checked_names(reader)
        staging = restoring.gather(data)
        for name in names:
            _unpack(reader, name, staging / name)
        aside = restoring.commit(data, names)
    _say(options.file, reader, names, aside)
    return 0


def checked_names(reader: Reader) -> list[str]:
    """What the archive holds, all of it known. Raises ArchiveError."""
    known = {*backup.SMALL, backup.KEY, backup.HISTORY}
    for name, (size, _) in reader.manifest.members.items():
        if name not in known and not _PROFILE.fullmatch(name):
            raise ArchiveError(f"the backup holds {name[:100]!r}, which no gateway has")
        if name != backup.HISTORY and size > MAX_SMALL_BYTES:
            raise ArchiveError(f"{name} is larger in this backup than it can be")
    return sorted(reader.manifest.members)


def _unpack(reader: Reader, name: str, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        reader.copy(name, file)
        file.flush()
        os.fsync(file.fileno())


def _say(file: Path, reader: Reader, names: list[str], aside: Path) -> None:
    made_by = reader.manifest.version
    print(f"restored from {file}, made by version {made_by}: {', '.join(names)}", file=sys.stderr)
    if aside.exists():
        print(f"what was there before lies in {aside}", file=sys.stderr)
    if made_by != __version__:
        print(
            f"this is version {__version__}; the gateway adapts it when it starts", file=sys.stderr
        )
