"""Every quantity that Egret knows, once: its name, unit, kind, sign and title.

Signs, stated once for the whole product: PV production is positive; grid import is positive and
export negative; battery discharge is positive and charge negative; house load is their sum
(pv + battery + grid). Units are SI: W, Wh, V, A, Hz, degrees Celsius, percent.

A profile maps registers to these names with `is = "..."` and may use no other; the store, the
API, the page and every sink read unit and kind from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

MAX_MPPT = 12
"""Trackers a device may have; the largest string inverters of the vendor documents have 12."""


class Kind(StrEnum):
    """How a quantity behaves over time, which decides how it may be aggregated."""

    GAUGE = "gauge"
    """Goes up and down; averaged."""
    COUNTER = "counter"
    """Only rises over the life of the device; a fall is a reset, never negative energy."""
    DAILY = "daily"
    """Rises during a day and falls to zero at the device's midnight."""
    STATE = "state"
    """One of a list of words."""
    BITS = "bits"
    """A set of flags, carried as words separated by commas."""
    IDENTITY = "identity"
    """Says what the device is; does not change while it runs."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity. `sign` says in words what a positive value means, where that can differ."""

    name: str
    unit: str
    kind: Kind
    title: str
    sign: str = ""


def _mppt(number: int) -> tuple[Quantity, ...]:
    return (
        Quantity(f"mppt{number}_voltage", "V", Kind.GAUGE, f"MPPT {number} voltage"),
        Quantity(f"mppt{number}_current", "A", Kind.GAUGE, f"MPPT {number} current"),
    )


def _phase(letter: str) -> tuple[Quantity, ...]:
    upper = letter.upper()
    return (
        Quantity(f"phase_{letter}_voltage", "V", Kind.GAUGE, f"Phase {upper} voltage"),
        Quantity(f"phase_{letter}_current", "A", Kind.GAUGE, f"Phase {upper} current"),
        Quantity(
            f"grid_phase_{letter}_power", "W", Kind.GAUGE, f"Grid power, phase {upper}", "import"
        ),
        Quantity(f"backup_phase_{letter}_power", "W", Kind.GAUGE, f"Backup power, phase {upper}"),
    )


_ALL: tuple[Quantity, ...] = (
    # What the house lives on now.
    Quantity("pv_power", "W", Kind.GAUGE, "Solar power", "production"),
    Quantity("grid_power", "W", Kind.GAUGE, "Grid power", "import"),
    Quantity("battery_power", "W", Kind.GAUGE, "Battery power", "discharge"),
    Quantity("load_power", "W", Kind.GAUGE, "House load", "consumption"),
    Quantity(
        "active_power", "W", Kind.GAUGE, "Active power", "fed from the inverter to its AC side"
    ),
    Quantity("reactive_power", "var", Kind.GAUGE, "Reactive power"),
    Quantity("apparent_power", "VA", Kind.GAUGE, "Apparent power"),
    Quantity("power_factor", "", Kind.GAUGE, "Power factor"),
    Quantity("backup_power", "W", Kind.GAUGE, "Backup power"),
    # Energies over the life of the device.
    Quantity("pv_energy", "Wh", Kind.COUNTER, "Solar energy"),
    Quantity("yield_energy", "Wh", Kind.COUNTER, "Yield (may include battery discharge)"),
    Quantity("grid_import_energy", "Wh", Kind.COUNTER, "Grid import"),
    Quantity("grid_export_energy", "Wh", Kind.COUNTER, "Grid export"),
    Quantity("pv_export_energy", "Wh", Kind.COUNTER, "Solar energy exported"),
    Quantity("pv_charge_energy", "Wh", Kind.COUNTER, "Solar energy into the battery"),
    Quantity("direct_use_energy", "Wh", Kind.COUNTER, "Solar energy used directly"),
    Quantity("battery_charge_energy", "Wh", Kind.COUNTER, "Battery charge"),
    Quantity("battery_discharge_energy", "Wh", Kind.COUNTER, "Battery discharge"),
    # Energies of the device's day.
    Quantity("pv_energy_today", "Wh", Kind.DAILY, "Solar energy today"),
    Quantity("yield_energy_today", "Wh", Kind.DAILY, "Yield today (may include battery discharge)"),
    Quantity("grid_import_energy_today", "Wh", Kind.DAILY, "Grid import today"),
    Quantity("grid_export_energy_today", "Wh", Kind.DAILY, "Grid export today"),
    Quantity("pv_export_energy_today", "Wh", Kind.DAILY, "Solar energy exported today"),
    Quantity("pv_charge_energy_today", "Wh", Kind.DAILY, "Solar energy into the battery today"),
    Quantity("direct_use_energy_today", "Wh", Kind.DAILY, "Solar energy used directly today"),
    Quantity("battery_charge_energy_today", "Wh", Kind.DAILY, "Battery charge today"),
    Quantity("battery_discharge_energy_today", "Wh", Kind.DAILY, "Battery discharge today"),
    # The battery.
    Quantity("battery_soc", "%", Kind.GAUGE, "State of charge"),
    Quantity("battery_soh", "%", Kind.GAUGE, "State of health"),
    Quantity("battery_voltage", "V", Kind.GAUGE, "Battery voltage"),
    Quantity("battery_current", "A", Kind.GAUGE, "Battery current, sign as the device gives it"),
    Quantity("battery_temperature", "°C", Kind.GAUGE, "Battery temperature"),
    Quantity("battery_capacity", "Wh", Kind.GAUGE, "Battery capacity"),
    Quantity("battery_charge_current_max", "A", Kind.GAUGE, "Largest charge current"),
    Quantity("battery_discharge_current_max", "A", Kind.GAUGE, "Largest discharge current"),
    Quantity("battery_power_rating", "W", Kind.GAUGE, "Battery converter rating"),
    # The grid connection and the machine.
    Quantity("grid_frequency", "Hz", Kind.GAUGE, "Grid frequency"),
    Quantity("temperature", "°C", Kind.GAUGE, "Inside temperature"),
    Quantity("nominal_power", "W", Kind.IDENTITY, "Nominal power"),
    Quantity("export_limit_min", "W", Kind.GAUGE, "Smallest export limit"),
    Quantity("export_limit_max", "W", Kind.GAUGE, "Largest export limit"),
    Quantity("running_time", "h", Kind.COUNTER, "Running time"),
    Quantity("running_time_today", "min", Kind.DAILY, "Running time today"),
    Quantity("work_state", "", Kind.STATE, "Working state"),
    Quantity("flow_state", "", Kind.BITS, "Energy flow"),
    Quantity("fault_code", "", Kind.GAUGE, "Fault code"),
    Quantity("faults", "", Kind.BITS, "Faults"),
    Quantity("device_type_code", "", Kind.IDENTITY, "Device type code"),
    Quantity("output_type", "", Kind.IDENTITY, "Output type"),
    Quantity("serial", "", Kind.IDENTITY, "Serial number"),
    *(quantity for letter in "abc" for quantity in _phase(letter)),
    *(quantity for number in range(1, MAX_MPPT + 1) for quantity in _mppt(number)),
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType({each.name: each for each in _ALL})
assert len(QUANTITIES) == len(_ALL), "a quantity is listed twice"
