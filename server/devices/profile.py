"""What a device family is, read from one TOML file.

Owns the meaning of profile files: quantities, units, addresses, what contradicts what. Refuses to
know how they are written (`profile_text`), how they are read from a device (`driver`), and that
any particular family exists: families are listed from folders.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from server.devices.packing import MAX_GAP, MAX_WORDS, Served
from server.devices.profile_checks import contradictions
from server.devices.profile_doors import Child, Door, children_of, doors_of
from server.devices.profile_text import (
    CapabilityText,
    EvidenceText,
    ProfileText,
    RegisterText,
    Source,
)
from server.devices.registers import (
    FLOATS,
    MAX_STRING_WORDS,
    SIGNED,
    WORDS_OF,
    Register,
    RegisterType,
)
from server.errors import ProfileError
from server.model.device import Space
from server.model.quantity import QUANTITIES, Kind

BUILT_IN = Path(__file__).parent / "profiles"
"""The folder of the profiles that come with the program."""
MAX_PROFILES = 500
"""Profiles loaded; a folder with more is a mistake, and the rest of it is reported."""
MAX_REGISTERS = 2000
"""Registers of one profile; the largest known family describes 1,059."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MARKABLE = frozenset(WORDS_OF) - FLOATS
_NUMERIC = frozenset({Kind.GAUGE, Kind.COUNTER, Kind.DAILY})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may be like."""

    max_words: int
    max_gap: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A register whose raw number lies between `least` and `most` on such a device."""

    register: Register
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Capability:
    """Something that may be written, within what limits; SI values.

    `choices` names the raw numbers allowed, where only some are. `needs` names a capability that
    has to be switched on first. `refresh_s` is the period of the device's own watchdog.
    """

    name: str
    at: int
    address: int
    type: RegisterType
    scale: Fraction
    unit: str
    least: Fraction | None
    most: Fraction | None
    step: Fraction | None
    choices: Mapping[str, int]
    needs: str
    refresh_s: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One device family. `registers` are in the vendor's order; `models` by type code."""

    name: str
    maker: str
    title: str
    document: str
    aliases: tuple[str, ...]
    registers: tuple[Register, ...]
    blocks: tuple[Served, ...]
    barriers: frozenset[tuple[Space, int]]
    limits: Limits
    evidence: tuple[Evidence, ...]
    capabilities: tuple[Capability, ...]
    models: Mapping[int, str]
    doors: Mapping[str, Door] = field(default_factory=dict)
    """What is known of a way to it, by scheme."""
    children: tuple[Child, ...] = ()

    def register(self, quantity: str) -> Register | None:
        """The preferred register of a quantity."""
        found = [register for register in self.registers if register.quantity == quantity]
        return max(found, key=lambda register: register.prefer, default=None)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The usable profiles by name, and what is wrong with the others, one line each."""

    profiles: Mapping[str, Profile]
    problems: tuple[str, ...]


def load_profiles(*folders: Path) -> Loaded:
    """The bundled profiles, then those of `folders`; a folder that is missing is empty."""
    profiles: dict[str, Profile] = {}
    problems: list[str] = []
    taken: dict[str, str] = {}
    for path in [path for folder in (BUILT_IN, *folders) for path in sorted(folder.glob("*.toml"))]:
        try:
            if len(profiles) >= MAX_PROFILES:
                raise ProfileError(f"{path.name}:1: more than {MAX_PROFILES} profiles")
            source = Source(path)
            profile = _Reader(source).profile()
            for name in (profile.name, *profile.aliases):
                if name in taken:
                    raise source.error(
                        "name", f"{name!r} is taken by {taken[name]}; it should be a new name"
                    )
        except ProfileError as error:
            problems.append(str(error))
            continue
        profiles[profile.name] = profile
        taken.update(dict.fromkeys((profile.name, *profile.aliases), path.name))
    return Loaded(MappingProxyType(profiles), tuple(problems))


def find_profile(profiles: Mapping[str, Profile], name: str) -> Profile | None:
    """The profile of that name or alias, however it is capitalised."""
    wanted = name.lower()
    if wanted in profiles:
        return profiles[wanted]
    return next((p for p in profiles.values() if wanted in p.aliases), None)


class _Reader:
    """Turns the plain values of one file into a Profile, or raises ProfileError."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text: ProfileText = source.values

    def profile(self) -> Profile:
        """Everything, checked; first the parts, then what they say about one another."""
        text = self._text
        for number, name in enumerate((text.name, *text.aliases)):
            if not _NAME.fullmatch(name):
                key = f"aliases[{number - 1}]" if number else "name"
                raise self._error(key, f"{name!r} should be lower case letters, digits and _")
        for name in text.unavailable:
            if self._type(f"unavailable.{name}", name) not in _MARKABLE:
                raise self._error(f"unavailable.{name}", "only whole numbers have such a marker")
        registers = self._registers()
        plain = tuple(register for _, register in registers)
        profile = Profile(
            name=text.name,
            maker=text.maker,
            title=text.title,
            document=text.document,
            aliases=tuple(text.aliases),
            registers=plain,
            blocks=self._blocks(),
            barriers=frozenset(
                (Space(each.space), self._wire(f"barriers[{n}].at", each.at))
                for n, each in enumerate(text.barriers)
            ),
            limits=self._limits(),
            evidence=tuple(self._evidence(n, each) for n, each in enumerate(text.evidence)),
            capabilities=self._capabilities(),
            models=self._models(),
            doors=MappingProxyType(doors_of(text.doors, plain, self._error)),
            children=children_of(text.children, self._error),
        )
        for key, problem in contradictions(registers, profile.blocks, profile.limits.max_words):
            raise self._error(key, problem)
        return profile

    def _error(self, key: str, text: str) -> ProfileError:
        return self._source.error(key, text)

    def _wire(self, key: str, at: int) -> int:
        """The one place where a vendor's address becomes the one on the wire."""
        address = at - self._text.first_address
        if not 0 <= address <= 0xFFFF:
            first = self._text.first_address
            raise self._error(key, f"{at} should be between {first} and {0xFFFF + first}")
        return address

    def _type(self, key: str, name: str) -> RegisterType:
        try:
            return RegisterType(name)
        except ValueError:
            known = ", ".join(RegisterType)
            raise self._error(key, f"{name!r} should be one of {known}") from None

    def _registers(self) -> list[tuple[str, Register]]:
        tables = self._text.registers
        found = [
            (f"registers.{space}[{number}]", self._register(space, number, line))
            for space, lines in ((Space.INPUT, tables.input), (Space.HOLDING, tables.holding))
            for number, line in enumerate(lines)
        ]
        if not found:
            raise self._error("registers", "should list at least one register")
        if len(found) > MAX_REGISTERS:
            raise self._error("registers", f"should be at most {MAX_REGISTERS}")
        return found

    def _register(self, space: Space, number: int, line: RegisterText) -> Register:
        key = f"registers.{space}[{number}]"
        register = self._made(key, space, line)
        self._check_register(key, line, register)
        return register

    def _made(self, key: str, space: Space, line: RegisterText) -> Register:
        kind = self._type(f"{key}.as", line.as_)
        scale_from = None
        if line.scale_from is not None:
            scale_from = self._wire(f"{key}.scale_from", line.scale_from)
        return Register(
            at=line.at,
            address=self._wire(f"{key}.at", line.at),
            space=space,
            type=kind,
            count=self._count(key, kind, line),
            quantity=line.is_,
            scale=Fraction(line.scale),
            offset=Fraction(line.offset),
            scale_from=scale_from,
            low_word_first=(line.word_order or self._text.word_order) == "low_first",
            low_byte_first=(line.byte_order or self._text.byte_order) == "low_first",
            unavailable=self._unavailable(kind, line),
            labels=self._words_of(f"{key}.labels", line.labels, self._text.labels, 1 << 32),
            bits=self._words_of(f"{key}.bits", line.bits, self._text.bits, 64),
            prefer=line.prefer,
            polled=line.poll,
            known_only=line.known_only,
        )

    def _count(self, key: str, kind: RegisterType, line: RegisterText) -> int:
        if kind is RegisterType.STR:
            if line.words is None or not 1 <= line.words <= MAX_STRING_WORDS:
                raise self._error(f"{key}.words", f"should be 1 to {MAX_STRING_WORDS} for a string")
            return line.words
        if line.words is not None:
            raise self._error(f"{key}.words", f"is for strings; {kind} has {WORDS_OF[kind]}")
        return WORDS_OF[kind]

    def _unavailable(self, kind: RegisterType, line: RegisterText) -> tuple[int, ...]:
        """As decoded numbers: 0x8000 in a signed register is -32768."""
        if kind is RegisterType.STR or kind in FLOATS:
            return ()
        default = self._text.unavailable.get(kind)
        given = line.unavailable
        if given is None:
            given = [] if default is None else [default]
        top = 1 << (16 * WORDS_OF[kind])
        return tuple(n - top if kind in SIGNED and n >= top // 2 else n for n in given)

    def _words_of(
        self, key: str, name: str, tables: Mapping[str, Mapping[str, str]], end: int
    ) -> tuple[tuple[int, str], ...]:
        """A table of `labels` or `bits` by name; its keys are numbers below `end`."""
        if not name:
            return ()
        if name not in tables:
            known = ", ".join(sorted(tables)) or "none is defined"
            raise self._error(key, f"{name!r} should be the name of a table ({known})")
        kind = key.rsplit(".", 1)[1]
        return tuple(
            (self._number(f"{kind}.{name}", text, end), label)
            for text, label in tables[name].items()
        )

    def _number(self, key: str, text: str, end: int) -> int:
        try:
            number = int(text, 0)
        except ValueError:
            number = -1
        if not 0 <= number < end:
            raise self._error(f"{key}.{text}", f"{text!r} should be a number below {end}")
        return number

    def _check_register(self, key: str, line: RegisterText, register: Register) -> None:
        if register.scale == 0:
            raise self._error(f"{key}.scale", "should not be 0")
        if not line.is_:
            return
        quantity = QUANTITIES.get(line.is_)
        if quantity is None:
            near = ", ".join(difflib.get_close_matches(line.is_, QUANTITIES, 3)) or "see the list"
            raise self._error(f"{key}.is", f"{line.is_!r} is no quantity; perhaps {near}")
        if line.unit != quantity.unit:
            raise self._error(
                f"{key}.unit",
                f"{line.unit!r} should be {quantity.unit!r}, the unit of {quantity.name}; "
                "`scale` turns the vendor's unit into it",
            )
        words = bool(line.labels) or register.type is RegisterType.STR
        if quantity.kind is Kind.STATE and not line.labels:
            raise self._error(f"{key}.labels", f"{quantity.name} is a state and needs labels")
        if (quantity.kind is Kind.BITS) != bool(line.bits):
            raise self._error(f"{key}.bits", "flags need bits, and only flags have them")
        if quantity.kind in _NUMERIC and words:
            raise self._error(f"{key}.as", f"{quantity.name} should be a number")

    def _blocks(self) -> tuple[Served, ...]:
        blocks: list[Served] = []
        for number, each in enumerate(self._text.blocks):
            first = self._wire(f"blocks[{number}].from", each.first)
            last = self._wire(f"blocks[{number}].to", each.last)
            if last < first:
                raise self._error(f"blocks[{number}].to", "should not lie before `from`")
            blocks.append(Served(Space(each.space), first, last))
        return tuple(blocks)

    def _limits(self) -> Limits:
        limits = self._text.limits
        if not 1 <= limits.max_words <= MAX_WORDS:
            raise self._error("limits.max_words", f"should be 1 to {MAX_WORDS}")
        if not 0 <= limits.max_gap < MAX_WORDS:
            raise self._error("limits.max_gap", f"should be 0 to {MAX_WORDS - 1}, best {MAX_GAP}")
        return Limits(limits.max_words, limits.max_gap)

    def _evidence(self, number: int, each: EvidenceText) -> Evidence:
        key = f"evidence[{number}]"
        kind = self._type(f"{key}.as", each.as_)
        if kind is RegisterType.STR or kind in FLOATS:
            raise self._error(f"{key}.as", "should be a whole number type")
        line = RegisterText(at=each.at, as_=each.as_)
        return Evidence(self._made(key, Space(each.space), line), each.least, each.most)

    def _capabilities(self) -> tuple[Capability, ...]:
        return tuple(
            self._capability(f"capabilities[{n}]", each)
            for n, each in enumerate(self._text.capabilities)
        )

    def _capability(self, key: str, each: CapabilityText) -> Capability:
        names = [other.name for other in self._text.capabilities]
        if not _NAME.fullmatch(each.name) or names.count(each.name) > 1:
            raise self._error(f"{key}.name", f"{each.name!r} should be a new lower case name")
        if each.needs and (each.needs not in names or each.needs == each.name):
            raise self._error(f"{key}.needs", f"{each.needs!r} should be another capability")
        if not each.choices and (each.least is None or each.most is None):
            raise self._error(key, "should have either `choices` or `least` and `most`")
        if each.least is not None and each.most is not None and each.least > each.most:
            raise self._error(f"{key}.most", "should not be below `least`")
        return Capability(
            name=each.name,
            at=each.at,
            address=self._wire(f"{key}.at", each.at),
            type=self._type(f"{key}.as", each.as_),
            scale=Fraction(each.scale),
            unit=each.unit,
            least=_maybe(each.least),
            most=_maybe(each.most),
            step=_maybe(each.step),
            choices=MappingProxyType(dict(each.choices)),
            needs=each.needs,
            refresh_s=each.refresh_s,
            note=each.note,
        )

    def _models(self) -> Mapping[int, str]:
        models: dict[int, str] = {}
        for text, model in self._text.models.items():
            code = self._number("models", text, 0x10000)
            if code in models:
                raise self._error(f"models.{text}", f"is {models[code]} already")
            models[code] = model
        return MappingProxyType(models)


def _maybe(number: int | Decimal | None) -> Fraction | None:
    return None if number is None else Fraction(number)
