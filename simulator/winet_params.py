"""The dongle's described parameters: its own addresses, words and units for what may be changed.

It owns how the dongle names a setting (`type` 7 limits of feed-in, 9 energy management, 3 the
switch) and which of the inverter's holding registers stands behind each. Values travel as text, in
the unit shown, with as many decimals as `accuracy` says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.face import HOLDING, Face
from simulator.modbus_pdu import Refused
from simulator.sungrow_tables import CHARGE, DISCHARGE, HALT, OFF, ON, START, STOP

MAX_PARAMS = 32
"""Parameters of one change; the dongle's own page sends a handful."""

SWITCH = "3"
FEED_IN = "7"
ENERGY = "9"

_CHOICE = 1
_AMOUNT = 2
_MAX_TEXT = 16


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: where the dongle has it, and where the inverter has it."""

    number: int
    at: int
    name: str
    register: Mapping[str, int]
    """Document address of the holding register, by family; absent where there is none."""
    options: tuple[tuple[str, int], ...] = ()
    unit: str = ""
    accuracy: int = 0
    counts: Mapping[str, int] | None = None
    """Counts of the register that make one unit, by family; None where words are words."""

    def text(self, family: str, word: int) -> str:
        """The register's word as the dongle shows it."""
        if self.counts is None:
            return str(word)
        return f"{word / self.counts[family]:.{self.accuracy}f}"

    def word(self, family: str, text: str) -> int:
        """The word for a text; raises ValueError."""
        if not text.isascii() or len(text) > _MAX_TEXT:
            raise ValueError("no number")
        scale = 1 if self.counts is None else self.counts[family]
        word = round(float(text) * scale)
        if not 0 <= word <= 0xFFFF:
            raise ValueError("no word")
        return word


_SWITCH_OPTIONS = (("I18N_COMMON_ENABLE", ON), ("I18N_COMMON_PARA_OFF", OFF))

# fmt: off
PARAMS: dict[str, tuple[Param, ...]] = {
    FEED_IN: (
        Param(1, 31221, "I18N_COMMON_FEED_NETWORK_LIMIT", {"string": 5010, "hybrid": 13087},
              options=_SWITCH_OPTIONS),
        Param(2, 31222, "I18N_COMMON_FEED_NETWORK_LIMIT_VALUE", {"string": 5011, "hybrid": 13074},
              unit="kW", accuracy=2, counts={"string": 100, "hybrid": 1000}),
    ),
    ENERGY: (
        Param(1, 33146, "I18N_COMMON_ENERGY_MANAGEMENT_MODE", {"hybrid": 13050},
              options=(("I18N_COMMON_SELF_CONSUMPTION", 0), ("I18N_COMMON_FORCED_MODE", 2),
                       ("I18N_COMMON_EXTERNAL_EMS", 3), ("I18N_COMMON_VPP", 4))),
        Param(2, 33147, "I18N_COMMON_CHARGE_DISCHARGE_COMMAND", {"hybrid": 13051},
              options=(("I18N_COMMON_CHARGE", CHARGE), ("I18N_COMMON_DISCHARGE", DISCHARGE),
                       ("I18N_COMMON_STOP", HALT))),
        Param(3, 33148, "I18N_COMMON_CHARGE_DISCHARGE_POWER", {"hybrid": 13052},
              unit="kW", accuracy=2, counts={"hybrid": 1000}),
    ),
}
# fmt: on

_SWITCH_REGISTER = {"string": 5006, "hybrid": 13000}


def described(face: Face, door: str, unit: int, kind: str) -> list[dict[str, Any]] | None:
    """What getParam lists for this type; None where there is nothing to list."""
    family = face.model.family
    entries = []
    for param in PARAMS.get(kind, ()):
        if family not in param.register:
            continue
        try:
            (word,) = face.read(door, unit, HOLDING, param.register[family] - 1, 1)
        except Refused:
            return None
        entries.append(_entry(param, param.text(family, word)))
    return entries or None


def change(face: Face, door: str, unit: int, kind: str, wanted: Any) -> bool:
    """Change what is listed; False as soon as one of them cannot be, the rest is left as it is."""
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= MAX_PARAMS:
        return False
    writes = [_write_of(face, kind, each) for each in wanted]
    if None in writes:
        return False
    try:
        for write in writes:
            assert write is not None
            face.write(door, unit, write[0] - 1, [write[1]])
    except Refused:
        return False
    return True


def _write_of(face: Face, kind: str, wanted: Any) -> tuple[int, int] | None:
    """Register and word of one entry; None where it makes no sense."""
    if not isinstance(wanted, dict):
        return None
    family = face.model.family
    if kind == SWITCH:
        word = {"1": START, "0": STOP}.get(str(wanted.get("power_switch"))[:2])
        return None if word is None else (_SWITCH_REGISTER[family], word)
    param = _param(PARAMS.get(kind, ()), str(wanted.get("param_addr"))[:_MAX_TEXT])
    if param is None or family not in param.register:
        return None
    try:
        return param.register[family], param.word(family, str(wanted.get("param_value")))
    except (ValueError, OverflowError):
        return None


def _param(params: Iterable[Param], at: str) -> Param | None:
    return next((param for param in params if str(param.at) == at), None)


def _entry(param: Param, value: str) -> dict[str, Any]:
    options = [{"name": name, "value": str(word)} for name, word in param.options]
    return {
        "param_id": param.number,
        "param_addr": param.at,
        "param_pid": -1,
        "param_type": _CHOICE if param.options else _AMOUNT,
        "accuracy": param.accuracy,
        "param_name": param.name,
        "param_value": value,
        "unit": param.unit,
        "relation": "",
        "regulation": "",
        "range": "",
        "options": options or "",
    }
