"""The labels that this user has: one file of theirs, which nobody else may read.

A label opens its box. It is kept under the name that the box advertises, or the address; one
without either is tried with any box that has none of its own. Blocks; nothing here is logged.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bluetooth import durable_file, label
from bluetooth.client.errors import Unusable
from bluetooth.client.link import Sighting
from bluetooth.errors import LabelMistyped
from bluetooth.label import Label

LABELS_FILE = "bluetooth_labels.json"
VERSION = 1

MAX_LABELS = 256
"""An installer's boxes of a year; beyond, the file is no longer one that somebody looks after."""

MAX_FILE_BYTES = 64 * 1024
"""More is not read: MAX_LABELS need half of it."""

MAX_NAME_CHARACTERS = 64
"""Of a box's name or address; what a box advertises has 29 at most."""

_OTHERS = 0o077
"""Mode bits of everybody else."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One label, and whose it is."""

    label: Label
    name: str = ""
    address: str = ""

    def is_of(self, name: str, address: str) -> bool:
        """Whether it is this box's, by its name or else its address."""
        if self.name:
            return self.name.lower() == name.lower()
        return bool(self.address) and self.address.lower() == address.lower()

    @property
    def is_for_any(self) -> bool:
        """Whether nobody said whose it is."""
        return not self.name and not self.address

    @property
    def words(self) -> str:
        """Whose it is, for people."""
        return self.name or self.address or "any box"


class KeptLabels:
    """The file. Every call reads or writes it; raises Unusable, and then nothing was changed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LABELS_FILE

    def all(self) -> list[Kept]:
        """Every label, in the order in which they came."""
        try:
            with self.path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
            self._close_to_others()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unusable(f"{self.path} cannot be read: {error.strerror or error}") from error
        return self._parsed(content)

    def of(self, sighting: Sighting) -> Label | None:
        """The label of a box that was found."""
        kept = self.all()
        for each in kept:
            if each.is_of(sighting.name, sighting.address):
                return each.label
        return next((each.label for each in kept if each.is_for_any), None)

    def keep(self, new: Kept) -> None:
        """Keep a label, in place of that box's last one."""
        if max(len(new.name), len(new.address)) > MAX_NAME_CHARACTERS:
            raise Unusable(f"a name has at most {MAX_NAME_CHARACTERS} characters")
        others = [each for each in self.all() if not _same(each, new)]
        if len(others) >= MAX_LABELS:
            raise Unusable(f"{MAX_LABELS} labels are kept already: `label forget` some")
        self._write([*others, new])

    def forget(self, whose: str) -> list[Kept]:
        """Forget the labels of this name or address, all of them for ""; those that were."""
        kept = self.all()
        gone = [each for each in kept if not whose or each.is_of(whose, whose)]
        if gone:
            self._write([each for each in kept if each not in gone])
        return gone

    def _parsed(self, content: bytes) -> list[Kept]:
        try:
            if len(content) > MAX_FILE_BYTES:
                raise ValueError("too long")
            fields = json.loads(content)
            if fields["version"] != VERSION:
                raise ValueError("another version")
            return [_kept(each) for each in fields["labels"]]
        except (ValueError, KeyError, TypeError, RecursionError, LabelMistyped):
            # Not chained: an error's text could hold a part of what stands in the file.
            raise Unusable(
                f"{self.path} is damaged: move it away, and `label set` your labels again"
            ) from None

    def _write(self, kept: list[Kept]) -> None:
        entries = [
            {"name": each.name, "address": each.address, "label": each.label.printed()}
            for each in kept
        ]
        content = json.dumps({"version": VERSION, "labels": entries}, indent=1) + "\n"
        try:
            durable_file.replace(self.path, content.encode())
        except OSError as error:
            raise Unusable(f"{self.path} cannot be written: {error.strerror or error}") from error

    def _close_to_others(self) -> None:
        """A file that was copied here may be open to everybody; on Windows modes mean nothing."""
        if os.name != "nt" and self.path.stat().st_mode & _OTHERS:
            self.path.chmod(durable_file.OWNER_ONLY)


def _kept(entry: dict[str, Any]) -> Kept:
    return Kept(label.typed(str(entry["label"])), str(entry["name"]), str(entry["address"]))


def _same(one: Kept, other: Kept) -> bool:
    return (one.name.lower(), one.address.lower()) == (other.name.lower(), other.address.lower())
