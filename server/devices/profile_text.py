"""The shape of a profile file: TOML text in, checked plain values out, and the line of each key.

Owns syntax, the names of keys and their types. Refuses to know what they mean: `profile` does.
"""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec

from server.errors import ProfileError

MAX_PROFILE_BYTES = 1024 * 1024
"""Largest profile file read; the largest bundled one has 20 kB."""

Number = int | Decimal


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every part of a profile file is: values that do not change, no unknown keys."""


class RegisterText(Shape, frozen=True, rename={"as_": "as", "is_": "is"}):
    """One line of `registers.input` or `registers.holding`."""

    at: int
    as_: str
    is_: str = ""
    name: str = ""
    words: int | None = None
    scale: Number = 1
    offset: Number = 0
    scale_from: int | None = None
    unit: str = ""
    labels: str = ""
    bits: str = ""
    unavailable: list[int] | None = None
    prefer: int = 0
    poll: bool = True
    known_only: bool = False
    word_order: Literal["low_first", "high_first"] | None = None
    byte_order: Literal["low_first", "high_first"] | None = None


class RegistersText(Shape, frozen=True):
    """The registers of both tables, in the vendor's order."""

    input: list[RegisterText] = []
    holding: list[RegisterText] = []


class BlockText(Shape, frozen=True, rename={"first": "from", "last": "to"}):
    """Addresses that one request may span, both ends included."""

    space: Literal["input", "holding"]
    first: int
    last: int


class BarrierText(Shape, frozen=True):
    """An address that no request may hold together with the one before it."""

    space: Literal["input", "holding"]
    at: int


class EvidenceText(Shape, frozen=True, rename={"as_": "as"}):
    """A register that such a device answers, and the raw numbers that are plausible in it."""

    space: Literal["input", "holding"]
    at: int
    as_: str
    least: int
    most: int


class LimitsText(Shape, frozen=True):
    """What a request may be like."""

    max_words: int = 100
    max_gap: int = 31


class CapabilityText(Shape, frozen=True, rename={"as_": "as"}):
    """One thing that may be written."""

    name: str
    at: int
    as_: str
    scale: Number = 1
    unit: str = ""
    least: Number | None = None
    most: Number | None = None
    step: Number | None = None
    choices: dict[str, int] = {}
    needs: str = ""
    refresh_s: int | None = None
    note: str = ""


class DoorText(Shape, frozen=True):
    """What is known of one way to the device."""

    doubts_zeros: bool = False
    unknown: list[int] = []


class ChildText(Shape, frozen=True):
    """A device that may sit behind this one, under a unit of its own."""

    profile: str
    units: list[int]
    name: str = ""


class ProfileText(Shape, frozen=True):
    """One profile file."""

    name: str
    maker: str
    title: str
    document: str
    registers: RegistersText
    aliases: list[str] = []
    first_address: int = 0
    word_order: Literal["low_first", "high_first"] = "high_first"
    byte_order: Literal["low_first", "high_first"] = "high_first"
    unavailable: dict[str, int] = {}
    limits: LimitsText = LimitsText()
    blocks: list[BlockText] = []
    barriers: list[BarrierText] = []
    evidence: list[EvidenceText] = []
    labels: dict[str, dict[str, str]] = {}
    bits: dict[str, dict[str, str]] = {}
    capabilities: list[CapabilityText] = []
    models: dict[str, str] = {}
    doors: dict[str, DoorText] = {}
    children: list[ChildText] = []


class Source:
    """One file: its values, and which line a key stands on."""

    def __init__(self, path: Path) -> None:
        """Read and check the file; raises ProfileError."""
        self._name = path.name
        try:
            if path.stat().st_size > MAX_PROFILE_BYTES:
                raise ProfileError(f"{path.name}:1: larger than {MAX_PROFILE_BYTES} bytes")
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProfileError(f"{path.name}:1: cannot be read as UTF-8 text: {error}") from error
        self._lines = text.splitlines()
        self.values = self._parsed(text)

    def error(self, key: str, text: str) -> ProfileError:
        """An error at `key`, such as `registers.input[3].scale`."""
        return ProfileError(f"{self._name}:{self._line(key)}: {key}: {text}")

    def _parsed(self, text: str) -> ProfileText:
        try:
            table = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+)", str(error))
            line = found.group(1) if found else str(max(1, len(self._lines)))
            raise ProfileError(f"{self._name}:{line}: not valid TOML: {error}") from error
        try:
            return msgspec.convert(table, ProfileText)
        except msgspec.ValidationError as error:
            words, _, path = str(error).partition(" - at `$")
            key = path.rstrip("`").lstrip(".")
            unknown = re.search(r"field `(\w+)`", words)
            if unknown:
                key = f"{key}.{unknown.group(1)}".lstrip(".")
            raise self.error(key or "file", words) from error

    def _line(self, key: str) -> int:
        """The line of the last part of `key` that can be found, counted from 1."""
        line = 0
        for part in re.findall(r"(\w+)(?:\[(\d+)\])?", key):
            found = self._after(line, part[0], int(part[1]) if part[1] else None)
            if found is None:
                break
            line = found
        return line + 1

    def _after(self, start: int, name: str, index: int | None) -> int | None:
        """The first line from `start` on that defines `name`, or its entry number `index`."""
        word = re.escape(name)
        head = re.compile(rf"^\s*(\[+\s*(\w+\.)*{word}\s*\]+|\"?{word}\"?\s*=)|[{{,]\s*{word}\s*=")
        lines = [n for n in range(start, len(self._lines)) if head.search(self._lines[n])]
        if not lines:
            return None
        if index is None:
            return lines[0]
        if self._lines[lines[0]].lstrip().startswith("[["):
            return lines[min(index, len(lines) - 1)]
        if not self._lines[lines[0]].rstrip().endswith("["):
            return lines[0]
        rows = [
            n for n in range(lines[0], len(self._lines)) if self._lines[n].lstrip().startswith("{")
        ]
        return rows[index] if index < len(rows) else lines[0]
