"""The holding registers of a Sungrow inverter: what may be written, and what it makes it do.

It owns the settings' words, their ranges and their meaning as `Orders`; it knows no sockets and
reads no clock. Sources: Sungrow string inverter protocol V1.1.80, hybrid protocol V1.1.16.
"""

from dataclasses import dataclass

from simulator.models import Model
from simulator.physics import Orders
from simulator.sungrow_tables import (
    CHARGE,
    DISCHARGE,
    EMS_EXTERNAL,
    EMS_FORCED,
    EMS_SELF,
    EMS_VPP,
    HALT,
    OFF,
    ON,
    START,
    STOP,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One writable register: its word at delivery and the words it accepts."""

    at: int
    initial: int
    accepts: range | frozenset[int]


def _words(*accepted: int) -> frozenset[int]:
    return frozenset(accepted)


def settings_of(model: Model) -> tuple[Setting, ...]:
    """The writable registers that a model has."""
    return _hybrid(model) if model.family == "hybrid" else _string(model)


# fmt: off
def _string(model: Model) -> tuple[Setting, ...]:
    nominal = model.nominal_power_w
    return (
        Setting(5006, START,          _words(START, STOP)),
        Setting(5007, OFF,            _words(ON, OFF)),
        Setting(5008, 1000,           range(1001)),
        Setting(5010, OFF,            _words(ON, OFF)),
        Setting(5011, nominal // 10,  range(nominal // 10 + 1)),
        Setting(5015, 1000,           range(1001)),
        Setting(5036, 0x55,           _words(0x55, 0xA1, 0xA2, 0xA3, 0xA4)),
        Setting(5039, nominal // 100, range(nominal // 100 + 1)),
    )


def _hybrid(model: Model) -> tuple[Setting, ...]:
    nominal, battery = model.nominal_power_w, model.battery_power_w
    return (
        Setting(13000, START,          _words(START, STOP)),
        Setting(13050, EMS_SELF,       _words(EMS_SELF, EMS_FORCED, EMS_EXTERNAL, EMS_VPP)),
        Setting(13051, HALT,           _words(CHARGE, DISCHARGE, HALT)),
        Setting(13052, 0,              range(battery + 1)),
        Setting(13058, 1000,           range(500, 1001)),
        Setting(13059, 50,             range(501)),
        Setting(13074, nominal,        range(nominal + 1)),
        Setting(13075, OFF,            _words(ON, OFF)),
        Setting(13080, 20,             range(1, 3601)),
        Setting(13087, OFF,            _words(ON, OFF)),
        Setting(13088, 1000,           range(1001)),
        Setting(13089, OFF,            _words(ON, OFF)),
        Setting(13090, 1000,           range(1001)),
        Setting(13100, 0,              range(1001)),
        Setting(33047, battery // 10,  range(battery // 10 + 1)),
        Setting(33048, battery // 10,  range(battery // 10 + 1)),
    )
# fmt: on


START_STOP_AT = frozenset({5006, 13000})
"""Start and stop: the string inverter's register, and the hybrid's."""

START_DELAY_S = 10
"""Seconds from being told to start until power flows; real ones watch the grid for some time."""

EXPORT_LIMIT_AT = 13074
"""Hybrid: watts that may be exported."""

EXPORT_SWITCH_AT = 13087
"""Hybrid: whether that limit holds."""

HEARTBEAT_AT = 13080
"""Hybrid: seconds that external EMS control outlives its last sign of life."""

SIGNS_OF_LIFE = frozenset({13050, 13051, 13052, HEARTBEAT_AT})
"""Hybrid: writing any of these renews the heartbeat."""


def twin_of(model: Model, at: int, word: int) -> tuple[int, int] | None:
    """The register that says the same in another unit, and the word it takes with this write."""
    nominal = model.nominal_power_w
    if model.family == "hybrid":
        twins = {
            13074: (13088, word * 1000 // nominal),
            13088: (13074, word * nominal // 1000),
        }
    else:
        twins = {
            5008: (5039, word * nominal // 100_000),
            5039: (5008, word * 100_000 // nominal),
            5011: (5015, word * 10_000 // nominal),
            5015: (5011, word * nominal // 10_000),
        }
    return twins.get(at)


def orders_of(model: Model, words: dict[int, int], ems_mode: int) -> Orders:
    """What the settings make the inverter do."""
    if model.family == "string":
        return Orders(
            running=words[5006] == START,
            active_limit_w=(
                words[5008] * model.nominal_power_w // 1000 if _on(words, 5007) else None
            ),
            export_limit_w=words[5011] * 10 if _on(words, 5010) else None,
        )
    reserve = words[13100] if _on(words, 13075) else 0
    return Orders(
        running=words[13000] == START,
        active_limit_w=words[13090] * model.nominal_power_w // 1000 if _on(words, 13089) else None,
        export_limit_w=words[13074] if _on(words, 13087) else None,
        battery_power_w=_battery_order(words, ems_mode),
        soc_min=max(words[13059], reserve) / 1000,
        soc_max=words[13058] / 1000,
        max_charge_w=words[33047] * 10,
        max_discharge_w=words[33048] * 10,
    )


def _on(words: dict[int, int], at: int) -> bool:
    return words[at] == ON


def _battery_order(words: dict[int, int], ems_mode: int) -> int | None:
    if ems_mode == EMS_SELF:
        return None
    sign = {CHARGE: -1, DISCHARGE: 1, HALT: 0}[words[13051]]
    return sign * words[13052]
