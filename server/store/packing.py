"""How a record lies in a row: values as MessagePack, words as addresses then words, big-endian.

Owns the layout of the blobs of table `records` and nothing else. The CRC-32 over both blobs
tells a flipped bit from a reading: a damaged row is given back empty, never as a wrong value.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias
from zlib import crc32

import msgspec

from server.model.reading import ClockQuality, Reading, Record, Stored, Value

CLOCKS = (ClockQuality.UNSYNCED, ClockQuality.SYNCED, ClockQuality.CORRECTED)
"""The number on disk is the place in this tuple: never reorder, only append."""
UNSYNCED, SYNCED, CORRECTED = range(3)

ADDRESS_LISTS_MAX = 256
"""Lists of addresses remembered while reading: one per model and set of available registers."""

Row: TypeAlias = tuple[int, int, int, int, int, int, int, bytes, bytes, int]
"""position, boot, sequence, device, taken_at_ms, uptime_ms, clock, body, words, crc."""

COLUMNS = "position, boot, sequence, device, taken_at_ms, uptime_ms, clock, body, words, crc"

MOST_MS = 2**53
"""Times beyond are damage: 280,000 years, and what JSON can still say exactly."""

_CODES: Mapping[ClockQuality, int] = {quality: code for code, quality in enumerate(CLOCKS)}
_QUALITIES: Mapping[int, ClockQuality] = dict(enumerate(CLOCKS))
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, int | float | str]).decode

NO_VALUES = _encode({})
"""The body of a record without values."""


def pack_words(words: Mapping[int, int]) -> bytes:
    """All addresses, then all words, each as big-endian u16: two C loops, no interleaving."""
    return struct.pack(f">{2 * len(words)}H", *words, *words.values())


def unpack_words(blob: bytes) -> dict[int, int]:
    """The inverse of `pack_words`."""
    half = len(blob) // 2
    addresses, unpack_from = _layout(blob[:half])
    return dict(zip(addresses, unpack_from(blob, half)))  # noqa: B905 (strict costs a tenth)


@lru_cache(ADDRESS_LISTS_MAX)
def _layout(blob: bytes) -> tuple[tuple[int, ...], Callable[[bytes, int], tuple[int, ...]]]:
    """The addresses, and what unpacks as many words from an offset.

    A device is read at the same addresses every time, so half of the work is a look-up.
    """
    compiled = struct.Struct(f">{len(blob) // 2}H")
    return compiled.unpack(blob), compiled.unpack_from


def pack_values(values: Mapping[str, Value]) -> bytes:
    """MessagePack keeps int, float and str apart, and takes a tenth of JSON's time."""
    return _encode(values if type(values) is dict else dict(values))


def unpack_values(blob: bytes) -> dict[str, Value]:
    """The inverse of `pack_values`."""
    return _decode(blob)


def pack(
    records: Sequence[Record], devices: Mapping[str, int], head: int
) -> tuple[list[Row], set[str]]:
    """Rows for `records` at the positions after `head`. Every device must be in `devices`.

    Also the devices of records whose values cannot be stored. Such a record keeps its words: it
    would otherwise hold back everybody's, because a batch is tried again as it is.
    """
    rows: list[Row] = []
    unstorable: set[str] = set()
    position = head
    for record in records:
        position += 1
        reading = record.reading
        try:
            body = pack_values(reading.values)
        except (OverflowError, TypeError, ValueError):
            body = NO_VALUES
            unstorable.add(reading.device)
        words = pack_words(reading.words)
        rows.append(
            (
                position,
                record.boot,
                record.sequence,
                devices[reading.device],
                reading.taken_at_ms,
                reading.uptime_ms,
                _CODES[reading.clock],
                body,
                words,
                crc32(words, crc32(body)),
            )
        )
    return rows, unstorable


def unpack(rows: Iterable[Row], names: Mapping[int, str]) -> tuple[list[Stored], list[int]]:
    """The records of `rows`, and the positions of those that are damaged (now empty)."""
    found: list[Stored] = []
    damaged: list[int] = []
    for row in rows:
        stored = _whole(row, names)
        if stored is None:
            damaged.append(row[0])
            stored = _remains(row, names)
        found.append(stored)
    return found, damaged


def _whole(row: Row, names: Mapping[int, str]) -> Stored | None:
    """The record of a sound row, None for any other.

    The checksum covers the blobs alone, because correcting the clock rewrites the rest; and a
    flipped bit may have changed the very type of a column. So everything is looked at.
    """
    position, boot, sequence, device, taken_at_ms, uptime_ms, clock, body, words, crc = row
    try:
        if (
            crc32(words, crc32(body)) != crc
            or not is_time(taken_at_ms)
            or not is_time(uptime_ms)
            or not _is_identity(boot)
            or not _is_identity(sequence)
            or type(clock) is not int
            or clock not in _QUALITIES
            or device not in names
        ):
            return None
        values = _decode(body)
        registers = unpack_words(words)
    except (TypeError, ValueError, struct.error, msgspec.MsgspecError):
        return None
    reading = Reading(names[device], taken_at_ms, uptime_ms, _QUALITIES[clock], values, registers)
    return Stored(position, Record(boot, sequence, reading))


def is_time(value: object) -> bool:
    """True for milliseconds that a row may hold; a damaged one may hold anything."""
    return type(value) is int and -MOST_MS <= value <= MOST_MS


def _is_identity(value: object) -> bool:
    return type(value) is int and value >= 0


def _remains(row: Row, names: Mapping[int, str]) -> Stored:
    """What can still be said of a damaged row: as much of its identity as there is."""
    boot, sequence = (each if _is_identity(each) else 0 for each in row[1:3])
    taken_at_ms, uptime_ms = (each if is_time(each) else 0 for each in row[4:6])
    clock = _QUALITIES.get(row[6], ClockQuality.UNSYNCED)
    reading = Reading(names.get(row[3], ""), taken_at_ms, uptime_ms, clock, {}, {})
    return Stored(row[0], Record(boot, sequence, reading))
