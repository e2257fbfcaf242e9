"""The dongle's lists of live values by service: who asks for which unit gets which rows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator import winet_values
from simulator.face import BATTERY, Face
from simulator.winet_devices import devices

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class View:
    """What one request looks at."""

    face: Face
    door: str
    unit: int
    now_s: float
    """The time on the dongle's own clock."""


def rows_of(service: str, view: View) -> Rows | None:
    """The rows of a service; None where the unit is not there."""
    return LISTS[service](view)


def state(face: Face) -> dict[str, str]:
    """The service `state`: faults, and how the dongle is connected."""
    failed = winet_values.state_word(face) == winet_values.FAULT
    named = winet_values.names_a_fault(face)
    return {
        "total_fault": str(int(failed)),
        "total_alarm": str(int(named and not failed)),
        "wireless_conn_sts": "0",
        "wifi_conn_sts": "0",
        "eth_conn_sts": "1",
        "eth2_conn_sts": "0",
        "cloud_conn_sts": "0",
        "server_net_type": "0",
    }


def _real(view: View) -> Rows | None:
    kind = view.face.units(view.door).get(view.unit)
    if kind is None:
        return None
    return _battery(view) if kind == BATTERY else [*winet_values.real(view.face)]


def _battery(view: View) -> Rows:
    return [*winet_values.real_battery(view.face)]


def _direct(view: View) -> Rows:
    return [*winet_values.direct(view.face)]


def _statistics(view: View) -> Rows:
    return [*winet_values.statistics(view.face, len(view.face.units(view.door)))]


def _runtime(view: View) -> Rows:
    first = devices(view.face, view.door)[0]
    glance = winet_values.statistics(view.face, 1)[0]
    entry: dict[str, Any] = {
        key: first[key] for key in ("dev_name", "dev_model", "dev_type", "dev_procotol")
    }
    entry["curr_power"] = glance["curr_power"]
    entry["curr_power_unit"] = glance["curr_power_unit"]
    return [entry]


def _local(view: View) -> Rows:
    clock = datetime.fromtimestamp(view.now_s, UTC).strftime("%Y-%m-%d %H:%M")
    return [{"data_name": "I18N_COMMON_SYSTEM_TIME", "data_value": clock, "data_unit": ""}]


LISTS: dict[str, Callable[[View], Rows | None]] = {
    "real": _real,
    "real_battery": _battery,
    "direct": _direct,
    "statistics": _statistics,
    "runtime": _runtime,
    "local": _local,
}
"""Service -> its rows."""
