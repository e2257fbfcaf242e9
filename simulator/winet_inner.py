"""Holding registers that no protocol document lists and the dongle's own page uses: feed-in limits.

31221 is the switch and 31222 the limit in 0.01 kW, on every family. Clients of the newer firmware
write them as frames. Behind them stand the family's documented registers; all other addresses go
to the plant as they are. Addresses are wire addresses, as at the plant's face.
"""

from collections.abc import Sequence

from simulator.face import HOLDING, Face
from simulator.modbus_pdu import ILLEGAL_ADDRESS, Refused

FIRST = 31221
LAST = 31228
"""The span that such a read may cover; what is not named here is unavailable."""

UNAVAILABLE = 0xFFFF

_SWITCH = {"string": 5010, "hybrid": 13087}
_LIMIT = {"string": 5011, "hybrid": 13074}
_LIMIT_COUNTS = {"string": 1, "hybrid": 10}
"""Counts of the documented register in one of 31222: string 0.01 kW, hybrid 1 W."""


def read_holding(face: Face, door: str, unit: int, first: int, count: int) -> Sequence[int]:
    """Words of holding registers; raises Refused."""
    if not _inside(first, count):
        return face.read(door, unit, HOLDING, first, count)
    family = face.model.family
    (switch,) = face.read(door, unit, HOLDING, _SWITCH[family] - 1, 1)
    (limit,) = face.read(door, unit, HOLDING, _LIMIT[family] - 1, 1)
    words = [switch, limit // _LIMIT_COUNTS[family]]
    words += [UNAVAILABLE] * (LAST - FIRST + 1 - len(words))
    at = first + 1 - FIRST
    return words[at : at + count]


def write(face: Face, door: str, unit: int, first: int, words: Sequence[int]) -> None:
    """Write holding registers; raises Refused."""
    if not _inside(first, len(words)):
        face.write(door, unit, first, words)
        return
    if first + len(words) > FIRST + 1:
        raise Refused(ILLEGAL_ADDRESS)
    family = face.model.family
    for at, word in enumerate(words, start=first + 1):
        if at == FIRST:
            face.write(door, unit, _SWITCH[family] - 1, [word])
        else:
            face.write(door, unit, _LIMIT[family] - 1, [min(0xFFFF, word * _LIMIT_COUNTS[family])])


def _inside(first: int, count: int) -> bool:
    return FIRST <= first + 1 and first + count <= LAST
