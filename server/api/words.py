"""From words to a value, for somebody who looks at single registers.

Profiles decode what the gateway itself reads; this is the loupe beside them.
"""

import struct
from collections.abc import Sequence
from typing import TypeAlias

from server.api.refusals import BadRequest

Decoded: TypeAlias = int | float | str | None

INTEGER_WORDS_MAX = 4
"""The widest integer of any device has 64 bits."""
MAX_READ_WORDS = 125
"""Modbus: the most words of one answer. Text and raw words may fill it."""

_FLOATS = {2: ">f", 4: ">d"}
_ANY = range(1, MAX_READ_WORDS + 1)
_INTEGER = range(1, INTEGER_WORDS_MAX + 1)
_SIZES: dict[str, Sequence[int]] = {
    "none": _ANY,
    "uint": _INTEGER,
    "int": _INTEGER,
    "float": (2, 4),
    "ascii": _ANY,
    "utf16": _ANY,
    "u16": (1,),
    "i16": (1,),
    "u32": (2,),
    "i32": (2,),
    "f32": (2,),
    "u64": (4,),
    "i64": (4,),
    "f64": (4,),
    "str": _ANY,
}
"""How many words a value of a type may have; the first is what it has when nobody says."""


def count_of(kind: str, size: int) -> int:
    """How many words to read for `kind`; raises BadRequest when `size` is not one of its sizes.

    A size of one is what requests say that name none: the type's own smallest counts then.
    """
    sizes = _sizes_of(kind)
    count = sizes[0] if size == 1 else size
    _check_size(kind, count)
    return count


def _sizes_of(kind: str) -> Sequence[int]:
    try:
        return _SIZES[kind.lower()]
    except KeyError:
        names = "uint, int, float, ascii, utf16, none, U16, I16, U32, I32, U64, I64, F32, F64, STR"
        raise BadRequest(f"type: use one of {names}, not {kind[:40]!r}") from None


def _check_size(kind: str, count: int) -> None:
    sizes = _sizes_of(kind)
    if count not in sizes:
        few = f"{sizes[0]} to {sizes[-1]}" if isinstance(sizes, range) else ""
        words = few or " or ".join(str(each) for each in sizes)
        raise BadRequest(f"size: {kind} has {words} words, not {count}")


def decode(words: Sequence[int], kind: str, little: bool) -> Decoded:
    """The value of `words`; with `little` the last word is the most significant."""
    _check_size(kind, len(words))
    kind = kind.lower()
    if kind == "none":
        return None
    if kind in ("ascii", "str", "utf16"):
        return _text(words, kind)
    ordered = words[::-1] if little else words
    data = b"".join(word.to_bytes(2, "big") for word in ordered)
    if kind in ("float", "f32", "f64"):
        value: float = struct.unpack(_FLOATS[len(words)], data)[0]
        return value
    return int.from_bytes(data, "big", signed=kind.startswith("i"))


def _text(words: Sequence[int], kind: str) -> str:
    data = b"".join(word.to_bytes(2, "big") for word in words)
    encoding = "utf-16-be" if kind == "utf16" else "ascii"
    return data.decode(encoding, errors="replace").rstrip("\x00 ")
