"""Programs that write until the power goes, and say after each step what they believe is safe.

Owns the ways of writing that the tests of the disk compare: SQLite with each `synchronous`, and
one small file replaced with and without the syncs. Run as `python -m system_test.power.writers
KIND FOLDER WAY`; prints the number of each step that it believes to be durable.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

STEPS_MAX = 100_000
"""A writer that no cut stops ends by itself."""

CHECKPOINT_PAGES = 12
"""Small, so that cuts fall into checkpoints too, not only into appends to the log."""

CONTENT_LINES = 400
"""Makes the small file longer than one page, so that it can be torn."""


def commit_rows(folder: Path, synchronous: str) -> Iterator[int]:
    """One commit after the other into a database in WAL mode."""
    with closing(sqlite3.connect(folder / "rows.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {synchronous}")
        database.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        database.execute("CREATE TABLE IF NOT EXISTS rows (n INTEGER PRIMARY KEY, text TEXT)")
        (last,) = database.execute("SELECT coalesce(max(n), 0) FROM rows").fetchone()
        for number in range(last + 1, STEPS_MAX):
            database.execute("INSERT INTO rows VALUES (?, ?)", (number, "x" * 500))
            yield number


def replace_file(folder: Path, recipe: str) -> Iterator[int]:
    """Replace a file by temporary file and rename, leaving out the syncs that `recipe` lacks."""
    target = folder / "settings.json"
    start = json.loads(target.read_text())["n"] if target.exists() else 0
    for number in range(start + 1, STEPS_MAX):
        temporary = folder / "settings.json.new"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"n": number, "lines": [number] * CONTENT_LINES}, file)
            file.flush()
            if recipe in ("full", "file"):
                os.fsync(file.fileno())
        os.replace(temporary, target)
        if recipe in ("full", "folder"):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        yield number


WRITERS: dict[str, Callable[[Path, str], Iterator[int]]] = {
    "rows": commit_rows,
    "file": replace_file,
}


def main() -> None:
    """Write until something fails; that something is the power cut."""
    kind, folder, way = sys.argv[1:]
    try:
        for number in WRITERS[kind](Path(folder), way):
            print(number, flush=True)
    except (OSError, sqlite3.Error) as error:
        print(f"stopped: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
