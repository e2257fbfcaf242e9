"""`python -m server backup FILE`: settings, and if wanted key and history, into one file.

It may run while the gateway does: small files are replaced whole by whoever writes them, and the
history is copied page by page by SQLite's own backup, which sees one moment of it.
"""

import argparse
import getpass
import io
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from server import __version__
from server.clock import SystemClock
from server.commands.archive import MAX_SMALL_BYTES, ArchiveError, Writer, made
from server.model.configuration import ClockConfig
from server.settings import data_folder

SMALL = ("settings.json", "pins.json")
"""Always kept: what the owner set and what the box has learned of its devices. Not which secure
element it has: a backup is what a new box is made from, and that one has another chip."""

KEY = "key.pem"
PROFILES = "profiles"
HISTORY = "store/readings.sqlite3"

MAX_PROFILES = 150
"""Profiles of the owner's own that are kept."""

PAGES_AT_ONCE = 2_000
"""Pages of the history copied between two lines of progress: 4 MB."""

BUSY_TIMEOUT_S = 30.0
"""How long the copy waits for the gateway's commits."""

Say = Callable[[str], None]


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m server backup",
        description="Keep settings, and if wanted key and history, in one file. The gateway may "
        "go on meanwhile.",
        epilog="Without a passphrase neither the key nor any device's password is kept.",
    )
    parser.add_argument("file", type=Path, help="where to; a new file")
    parser.add_argument("--data", metavar="DIR", help="the data folder (default: data)")
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="PATH",
        help="encrypt with the first line of this file; - asks on the terminal",
    )
    parser.add_argument(
        "--key", action="store_true", help="also the key that is the box's identity"
    )
    parser.add_argument("--history", action="store_true", help="also every reading that is kept")
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    return parser


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Make the backup; returns the exit code. Raises ArchiveError, OSError."""
    options = arguments().parse_args(argv)
    data = data_folder(options.data, environ)
    passphrase = read_passphrase(options.passphrase_file, twice=True)
    if options.key and not passphrase:
        raise ArchiveError("a key leaves the box encrypted only: add --passphrase-file")
    if not data.is_dir():
        raise ArchiveError(f"there is no data folder {data}: name it with --data")
    clock = SystemClock(ClockConfig().trust)
    with made(options.file, options.force) as file, Writer(file, passphrase) as writer:
        for name, content in contents(data, keep_secrets=bool(passphrase), key=options.key):
            writer.add(name, io.BytesIO(content))
        if options.history:
            _add_history(writer, data, options.file.parent, _say)
        writer.finish(__version__, clock.utc_ms())
    _say(f"kept in {options.file}, {options.file.stat().st_size:,} bytes")
    return 0


def read_passphrase(source: Path | None, *, twice: bool) -> str:
    """The passphrase, "" for none. Raises ArchiveError."""
    if source is None:
        return ""
    if str(source) != "-":
        try:
            with source.open(encoding="utf-8") as file:
                return file.readline(MAX_SMALL_BYTES).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ArchiveError(f"the passphrase in {source} cannot be read: {error}") from error
    passphrase = getpass.getpass("Passphrase: ")
    if twice and getpass.getpass("Again: ") != passphrase:
        raise ArchiveError("the two are not the same")
    return passphrase


def contents(data: Path, *, keep_secrets: bool, key: bool) -> Iterator[tuple[str, bytes]]:
    """Name and content of each small file that is kept. Raises ArchiveError, OSError."""
    for name in (*SMALL, *((KEY,) if key else ())):
        path = data / name
        if not path.exists():
            if name == KEY:
                raise ArchiveError(f"there is no {path}: this box keeps its key in a chip")
            continue
        content = _small(path)
        yield name, content if keep_secrets else without_secrets(content)
    profiles = sorted((data / PROFILES).glob("*.toml"))
    if len(profiles) > MAX_PROFILES:
        raise ArchiveError(f"{data / PROFILES} holds more than {MAX_PROFILES} profiles")
    for path in profiles:
        yield f"{PROFILES}/{path.name}", _small(path)


def without_secrets(content: bytes) -> bytes:
    """The same JSON with every password emptied."""
    try:
        return json.dumps(_emptied(json.loads(content)), indent=2).encode()
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"a file of settings is broken ({error}): repair it first") from error


def _emptied(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "" if key == "password" and isinstance(each, str) else _emptied(each)
            for key, each in value.items()
        }
    return [_emptied(each) for each in value] if isinstance(value, list) else value


def _small(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_SMALL_BYTES + 1)
    if len(content) > MAX_SMALL_BYTES:
        raise ArchiveError(f"{path} is larger than {MAX_SMALL_BYTES:,} bytes; it cannot be right")
    return content


def _add_history(writer: Writer, data: Path, beside: Path, say: Say) -> None:
    source = data / HISTORY
    if not source.exists():
        raise ArchiveError(f"there is no history in {data}: leave out --history")
    with tempfile.TemporaryDirectory(dir=beside, prefix=".history-") as folder:
        copy = Path(folder) / "copy"
        try:
            _copy_database(source, copy, say)
        except sqlite3.Error as error:
            raise ArchiveError(f"the history cannot be copied: {error}; try again") from error
        with copy.open("rb") as file:
            writer.add(HISTORY, file)


def _copy_database(source: Path, to: Path, say: Say) -> None:
    address = f"{source.absolute().as_uri()}?mode=ro"
    shown = [0]

    def progress(_status: int, remaining: int, total: int) -> None:
        percent = 100 * (total - remaining) // max(1, total)
        if percent >= shown[0] + 10:
            shown[0] = percent
            say(f"history: {percent} %")

    with (
        closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S)) as here,
        closing(sqlite3.connect(to)) as there,
    ):
        here.backup(there, pages=PAGES_AT_ONCE, progress=progress)
    os.chmod(to, 0o600)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
