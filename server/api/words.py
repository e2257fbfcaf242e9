"""From words to a value, for somebody who looks at single registers.

Profiles decode what the gateway itself reads; this is the loupe beside them.
"""

import struct
from collections.abc import Sequence
from typing import TypeAlias

from server.api.refusals import BadRequest

Decoded: TypeAlias = int | float | str | None

_WIDTHS = {
    "none": 1,
    "uint": 1,
    "int": 1,
    "float": 2,
    "ascii": 1,
    "utf16": 1,
    "u16": 1,
    "i16": 1,
    "u32": 2,
    "i32": 2,
    "f32": 2,
    "u64": 4,
    "i64": 4,
    "f64": 4,
    "str": 1,
}
_FLOATS = {2: ">f", 4: ">d"}
INTEGER_WORDS_MAX = 4
"""The widest integer of any device has 64 bits."""


def width_of(kind: str) -> int:
    """How many words a type needs at least; raises BadRequest for one that does not exist."""
    try:
        return _WIDTHS[kind.lower()]
    except KeyError:
        names = "uint, int, float, ascii, utf16, none, U16, I16, U32, I32, U64, I64, F32, F64, STR"
        raise BadRequest(f"type: use one of {names}, not {kind[:40]!r}") from None


def decode(words: Sequence[int], kind: str, little: bool) -> Decoded:
    """The value of `words`; with `little` the last word is the most significant."""
    kind = kind.lower()
    if kind == "none":
        return None
    if kind in ("ascii", "str", "utf16"):
        return _text(words, kind)
    ordered = words[::-1] if little else words
    data = b"".join(word.to_bytes(2, "big") for word in ordered)
    if kind in ("float", "f32", "f64"):
        return _float(data, len(words))
    if len(words) > INTEGER_WORDS_MAX:
        raise BadRequest(f"size: an integer has at most {INTEGER_WORDS_MAX} words")
    return int.from_bytes(data, "big", signed=kind.startswith("i"))


def _float(data: bytes, count: int) -> float:
    form = _FLOATS.get(count)
    if form is None:
        raise BadRequest("size: a float has 2 or 4 words")
    value: float = struct.unpack(form, data)[0]
    return value


def _text(words: Sequence[int], kind: str) -> str:
    data = b"".join(word.to_bytes(2, "big") for word in words)
    encoding = "utf-16-be" if kind == "utf16" else "ascii"
    return data.decode(encoding, errors="replace").rstrip("\x00 ")
