"""What the dongle tells of the plant in words: names as keys, values as strings with units.

It turns one `Moment` into the lists of the services `real`, `real_battery`, `direct`, `statistics`,
and owns the keys and their English labels. Powers are kW, energies kWh, and "--" is no value.
"""

from collections.abc import Iterable, Sequence

from simulator.door import MODBUS
from simulator.face import INPUT, INVERTER, Face
from simulator.models import Model
from simulator.modbus_pdu import Refused
from simulator.physics import Moment
from simulator.sungrow_tables import Scene

NONE = "--"
"""What the dongle shows for a value that it does not have."""

BATTERY_HEALTH = 98.5
"""Percent, as the registers say (document 13024)."""

Item = dict[str, str]
Value = float | str | None

_KWH = 3_600_000
_FREQUENCY_AT = 5036
_UNAVAILABLE = 0xFFFF

# fmt: off
LABELS: dict[str, str] = {
    "I18N_COMMONUA": "Phase A Voltage",
    "I18N_COMMON_ACCOUNT_LOCKED": "Account locked",
    "I18N_COMMON_AIR_TEM_INSIDE_MACHINE": "Internal Air Temperature",
    "I18N_COMMON_AMMETER": "Meter",
    "I18N_COMMON_APPLI_SOFT_VERSION": "Application Software Version",
    "I18N_COMMON_BATTARY_HEALTH": "Battery Health (SOH)",
    "I18N_COMMON_BATTERY_CURRENT": "Battery Current",
    "I18N_COMMON_BATTERY_SOC": "Battery Level (SOC)",
    "I18N_COMMON_BATTERY_TEMPERATURE": "Battery Temperature",
    "I18N_COMMON_BATTERY_VOLTAGE": "Battery Voltage",
    "I18N_COMMON_BUILD_SOFT_VERSION": "Build Software Version",
    "I18N_COMMON_CHARGE": "Charge",
    "I18N_COMMON_CHARGE_DISCHARGE_COMMAND": "Charging/Discharging Command",
    "I18N_COMMON_CHARGE_DISCHARGE_POWER": "Charging/Discharging Power",
    "I18N_COMMON_CHARGING_PILE": "Charger",
    "I18N_COMMON_DAILY_POWER_YIELD": "Daily Yield",
    "I18N_COMMON_DERATING_RUN": "Derating",
    "I18N_COMMON_DEVICE_SN": "Device S/N",
    "I18N_COMMON_DISCHARGE": "Discharge",
    "I18N_COMMON_DISPATCH_RUN": "Dispatch Run",
    "I18N_COMMON_ENABLE": "Enable",
    "I18N_COMMON_ENERGY_MANAGEMENT_MODE": "Energy Management Mode",
    "I18N_COMMON_EXTERNAL_EMS": "External EMS",
    "I18N_COMMON_FAULT": "Fault",
    "I18N_COMMON_FEED_NETWORK_LIMIT": "Feed-in Limitation",
    "I18N_COMMON_FEED_NETWORK_LIMIT_VALUE": "Feed-in Limitation Value",
    "I18N_COMMON_FEED_NETWORK_TOTAL_ACTIVE_POWER": "Total Export Active Power",
    "I18N_COMMON_FORCED_MODE": "Compulsory Mode",
    "I18N_COMMON_FRAGMENT_RUN_TYPE1": "Phase A Current",
    "I18N_COMMON_GRID_FREQUENCY": "Grid Frequency",
    "I18N_COMMON_GROUP_BUNCH_TITLE_AND": "String {0}",
    "I18N_COMMON_IB": "Phase B Current",
    "I18N_COMMON_IC": "Phase C Current",
    "I18N_COMMON_LOAD_TOTAL_ACTIVE_POWER": "Total Load Active Power",
    "I18N_COMMON_LOGIN_FAILED": "Login failed",
    "I18N_COMMON_OFF_GRID_OPERATION": "Off-grid Operation",
    "I18N_COMMON_ON_GRID_OPERATION": "On-grid Operation",
    "I18N_COMMON_PARA_OFF": "Close",
    "I18N_COMMON_PV_DAYILY_ENERGY_GENERATION": "Daily PV Yield",
    "I18N_COMMON_PV_TOTAL_ENERGY_GENERATION": "Total PV Yield",
    "I18N_COMMON_READ_FAILED": "Read failed",
    "I18N_COMMON_RUNNING": "Running",
    "I18N_COMMON_RUNNING_STATE": "Running Status",
    "I18N_COMMON_SELF_CONSUMPTION": "Self-consumption",
    "I18N_COMMON_SET_FAILED": "Set failed",
    "I18N_COMMON_SOLAR_INVERTER": "PV Inverter",
    "I18N_COMMON_STANDBY": "Standby",
    "I18N_COMMON_STARTING": "Starting",
    "I18N_COMMON_STOP": "Stop",
    "I18N_COMMON_STORE_INVERTER": "Hybrid Inverter",
    "I18N_COMMON_STRING_INVERTER": "String Inverter",
    "I18N_COMMON_SYSTEM_TIME": "System Time",
    "I18N_COMMON_TOKEN_INVALID": "Token invalid",
    "I18N_COMMON_TOTAL_ACTIVE_POWER": "Total Active Power",
    "I18N_COMMON_TOTAL_DCPOWER": "Total DC Power",
    "I18N_COMMON_TOTAL_YIELD": "Total Yield",
    "I18N_COMMON_UB": "Phase B Voltage",
    "I18N_COMMON_UC": "Phase C Voltage",
    "I18N_COMMON_VERSION": "Version",
    "I18N_COMMON_VPP": "VPP",
    "I18N_CONFIG_KEY_3907": "Battery Charging Power",
    "I18N_CONFIG_KEY_3921": "Battery Discharging Power",
    "I18N_CONFIG_KEY_4060": "Purchased Power",
}

FAULT = 0x5500
"""The state word of an inverter that has failed."""

_STATES: dict[int, str] = {
    0x0000: "I18N_COMMON_RUNNING",
    0x0040: "I18N_COMMON_RUNNING",
    0x0400: "I18N_COMMON_ON_GRID_OPERATION",
    0x0800: "I18N_COMMON_ON_GRID_OPERATION",
    0x1000: "I18N_COMMON_OFF_GRID_OPERATION",
    0x1400: "I18N_COMMON_STANDBY",
    0x1600: "I18N_COMMON_STARTING",
    0x4000: "I18N_COMMON_DISPATCH_RUN",
    FAULT: "I18N_COMMON_FAULT",
    0x8000: "I18N_COMMON_STOP",
    0x8100: "I18N_COMMON_DERATING_RUN",
    0x8200: "I18N_COMMON_DISPATCH_RUN",
    0x9100: "I18N_COMMON_RUNNING",
}
# fmt: on


def properties() -> str:
    """The page /i18n/en_US.properties."""
    return "".join(f"{key}={label}\n" for key, label in LABELS.items())


def real(face: Face) -> list[Item]:
    """The inverter's live values."""
    moment, model = face.moment(), face.model
    scene = Scene(model=model, moment=moment)
    rows = [
        *_yields(model, moment),
        _item("I18N_COMMON_RUNNING_STATE", _state(face)),
        _item("I18N_COMMON_AIR_TEM_INSIDE_MACHINE", moment.inverter_c, "℃", 1),
        *_grid(model, moment),
        _item("I18N_COMMON_TOTAL_DCPOWER", moment.flow.pv_w / 1000, "kW", 2),
        _item("I18N_COMMON_TOTAL_ACTIVE_POWER", scene.output_w / 1000, "kW", 2),
        _item("I18N_COMMON_GRID_FREQUENCY", moment.frequency_hz, "Hz", 2),
    ]
    for name, phase in (("I18N_COMMONUA", 0), ("I18N_COMMON_UB", 1), ("I18N_COMMON_UC", 2)):
        if phase < model.phases:
            rows.append(_item(name, scene.phase_v(phase), "V", 1))
    for name, phase in (
        ("I18N_COMMON_FRAGMENT_RUN_TYPE1", 0),
        ("I18N_COMMON_IB", 1),
        ("I18N_COMMON_IC", 2),
    ):
        if phase < model.phases:
            rows.append(_item(name, scene.phase_a(phase), "A", 1))
    if measures(face):
        return rows
    # What carries a unit is measured; the state is known in the dark too.
    return [{**row, "data_value": NONE} if row["data_unit"] else row for row in rows]


def real_battery(face: Face) -> list[Item]:
    """The battery's live values; empty where there is no battery."""
    moment, model = face.moment(), face.model
    if not model.battery_capacity_wh:
        return []
    scene = Scene(model=model, moment=moment)
    power_w = moment.flow.battery_w
    return [
        _item("I18N_CONFIG_KEY_3907", max(0, -power_w) / 1000, "kW", 3),
        _item("I18N_CONFIG_KEY_3921", max(0, power_w) / 1000, "kW", 3),
        _item("I18N_COMMON_BATTERY_VOLTAGE", scene.battery_v, "V", 1),
        _item("I18N_COMMON_BATTERY_CURRENT", abs(power_w) / scene.battery_v, "A", 1),
        _item("I18N_COMMON_BATTERY_TEMPERATURE", moment.battery_c, "℃", 1),
        _item("I18N_COMMON_BATTERY_SOC", moment.soc * 100, "%", 1),
        _item("I18N_COMMON_BATTARY_HEALTH", BATTERY_HEALTH, "%", 1),
    ]


def direct(face: Face) -> list[Item]:
    """Voltage and current of each tracker, and of the strings of a string inverter."""
    model = face.model
    scene = Scene(model=model, moment=face.moment())
    seen = measures(face)
    names = [f"MPPT{index + 1}" for index in range(model.mppts)]
    if model.family == "string":
        names += [f"I18N_COMMON_GROUP_BUNCH_TITLE_AND%@{index + 1}" for index in range(model.mppts)]
    return [
        {
            "name": name,
            "voltage": _text(scene.string_v(index % model.mppts) if seen else None, 1),
            "voltage_unit": "V",
            "current": _text(scene.string_a(index % model.mppts) if seen else None, 1),
            "current_unit": "A",
        }
        for index, name in enumerate(names)
    ]


def statistics(face: Face, units: int) -> list[Item]:
    """The plant in one glance, and how many devices are online."""
    moment, model = face.moment(), face.model
    scene = Scene(model=model, moment=moment)
    rated = _text(model.nominal_power_w / 1000, 2)
    seen = measures(face)
    string = model.family == "string" and seen
    return [
        {
            "today_energy": _text(moment.today.output / _KWH if string else None, 1),
            "today_energy_unit": "kWh",
            "total_energy": _text(moment.total.output / _KWH if string else None, 1),
            "total_energy_unit": "kWh",
            "curr_power": _text(scene.output_w / 1000 if seen else None, 2),
            "curr_power_unit": "kW",
            "curr_reactive": _text(0.0 if seen else None, 2),
            "curr_reactive_unit": "kvar",
            "rated_power": rated,
            "rated_power_unit": "kW",
        },
        {
            "online_num": str(units),
            "online_num_unit": "",
            "offline_num": "0",
            "offline_num_unit": "",
        },
    ]


def _yields(model: Model, moment: Moment) -> Iterable[Item]:
    """A string inverter counts its output; a hybrid its panels, and shows no yield."""
    string = model.family == "string"
    today, total = moment.today, moment.total
    if not string:
        yield _item("I18N_COMMON_PV_DAYILY_ENERGY_GENERATION", today.pv / _KWH, "kWh", 1)
        yield _item("I18N_COMMON_PV_TOTAL_ENERGY_GENERATION", total.pv / _KWH, "kWh", 1)
    yield _item("I18N_COMMON_DAILY_POWER_YIELD", today.output / _KWH if string else None, "kWh", 1)
    yield _item("I18N_COMMON_TOTAL_YIELD", total.output / _KWH if string else None, "kWh", 1)


def _grid(model: Model, moment: Moment) -> Iterable[Item]:
    """What the meter says, where one reports through the inverter."""
    if model.family == "string" and not model.meter:
        return
    flow = moment.flow
    yield _item("I18N_COMMON_LOAD_TOTAL_ACTIVE_POWER", flow.load_w / 1000, "kW", 3)
    name = "I18N_COMMON_FEED_NETWORK_TOTAL_ACTIVE_POWER"
    yield _item(name, max(0, -flow.grid_w) / 1000, "kW", 2)
    yield _item("I18N_CONFIG_KEY_4060", max(0, flow.grid_w) / 1000, "kW", 2)


def state_word(face: Face) -> int | None:
    """The inverter's own state register, which knows of faults and orders too.

    Read as on its own port: what the dongle does not forward, it still sees.
    """
    return _word(face, 13000 if face.model.family == "hybrid" else 5038)


def names_a_fault(face: Face) -> bool:
    """Whether the inverter's own registers name a fault or an alarm."""
    first, count = (5045, 1) if face.model.family == "string" else (13050, 30)
    return any(word not in (0, _UNAVAILABLE) for word in _words(face, first, count))


def measures(face: Face) -> bool:
    """Whether the inverter measures at all: at night it may mark everything as unavailable."""
    return _word(face, _FREQUENCY_AT) not in (None, _UNAVAILABLE)


def _word(face: Face, at: int) -> int | None:
    """One of the inverter's own registers, by document address."""
    return next(iter(_words(face, at, 1)), None)


def _words(face: Face, first: int, count: int) -> Sequence[int]:
    """Some of them, all of one moment; none where they are refused."""
    unit = next(unit for unit, kind in face.units(MODBUS).items() if kind == INVERTER)
    try:
        return face.read(MODBUS, unit, INPUT, first - 1, count)
    except Refused:
        return ()


def _state(face: Face) -> str:
    word = state_word(face)
    return NONE if word is None else _STATES.get(word, NONE)


def _item(name: str, value: Value, unit: str = "", digits: int = 0) -> Item:
    text = value if isinstance(value, str) else _text(value, digits)
    return {"data_name": name, "data_value": text, "data_unit": unit}


def _text(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"
