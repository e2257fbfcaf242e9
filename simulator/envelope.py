"""What a gateway delivers: one JWT signed with ES256, taken apart and checked word by word.

The wire format: `b64url(header).b64url(payload).b64url(r || s)`, no padding. The header names the
gateway (`device`), the inverter (`sn`), the boot, and for every millisecond of the payload its
sequence number and the quality of the clock. The payload maps milliseconds to raw register words.

It knows no HTTP and keeps nothing. A key given twice in one object is refused, for a parser that
kept the last one would lose a reading in silence.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from operator import lt
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

MAX_RECORDS_PER_DELIVERY = 10_000
"""Readings in one envelope. Gateways send about ten; a backlog after an outage some hundreds."""

MAX_TEXT = 100
"""Characters of a serial number or a model name."""

MAX_SEQUENCE = 2**63 - 1
"""The largest integer that the store's database can hold."""

MAX_TAKEN_AT_MS = 2**53
"""Milliseconds that every JSON reader can hold exactly."""

_JWT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_GATEWAY = re.compile(r"[0-9a-f]{18}")
_BOOT = re.compile(r"[0-9a-f]{16}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_compact = json.JSONEncoder(separators=(",", ":")).encode
_QUALITIES = frozenset({"synced", "unsynced", "corrected"})
_SIGNATURE_BYTES = 64


class Malformed(Exception):
    """The delivery is not what the wire format says; the message tells the sender what to mend."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One reading as it came."""

    sequence: int
    taken_at_ms: int
    clock: str
    words: str
    """The registers as canonical JSON."""
    digest: bytes
    """Stands for everything the identity must never change: device, time and words."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One delivery, parsed but not yet believed."""

    gateway: str
    serial: str
    model: str
    boot: str
    records: tuple[Delivered, ...]
    signed: bytes
    signature: bytes


def parse(body: bytes) -> Envelope:
    """Take a delivery apart; raises `Malformed`."""
    parts = _JWT.fullmatch(body.strip())
    if parts is None:
        raise Malformed("the body is not a JWT: three base64url parts joined by dots")
    header = _object(parts[1], "header")
    payload = _object(parts[2], "payload")
    signature = _decode(parts[3], "signature")
    if len(signature) != _SIGNATURE_BYTES:
        raise Malformed(f"the signature has {len(signature)} bytes, ES256 has 64 (r || s)")
    if header.get("alg") != "ES256":
        raise Malformed(f"alg is {header.get('alg')!r}; only ES256 is taken")
    serial = _text(header, "sn")
    return Envelope(
        gateway=_matching(header, "device", _GATEWAY, "18 lower-case hex digits"),
        serial=serial,
        model=_text(header, "model"),
        boot=_matching(header, "boot", _BOOT, "16 lower-case hex digits"),
        records=_records(header, payload, serial),
        signed=parts[1] + b"." + parts[2],
        signature=signature,
    )


def load_key(public_key: str) -> ec.EllipticCurvePublicKey:
    """A P-256 public key from 128 hex digits, x || y; raises ValueError."""
    if not re.fullmatch(r"[0-9a-fA-F]{128}", public_key):
        raise ValueError("a public key is 128 hex digits: x, then y")
    raw = b"\x04" + bytes.fromhex(public_key)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        raise ValueError("these 128 hex digits are not a point of the P-256 curve") from None


def is_signed_by(envelope: Envelope, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether the key made this envelope's signature."""
    half = _SIGNATURE_BYTES // 2
    r = int.from_bytes(envelope.signature[:half], "big")
    s = int.from_bytes(envelope.signature[half:], "big")
    try:
        key.verify(encode_dss_signature(r, s), envelope.signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def strict_json(raw: bytes, what: str) -> dict[str, Any]:
    """A JSON object in which no key comes twice; raises `Malformed`."""
    try:
        value = json.loads(raw, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Malformed(f"the {what} is not JSON") from None
    if not isinstance(value, dict):
        raise Malformed(f"the {what} is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed("a key comes twice in one JSON object, so one value would be lost")
    return result


def _decode(part: bytes, what: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        raise Malformed(f"the {what} is not base64url") from None


def _object(part: bytes, what: str) -> dict[str, Any]:
    return strict_json(_decode(part, what), what)


def _text(header: dict[str, Any], key: str) -> str:
    value = header.get(key)
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise Malformed(f"header.{key} must be a text of at most {MAX_TEXT} characters")
    return value


def _matching(header: dict[str, Any], key: str, form: re.Pattern[str], words: str) -> str:
    value = header.get(key)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Malformed(f"header.{key} must be {words}")
    return value


def _records(header: dict[str, Any], payload: dict[str, Any], serial: str) -> tuple[Delivered, ...]:
    sequences, clocks = header.get("seq"), header.get("clock")
    if not isinstance(sequences, dict) or not isinstance(clocks, dict):
        raise Malformed("header.seq and header.clock must be objects keyed by millisecond")
    if not payload.keys() == sequences.keys() == clocks.keys():
        raise Malformed("payload, header.seq and header.clock must have the same milliseconds")
    if not 1 <= len(payload) <= MAX_RECORDS_PER_DELIVERY:
        raise Malformed(f"a delivery carries 1 to {MAX_RECORDS_PER_DELIVERY} readings")
    records = tuple(
        _record(key, sequences[key], clocks[key], words, serial) for key, words in payload.items()
    )
    if len({record.sequence for record in records}) != len(records):
        raise Malformed("two readings of one delivery carry the same sequence number")
    return records


def _record(key: str, sequence: object, clock: object, words: object, serial: str) -> Delivered:
    if not _NUMBER.fullmatch(key) or int(key) > MAX_TAKEN_AT_MS:
        raise Malformed(f"{key[:30]!r} is not a time in Unix milliseconds")
    if type(sequence) is not int or not 0 <= sequence <= MAX_SEQUENCE:
        raise Malformed(f"header.seq of {key} must be a whole number from 0 to 2**63 - 1")
    if not isinstance(clock, str) or clock not in _QUALITIES:
        raise Malformed(f"header.clock of {key} must be synced, unsynced or corrected")
    canonical = _compact(_registers(key, words))
    content = f"{serial}\n{key}\n{canonical}".encode()
    return Delivered(
        sequence=sequence,
        taken_at_ms=int(key),
        clock=clock,
        words=canonical,
        digest=hashlib.blake2b(content, digest_size=16).digest(),
    )


def _registers(key: str, words: object) -> dict[str, int]:
    """The registers in order of address. Whole readings at once: a batch has a thousand words."""
    if not isinstance(words, dict):
        raise Malformed(f"the reading of {key} must be an object of registers")
    addresses = [_address(address) for address in words]
    values = words.values()
    if words and (set(map(type, values)) != {int} or min(values) < 0 or max(values) > 0xFFFF):
        raise Malformed(f"the registers of {key} must be words from 0 to 65535")
    if all(map(lt, addresses, addresses[1:])):
        return words
    return dict(sorted(words.items(), key=lambda item: _address(item[0])))


@lru_cache(maxsize=0x10000)
def _address(text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > 0xFFFF:
        raise Malformed(f"{text[:30]!r} is not a register address from 0 to 65535")
    return int(text)
