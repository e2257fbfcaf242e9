"""What a register is, and how words become values.

Owns types, word and byte order, scale, unavailable values, labels and flags. Refuses to know
who reads the words or which device they come from.

Rules:

1. A value that the device marked as unavailable is absent, and so are its raw words. It is
   never 0.
2. Scales are decimal. A raw number n becomes (n * a + b) / c in whole numbers with one division
   at the end, so 3 at 0.1 is 0.3 and not 0.30000000000000004; with c = 1 it stays an int.
3. The hot loop is compiled, once per block: one `struct` and one generated function that tests
   and scales each value in place; a comprehension over tuples costs a third more. The generated
   text holds numbers and quoted names only, and nothing of an unchecked file.
"""

import math
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from server.model.device import Space
from server.model.quantity import QUANTITIES, Kind
from server.model.reading import Value

MAX_COMPILED_DECODERS = 512
"""Decoders kept. A profile needs about ten; a thousand equal devices share them."""
MAX_STRING_WORDS = 32
"""Longest string, in words; serial numbers have 10, the longest names of SunSpec 16."""
MAX_SCALE_EXPONENT = 10
"""Largest power of ten that a scale register may hold: SunSpec allows -10 to 10."""
SCALE_NOT_IMPLEMENTED = 0x8000
"""What a scale register holds when it has no scale."""

LEAST_WHOLE, MOST_WHOLE = -(2**63), 2**64 - 1
"""The whole numbers that can be stored and sent."""
ONE = Fraction(1)
ZERO = Fraction(0)


class RegisterType(StrEnum):
    """How the words of one register are read."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    STR = "str"


WORDS_OF: Mapping[RegisterType, int] = {
    RegisterType.U16: 1,
    RegisterType.I16: 1,
    RegisterType.U32: 2,
    RegisterType.I32: 2,
    RegisterType.U64: 4,
    RegisterType.I64: 4,
    RegisterType.F32: 2,
    RegisterType.F64: 4,
}
"""Words of each type; a string says its own length."""

_LETTER = {
    RegisterType.U16: "H",
    RegisterType.I16: "h",
    RegisterType.U32: "I",
    RegisterType.I32: "i",
    RegisterType.U64: "Q",
    RegisterType.I64: "q",
    RegisterType.F32: "f",
    RegisterType.F64: "d",
}
SIGNED = frozenset({RegisterType.I16, RegisterType.I32, RegisterType.I64})
FLOATS = frozenset({RegisterType.F32, RegisterType.F64})


@dataclass(frozen=True, slots=True)
class Register:
    """One register of a device, checked by `profile`.

    `at` is the vendor document's address, `address` the one on the wire. `quantity` is a name of
    `model.quantity`, or empty when only the raw words are of interest. `scale_from` is the wire
    address of a register that holds the power of ten. `unavailable` holds decoded raw numbers.
    `bits` names flags by bit number; a flag without a name is called `<at>.<bit>`.
    """

    at: int
    address: int
    space: Space
    type: RegisterType
    count: int
    quantity: str = ""
    scale: Fraction = ONE
    offset: Fraction = ZERO
    scale_from: int | None = None
    low_word_first: bool = False
    low_byte_first: bool = False
    unavailable: tuple[int, ...] = ()
    labels: tuple[tuple[int, str], ...] = ()
    bits: tuple[tuple[int, str], ...] = ()
    prefer: int = 0
    """Of several registers of one quantity that answer, the highest gives the value."""
    polled: bool = True
    """False: read once, when the device is identified."""
    known_only: bool = False
    """True: in models unknown to the profile the number may mean something else."""

    @property
    def slot(self) -> str:
        """Where its value waits until the preferred one is chosen."""
        return f"{self.quantity}:{self.prefer}" if self.prefer else self.quantity


Decoder: TypeAlias = Callable[[Sequence[int], dict[str, Value], dict[int, int]], None]
"""Takes the words of one block; adds values and raw words to the two mappings."""

Finish: TypeAlias = Callable[[dict[str, Value], dict[int, int]], None]
"""Runs after the last block: applies scales from registers, chooses preferred values."""


@lru_cache(maxsize=MAX_COMPILED_DECODERS)
def compile_decoder(registers: tuple[Register, ...], address: int, count: int) -> Decoder:
    """The decoder of a block of `count` words from wire `address` on that holds `registers`."""
    names: dict[str, object] = {"isfinite": math.isfinite}
    body = _raw_lines(registers, address, count, names)
    for number, (orders, group) in enumerate(_grouped(registers).items()):
        pack, unpack = orders
        names[f"pack{number}"] = struct.Struct(f"{pack}{count}H").pack
        names[f"unpack{number}"] = struct.Struct(unpack + _layout(group, address, count)).unpack
        targets = ", ".join(f"v{register.address}" for register in group)
        body.append(f"({targets},) = unpack{number}(pack{number}(*words))")
    for register in registers:
        body += _value_lines(register, names)
    source = "def decode(words, values, raw):\n" + "".join(f"    {line}\n" for line in body)
    exec(compile(source, f"<decoder of {address}+{count}>", "exec"), names)
    decoder: Decoder = names["decode"]  # type: ignore[assignment]  # made by the line above
    return decoder


def compile_finish(registers: Sequence[Register]) -> Finish:
    """What is left to do once every block of a poll has been decoded."""
    scaled = tuple(r for r in registers if r.scale_from is not None and r.quantity)
    choices = _choices(registers)

    def finish(values: dict[str, Value], raw: dict[int, int]) -> None:
        for register in scaled:
            _scale_from_register(register, values, raw)
        for quantity, slots in choices:
            found = [values.pop(slot) for slot in slots if slot in values]
            if found:
                values[quantity] = found[0]

    return finish


def number_of(register: Register, words: Sequence[int]) -> int | None:
    """The raw number in the words of a whole number register; None when it is unavailable."""
    pack, unpack = _orders(register)
    data = struct.pack(f"{pack}{register.count}H", *words)
    number: int = struct.unpack(unpack + _LETTER[register.type], data)[0]
    return None if number in register.unavailable else number


def encode(register: Register, value: Value) -> tuple[int, ...]:
    """The words that decode to `value`; raises ValueError when there are none."""
    if register.type is RegisterType.STR:
        return _encode_string(register, str(value))
    if isinstance(value, str):
        raise ValueError(f"{register.at}: {value!r} is not a number")
    pack, unpack = _orders(register)
    raw = (_fraction(value) - register.offset) / register.scale
    if register.type in FLOATS:
        data = struct.pack(unpack + _LETTER[register.type], float(raw))
    elif raw.denominator != 1:
        raise ValueError(f"{register.at}: {value} is not a multiple of {register.scale}")
    else:
        data = _pack_integer(register, unpack, int(raw))
    return struct.unpack(f"{pack}{register.count}H", data)


def _pack_integer(register: Register, unpack: str, raw: int) -> bytes:
    try:
        return struct.pack(unpack + _LETTER[register.type], raw)
    except struct.error as error:
        raise ValueError(f"{register.at}: {raw} does not fit {register.type}") from error


def _encode_string(register: Register, text: str) -> tuple[int, ...]:
    data = text.encode("utf-8")
    if len(data) > 2 * register.count:
        raise ValueError(f"{register.at}: {text!r} is longer than {2 * register.count} bytes")
    pack, _ = _orders(register)
    return struct.unpack(f"{pack}{register.count}H", data.ljust(2 * register.count, b"\0"))


def _fraction(value: int | float) -> Fraction:
    """The decimal number that a person sees: 0.1 is a tenth."""
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def _orders(register: Register) -> tuple[str, str]:
    """The byte order to pack a block's words in, and the one to read the value in.

    Words arrive as numbers. Written out in one order and read back in the same or the other
    one, they give all four combinations of word and byte order without touching a word.
    """
    if register.type is RegisterType.STR:
        return ("<" if register.low_byte_first else ">"), ">"
    unpack = "<" if register.low_word_first else ">"
    if register.low_byte_first:
        return (">" if unpack == "<" else "<"), unpack
    return unpack, unpack


def _grouped(registers: Sequence[Register]) -> dict[tuple[str, str], list[Register]]:
    groups: dict[tuple[str, str], list[Register]] = {}
    for register in sorted(registers, key=lambda r: r.address):
        groups.setdefault(_orders(register), []).append(register)
    return groups


def _layout(group: Sequence[Register], address: int, count: int) -> str:
    """The struct format of a block: its registers, and padding between them."""
    parts: list[str] = []
    at = address
    for register in group:
        if register.address > at:
            parts.append(f"{2 * (register.address - at)}x")
        is_text = register.type is RegisterType.STR
        parts.append(f"{2 * register.count}s" if is_text else _LETTER[register.type])
        at = register.address + register.count
    if address + count > at:
        parts.append(f"{2 * (address + count - at)}x")
    return "".join(parts)


def _raw_lines(
    registers: Sequence[Register], address: int, count: int, names: dict[str, object]
) -> list[str]:
    """Raw words go in first, in one call; those of unavailable registers come out again."""
    wanted = sorted({a for r in registers for a in range(r.address, r.address + r.count)})
    names["addresses"] = tuple(wanted)
    if len(wanted) == count:
        return ["raw.update(zip(addresses, words))"]
    names["wanted"] = tuple(a - address for a in wanted)
    return ["raw.update(zip(addresses, [words[i] for i in wanted]))"]


def _value_lines(register: Register, names: dict[str, object]) -> list[str]:
    name = f"v{register.address}"
    keep = _keep_lines(register, name, names)
    test = _test(register, name)
    if not test:
        return keep
    drop = "; ".join(
        f"raw.pop({a}, None)" for a in range(register.address, register.address + register.count)
    )
    return [f"if {test}:", *(f"    {line}" for line in keep or ["pass"]), f"else: {drop}"]


def _test(register: Register, name: str) -> str:
    """The condition under which the value is available; empty when it always is."""
    if register.type is RegisterType.STR:
        return f"{name}.strip(b'\\0 ')"
    if register.type in FLOATS:
        return f"isfinite({name})"
    if not register.unavailable:
        return ""
    if len(register.unavailable) == 1:
        return f"{name} != {register.unavailable[0]}"
    return f"{name} not in {register.unavailable!r}"


def _keep_lines(register: Register, name: str, names: dict[str, object]) -> list[str]:
    if not register.quantity:
        return []
    key = repr(register.slot)
    if QUANTITIES[register.quantity].kind is Kind.BITS:
        names[f"f{register.address}"] = _flags(register)
        text = f"f{register.address}({name})"
        return [
            f"before = values.get({key}, '')",
            f"values[{key}] = before if not {name} else f'{{before}},{{{text}}}'.lstrip(',')",
        ]
    convert = _converter(register)
    if convert is not None:
        names[f"f{register.address}"] = convert
        return [f"if (n := f{register.address}({name})) is not None: values[{key}] = n"]
    if register.scale_from is not None:
        return [f"values[{key}] = {name}"]
    return [f"values[{key}] = {_formula(register, name)}"]


def _converter(register: Register) -> Callable[..., Value | None] | None:
    """A function for what is not plain integer arithmetic; it may find no value."""
    if register.type is RegisterType.STR:
        return _text
    if register.labels:
        labels = dict(register.labels)
        return lambda raw: labels.get(raw) or f"unknown 0x{raw:04X}"
    scale, offset = register.scale, register.offset
    if register.type in FLOATS:
        shorten = _shortest_f32 if register.type is RegisterType.F32 else float
        if scale == ONE and offset == ZERO:
            return shorten
        return lambda raw: _storable(_fraction(shorten(raw)) * scale + offset, whole=False)
    if register.scale_from is None and _reaches_too_far(register):
        whole = scale.denominator == offset.denominator == 1
        return lambda raw: _storable(raw * scale + offset, whole)
    return None


def _reaches_too_far(register: Register) -> bool:
    span = 2 ** (16 * register.count)
    ends = (-span // 2, span // 2) if register.type in SIGNED else (0, span - 1)
    reached = sorted(end * register.scale + register.offset for end in ends)
    return reached[0] < LEAST_WHOLE or reached[1] > MOST_WHOLE


def _storable(value: Fraction, whole: bool) -> Value | None:
    if whole:
        return int(value) if LEAST_WHOLE <= value <= MOST_WHOLE else None
    return float(value) if abs(value) <= sys.float_info.max else None


def _formula(register: Register, name: str) -> str:
    """(n * a + b) / c as Python text, without the steps that do nothing."""
    c = math.lcm(register.scale.denominator, register.offset.denominator)
    a = int(register.scale * c)
    b = int(register.offset * c)
    text = {1: name, -1: f"-{name}"}.get(a, f"{name} * {a}")
    if b:
        text = f"({text} + {b})" if b > 0 else f"({text} - {-b})"
    return text if c == 1 else f"{text} / {c}"


def _flags(register: Register) -> Callable[[int], str]:
    named = dict(register.bits)
    labels = tuple(
        (1 << bit, named.get(bit, f"{register.at}.{bit}")) for bit in range(16 * register.count)
    )

    def flags(raw: int) -> str:
        return ",".join(label for mask, label in labels if raw & mask)

    return flags


def _text(data: bytes) -> str:
    """Up to the first NUL; what cannot be printed is left out."""
    text = data.split(b"\0", 1)[0].decode("utf-8", "ignore")
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _shortest_f32(value: float) -> float:
    """The shortest decimal that is the same 32-bit number: 0.1, not 0.10000000149011612."""
    exact = struct.pack(">f", value)
    for digits in (7, 8):
        short = float(f"{value:.{digits}g}")
        if abs(short) < 3.4e38 and struct.pack(">f", short) == exact:
            return short
    return float(f"{value:.9g}")


def _choices(registers: Sequence[Register]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """For each quantity that several registers compete for: its slots, the best first."""
    groups: dict[str, set[int]] = {}
    for register in registers:
        groups.setdefault(register.quantity, set()).add(register.prefer)
    return tuple(
        (name, tuple(f"{name}:{rank}" if rank else name for rank in sorted(ranks, reverse=True)))
        for name, ranks in groups.items()
        if name and ranks != {0}
    )


def _scale_from_register(
    register: Register, values: dict[str, Value], raw: Mapping[int, int]
) -> None:
    """Apply the power of ten that another register holds; without one there is no value."""
    number = values.pop(register.slot, None)
    word = raw.get(register.scale_from if register.scale_from is not None else -1)
    if number is None or isinstance(number, str) or word in (None, SCALE_NOT_IMPLEMENTED):
        return
    exponent = word - 0x10000 if word is not None and word > 0x7FFF else word or 0
    if abs(exponent) > MAX_SCALE_EXPONENT:
        return
    value = _fraction(number) * register.scale * Fraction(10) ** exponent + register.offset
    scaled = _storable(value, whole=value.denominator == 1)
    if scaled is not None:
        values[register.slot] = scaled
