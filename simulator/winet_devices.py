"""What hangs on the dongle, as its device lists name it, and what it says of itself."""

from typing import Any

from simulator.door import MODBUS
from simulator.face import BATTERY, INPUT, INVERTER, Face
from simulator.models import Model
from simulator.modbus_pdu import Refused

STRING_INVERTER = 1
METER = 18
SOLAR_INVERTER = 21
HYBRID_INVERTER = 35
BATTERY_PACK = 44
CHARGER = 46

BATTERY_CODE = 8424
"""The device code of an SBR battery."""

_PHYSICAL = {BATTERY: 200}
_BATTERY_SERIAL_AT = 10711
_SERIAL_WORDS = 10

_TYPES = (
    ("I18N_COMMON_STRING_INVERTER", STRING_INVERTER),
    ("I18N_COMMON_SOLAR_INVERTER", SOLAR_INVERTER),
    ("I18N_COMMON_STORE_INVERTER", HYBRID_INVERTER),
    ("I18N_COMMON_AMMETER", METER),
    ("I18N_COMMON_CHARGING_PILE", CHARGER),
)


def type_of(model: Model) -> int:
    """The dongle's number for this kind of inverter: houses have 21, larger strings 1."""
    if model.family == "hybrid":
        return HYBRID_INVERTER
    return STRING_INVERTER if model.name.endswith("CX") else SOLAR_INVERTER


def devices(face: Face, door: str, with_list: bool = True) -> list[dict[str, Any]]:
    """One entry for each unit; over the websocket each carries an empty list of its own."""
    entries = []
    for unit, kind in sorted(face.units(door).items()):
        entry = _battery(face, door, unit) if kind == BATTERY else _inverter(face, unit)
        entries.append({**entry, "list": []} if with_list else entry)
    return entries


def device_types() -> list[dict[str, Any]]:
    """The page /device/getType."""
    return [{"name": name, "value": value} for name, value in _TYPES]


def about(serial: str, version: str) -> list[dict[str, str]]:
    """The page /about/list."""
    rows = (
        ("I18N_COMMON_DEVICE_SN", f"B{serial[1:]}", "1"),
        ("I18N_COMMON_APPLI_SOFT_VERSION", version, "2"),
        ("I18N_COMMON_BUILD_SOFT_VERSION", version.rpartition(".")[0] + ".B001", "2"),
        ("I18N_COMMON_VERSION", "M_WiNet-S_V01_V01_A", "0"),
    )
    return [
        {"data_name": name, "data_value": value, "data_unit": "", "type": kind}
        for name, value, kind in rows
    ]


def _inverter(face: Face, unit: int) -> dict[str, Any]:
    model = face.model
    code, kind = model.type_code, type_of(model)
    own = next(number for number, what in face.units(MODBUS).items() if what == INVERTER)
    return _entry(unit, code, kind, model.name, face.serial, physical=own, protocol=2)


def _battery(face: Face, door: str, unit: int) -> dict[str, Any]:
    name = f"SBR{face.model.battery_capacity_wh // 100:03d}"
    physical = _PHYSICAL[BATTERY]
    serial = _battery_serial(face, door, unit)
    return _entry(unit, BATTERY_CODE, BATTERY_PACK, name, serial, physical, protocol=0)


def _entry(
    unit: int, code: int, kind: int, name: str, serial: str, physical: int, protocol: int
) -> dict[str, Any]:
    return {
        "id": unit,
        "dev_id": unit,
        "dev_code": code,
        "dev_type": kind,
        "dev_procotol": protocol,
        "inv_type": 0,
        "dev_sn": serial,
        "dev_name": f"{name}(COM1-{physical:03d})",
        "dev_model": name,
        "port_name": "COM1",
        "phys_addr": str(physical),
        "logc_addr": str(unit),
        "link_status": 1,
        "init_status": 1 if protocol else 255,
        "dev_special": "0",
    }


def _battery_serial(face: Face, door: str, unit: int) -> str:
    try:
        words = face.read(door, unit, INPUT, _BATTERY_SERIAL_AT - 1, _SERIAL_WORDS)
    except Refused:
        return ""
    raw = b"".join(word.to_bytes(2, "big") for word in words)
    return raw.rstrip(b"\0\xff").decode("ascii", "replace")
