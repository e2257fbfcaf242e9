"""What a WiNet-S dongle says: pure functions from its JSON to values.

Owns result codes and the shapes of answers. Refuses to know how they travel. Whatever is not
exactly what was asked for raises ProtocolError with the beginning of the evidence; nothing is
guessed and no value is made up.
"""

import json
import string
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from server.errors import ProtocolError

OK = 1
NOTICE = 100
"""Pushed: the session was given to somebody else, or ran out."""
TOKEN_INVALID = 106
"""The token is unknown or has expired: connect anew."""
LOCKED = 114
"""The account is locked for about half an hour."""
BUSY = 301
"""The read failed or the dongle is busy; it wants to be left alone for some seconds."""
MAX_EVIDENCE_BYTES = 120
"""How much of a broken answer is kept as evidence."""
MAX_UNITS = 64
"""Devices listed by one dongle that are looked at; a dongle serves some thirty at most."""
MAX_WORD_CHARS = 120
"""Characters of the dongle's own words that are shown."""

_HEX = frozenset(string.hexdigits + " ")
_MAX_DIGITS = 9
"""Digits of a number: an id has fewer, and a huge one would cost time and be sent back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `service` is empty over HTTP, which needs none."""

    code: int
    message: str
    data: Mapping[str, object]

    @property
    def service(self) -> str:
        """Which question it answers."""
        return text(self.data.get("service"))

    def __str__(self) -> str:
        return f"result {self.code} {self.message!r}" if self.message else f"result {self.code}"


@dataclass(frozen=True, slots=True)
class Unit:
    """A device behind the dongle, as its list names it."""

    dev_id: int
    dev_type: int
    dev_code: int


def parse(raw: str | bytes) -> Answer:
    """The answer in `raw`."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("no JSON", evidence(raw)) from error
    code = whole(body.get("result_code")) if isinstance(body, dict) else None
    if code is None:
        raise ProtocolError("JSON without a result_code", evidence(raw))
    data = body.get("result_data")
    return Answer(code, text(body.get("result_msg")), data if isinstance(data, dict) else {})


def words_in(answer: Answer, count: int) -> tuple[int, ...]:
    """The words of a getParam answer: hexadecimal bytes with spaces between them."""
    value = answer.data.get("param_value")
    return _words(value, count, "param_value")


def frame_in(answer: Answer) -> bytes:
    """The RTU frame of a passthrough answer."""
    value = answer.data.get("data")
    raw = _bytes(value)
    if raw is None:
        raise ProtocolError("no frame in result_data.data", evidence(repr(value)))
    return raw


def units_in(answer: Answer) -> dict[int, Unit]:
    """The devices of a devicelist answer by unit; those it describes badly are left out."""
    listed = answer.data.get("list")
    if not isinstance(listed, list):
        raise ProtocolError("a devicelist without a list", evidence(repr(answer.data)))
    units: dict[int, Unit] = {}
    for item in listed[:MAX_UNITS]:
        if not isinstance(item, dict):
            continue
        dev_id, kind, code = (whole(item.get(key)) for key in ("dev_id", "dev_type", "dev_code"))
        if dev_id is not None and kind is not None and code is not None:
            units.setdefault(dev_id, Unit(dev_id, kind, code))
    return units


def whole(value: object) -> int | None:
    """A whole number, which some firmwares write as text; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 10**_MAX_DIGITS else None
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value) if len(value) <= _MAX_DIGITS else None
    return None


def text(value: object) -> str:
    """Text of the dongle's, short enough to be shown; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else " " for c in value[:MAX_WORD_CHARS])


def evidence(raw: str | bytes) -> bytes:
    """The beginning of what came, as bytes."""
    if isinstance(raw, str):
        raw = raw[:MAX_EVIDENCE_BYTES].encode("utf-8", "replace")
    return raw[:MAX_EVIDENCE_BYTES]


def _words(value: object, count: int, name: str) -> tuple[int, ...]:
    raw = _bytes(value)
    if raw is None:
        raise ProtocolError(f"{name} is no hexadecimal text", evidence(repr(value)))
    if len(raw) != 2 * count:
        raise ProtocolError(f"{len(raw)} bytes instead of {2 * count} in {name}", evidence(raw))
    return struct.unpack(f">{count}H", raw)


def _bytes(value: object) -> bytes | None:
    """Hexadecimal pairs, with or without spaces between them."""
    if not isinstance(value, str) or not _HEX.issuperset(value):
        return None
    try:
        return bytes.fromhex(value)
    except ValueError:
        return None
