"""Who may enter, on disk: DATA/entry.json, for its owner's eyes alone, written whole or not at all.

A file that cannot be understood lets nobody in: it is left where it is, and the box waits for the
label's secret. Taking it for an empty one would hand the box to whoever comes first.
"""

import json
from pathlib import Path
from typing import Any

from server import durable_file
from server.errors import SettingsError
from server.model.access import MAX_TOKENS, Book, Password, Scope, Token

ENTRY_FILE = "entry.json"
VERSION = 1

MAX_ENTRY_BYTES = 64 * 1024
"""MAX_TOKENS tokens take a tenth of it."""

BROKEN_KEPT = 3
"""Broken files kept beside the one that takes their place."""


class EntryFile:
    """`ports.EntryKeeper`."""

    def __init__(self, data: Path) -> None:
        self._path = data / ENTRY_FILE
        self.problem = ""

    def read(self) -> Book:
        """What is kept; `problem` says in words what is wrong with it. Never raises."""
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_ENTRY_BYTES + 1)
            if len(content) > MAX_ENTRY_BYTES:
                raise ValueError("it is too large")
            return _book(json.loads(content))
        except FileNotFoundError:
            return Book()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.problem = (
                f"{self._path} cannot be read, so nobody can log in: claim the box again with the"
                " secret on its label"
            )
            return Book(broken=True)

    def write(self, book: Book) -> None:
        """Raises SettingsError; then the old file counts."""
        content = json.dumps(_told(book), indent=1).encode()
        try:
            durable_file.write(self._path, content, keep_old=BROKEN_KEPT if self.problem else 0)
        except OSError as error:
            raise SettingsError(
                f"{self._path} cannot be written ({error.strerror or error}): check the disk"
            ) from error
        self.problem = ""


def _told(book: Book) -> dict[str, Any]:
    password = book.password
    return {
        "version": VERSION,
        "password": password
        and {
            "salt": password.salt.hex(),
            "digest": password.digest.hex(),
            "cost": password.cost,
            "block": password.block,
            "parallel": password.parallel,
        },
        "tokens": [
            {
                "id": each.token_id,
                "name": each.name,
                "scopes": sorted(each.scopes),
                "digest": each.digest,
                "made_at_ms": each.made_at_ms,
            }
            for each in book.tokens
        ],
    }


def _book(told: Any) -> Book:
    if told["version"] != VERSION or len(told["tokens"]) > MAX_TOKENS:
        raise ValueError("written by another version")
    return Book(_password(told["password"]), tuple(_token(each) for each in told["tokens"]))


def _password(told: Any) -> Password | None:
    if told is None:
        return None
    costs = (int(told["cost"]), int(told["block"]), int(told["parallel"]))
    return Password(bytes.fromhex(told["salt"]), bytes.fromhex(told["digest"]), *costs)


def _token(told: Any) -> Token:
    scopes = frozenset(Scope(each) for each in told["scopes"])
    names = str(told["id"]), str(told["name"])
    return Token(*names, scopes, str(told["digest"]), int(told["made_at_ms"]))
