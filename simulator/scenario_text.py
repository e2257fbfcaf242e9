"""The text of a scenario: tables that are read key by key, and the line of each for the errors.

It owns types, missing and unknown keys and where they stand; it knows no scenario.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

MAX_TEXT_CHARACTERS = 500
"""The longest text of one value; titles and words are shorter."""

_ARRAY = re.compile(r"\s*\[\[\s*([\w-]+)\s*\]\]")
_TABLE = re.compile(r"\s*\[\s*([\w-]+)((?:\s*\.\s*[\w-]+)*)\s*\]")
_KEY = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*[.=]")


class ScenarioError(ValueError):
    """A scenario that cannot be used; the text names file, line and key."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file and the line of each of its keys."""

    file: str
    lines: Mapping[str, int]

    def error(self, key: str, text: str) -> ScenarioError:
        """The error at a key, or at the nearest table that holds it."""
        at = key
        while at and at not in self.lines:
            at = at.rpartition(".")[0]
        return ScenarioError(f"{self.file}:{self.lines.get(at, 1)}: {key or 'file'}: {text}")


def lines_of(text: str) -> dict[str, int]:
    """Key -> line, as `step[1].for`: the TOML parser does not tell. Good to the line, not more."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if found := _ARRAY.match(line):
            name = found[1]
            counts[name] = counts.get(name, -1) + 1
            prefix = f"{name}[{counts[name]}]"
            lines.setdefault(prefix, number)
        elif found := _TABLE.match(line):
            name = found[1]
            head = f"{name}[{counts[name]}]" if name in counts else name
            prefix = head + re.sub(r"\s", "", found[2])
            lines.setdefault(prefix, number)
        elif found := _KEY.match(line):
            lines.setdefault(f"{prefix}.{found[1]}" if prefix else found[1], number)
    return lines


class Table:
    """One table; what has not been asked for when `no_more` is called is refused."""

    def __init__(self, data: Mapping[str, Any], place: Place, path: str = "") -> None:
        self._data = data
        self._path = path
        self._asked: set[str] = set()
        self.place = place

    def error(self, key: str, text: str) -> ScenarioError:
        """The error at one of its keys, or ("") at the table itself."""
        return self.place.error(self._under(key), text)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._data

    def is_text(self, key: str) -> bool:
        """Whether the key is there and holds a text."""
        return isinstance(self._data.get(key), str)

    def text(self, key: str, default: str | None = None) -> str:
        """A text of one line."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self.error(key, f'write a text in quotes, like {key} = "..."')
        if len(value) > MAX_TEXT_CHARACTERS or not value.isprintable():
            raise self.error(
                key, f"write one line of at most {MAX_TEXT_CHARACTERS} characters, all printable"
            )
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where the key is absent."""
        value = self._value(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.error(key, f'write a list of texts, like {key} = ["..."]')
        return tuple(value)

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, "write a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.error(key, "write a number that is not infinite")
        return number

    def whole(self, key: str, default: int) -> int:
        """A whole number."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(key, "write a whole number")
        return value

    def ports(self, key: str) -> tuple[int, ...]:
        """A port or a list of ports."""
        value = self._value(key)
        ports = value if isinstance(value, list) else [value]
        for port in ports:
            if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
                raise self.error(key, "write a port from 0 to 65535, or a list of ports")
        return tuple(ports)

    def table(self, key: str) -> "Table | None":
        """A table inside this one, None where it is absent."""
        value = self._value(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"write a table, like [{self._under(key)}]")
        return Table(value, self.place, self._under(key)) if key in self._data else None

    def tables(self, key: str, least: int, most: int) -> Sequence["Table"]:
        """The tables of an array, written as [[key]]."""
        value = self._value(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.error(key, f"write it as [[{key}]]")
        if not least <= len(value) <= most:
            raise self.error(f"{key}", f"give {least} to {most} of [[{key}]], not {len(value)}")
        return [
            Table(each, self.place, f"{self._under(key)}[{index}]")
            for index, each in enumerate(value)
        ]

    def checked(self, key: str, make: Callable[[], T]) -> T:
        """What `make` gives; its ValueError becomes one that names file, line and key."""
        try:
            return make()
        except ScenarioError:
            raise
        except (ValueError, OverflowError) as error:
            raise self.error(key, str(error)) from None

    def no_more(self) -> None:
        """Refuse the first key that nobody asked for."""
        for key in self._data:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                raise self.error(key, f"no such key; there are: {known}")

    def _value(self, key: str, default: object = None) -> Any:
        self._asked.add(key)
        if key in self._data:
            return self._data[key]
        if default is None:
            raise self.error(key, "is missing")
        return default

    def _under(self, key: str) -> str:
        return ".".join(part for part in (self._path, key) if part)
