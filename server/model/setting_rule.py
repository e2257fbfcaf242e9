"""Rules: what one value of the settings may be, and the words in which it is refused.

Pure: a value goes in as JSON has it and comes out as `configuration` wants it, or a ValueError
says which key is wrong, what it should be and what it is. The rules know no setting.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from server.model.device import PASSWORD_MASK

MAX_URL_LENGTH = 2048
"""Characters of an address; sink ids are made of them."""
MAX_SHOWN = 60
"""Characters of a wrong value that an error shows."""


class Rule(Protocol):
    """What one value may be."""

    @property
    def words(self) -> str:
        """What it should be, to stand after «should be»."""
        ...

    def take(self, value: object, at: str) -> Any:
        """Return `value` as the configuration wants it, or raise ValueError naming `at`."""
        ...


def wrong(at: str, should: str, value: object) -> ValueError:
    """The one sentence in which a value is refused."""
    return ValueError(f"{at} should be {should}, not {shown(value)}")


def shown(value: object) -> str:
    """A wrong value in an error: short, printable, and never the whole of a structure."""
    if isinstance(value, (Mapping, Sequence)) and not isinstance(value, str):
        return "an object" if isinstance(value, Mapping) else "a list"
    words = repr(value[:MAX_SHOWN] if isinstance(value, str) else value)
    return words if len(words) <= MAX_SHOWN else f"{words[:MAX_SHOWN - 1]}…"


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    least: int
    most: int

    @property
    def words(self) -> str:
        """With its bounds."""
        return f"a whole number from {self.least} to {self.most}"

    def take(self, value: object, at: str) -> int:
        """An int; True and 1.0 are none."""
        if type(value) is not int or not self.least <= value <= self.most:
            raise wrong(at, self.words, value)
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A number; not-a-number and infinity are beyond every bound."""

    least: float
    most: float

    @property
    def words(self) -> str:
        """With its bounds."""
        return f"a number from {self.least:g} to {self.most:g}"

    def take(self, value: object, at: str) -> float:
        """A float; whole numbers are welcome."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise wrong(at, self.words, value)
        if not self.least <= value <= self.most:
            raise wrong(at, self.words, value)
        return float(value)


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    @property
    def words(self) -> str:
        """As JSON writes it."""
        return "true or false"

    def take(self, value: object, at: str) -> bool:
        """A bool; 1 and "yes" are none."""
        if not isinstance(value, bool):
            raise wrong(at, self.words, value)
        return value


@dataclass(frozen=True, slots=True)
class Text:
    """One printable line."""

    most: int
    least: int = 0
    spaces: bool = True

    @property
    def words(self) -> str:
        """With its bounds."""
        kind = "printable text" if self.spaces else "printable text without spaces or slashes"
        return f"{kind} of {self.least} to {self.most} characters"

    def take(self, value: object, at: str) -> str:
        """The text as it stands."""
        if (
            not isinstance(value, str)
            or not self.least <= len(value) <= self.most
            or not value.isprintable()
            or (not self.spaces and any(each in " /\\" for each in value))
        ):
            raise wrong(at, self.words, value)
        return value


@dataclass(frozen=True, slots=True)
class Secret:
    """A password: one printable line that no error shows. The mask of one counts as not given."""

    most: int

    @property
    def words(self) -> str:
        """With its bound."""
        return f"printable text of 0 to {self.most} characters"

    def take(self, value: object, at: str) -> str:
        """The text as it stands."""
        if not isinstance(value, str) or len(value) > self.most or not value.isprintable():
            raise ValueError(f"{at} should be {self.words}; what was given is not shown")
        return "" if value == PASSWORD_MASK else value


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words; capital letters do not matter."""

    choices: tuple[str, ...]

    @property
    def words(self) -> str:
        """The choices."""
        return f"one of {', '.join(self.choices)}"

    def take(self, value: object, at: str) -> str:
        """The choice as the table spells it."""
        for choice in self.choices:
            if isinstance(value, str) and value.lower() == choice.lower():
                return choice
        raise wrong(at, self.words, value)


@dataclass(frozen=True, slots=True)
class Url:
    """An http or https address without a password in it."""

    @property
    def words(self) -> str:
        """What it begins with."""
        return "an address that begins with http:// or https:// and holds no password"

    def take(self, value: object, at: str) -> str:
        """The address as it stands."""
        if not isinstance(value, str) or not _is_web_address(value):
            raise wrong(at, self.words, value)
        return value


def _is_web_address(text: str) -> bool:
    if len(text) > MAX_URL_LENGTH or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.username is None
            and parts.port != 0
        )
    except ValueError:  # A port that is none, brackets that do not match.
        return False


@dataclass(frozen=True, slots=True)
class ListOf:
    """Several values, no two of which have the same `key`."""

    item: Rule
    most: int
    key: Callable[[Any], object]
    plural: str

    @property
    def words(self) -> str:
        """With its bound."""
        return f"a list of at most {self.most} {self.plural}"

    def take(self, value: object, at: str) -> tuple[Any, ...]:
        """All items, or the first error."""
        taken, errors, _ = self.salvage(value, at)
        if errors:
            raise errors[0]
        return taken

    def salvage(
        self, value: object, at: str
    ) -> tuple[tuple[Any, ...], list[ValueError], list[object]]:
        """What can be taken, what is wrong with the rest, and the good ones as they came."""
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            return (), [wrong(at, self.words, value)], []
        taken: dict[object, Any] = {}
        good: list[object] = []
        errors: list[ValueError] = []
        for index, each in enumerate(value):
            try:
                item = self.item.take(each, f"{at}[{index}]")
                if self.key(item) in taken:
                    raise ValueError(f"{at}[{index}] is there twice: {self.key(item)}")
                if len(taken) >= self.most:
                    raise ValueError(f"{at} should be {self.words}, not {len(value)}")
            except ValueError as error:
                errors.append(error)
                continue
            taken[self.key(item)] = item
            good.append(each)
        return tuple(taken.values()), errors, good
