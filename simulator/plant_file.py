"""A plant as it is asked for: on the command line, in a TOML file, or by both.

It owns the keys, their defaults and what is wrong with them in words; it starts nothing.

Rules. What the command line says wins over the file, key by key; lists (quirks, troubles) add up.
An error names its key, and one of a file the file and the line as well.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

from simulator import door_settings
from simulator.battery import BATTERY_UNIT
from simulator.behaviour import night_named
from simulator.clock import check_speed, parse_start
from simulator.door import MODBUS
from simulator.door_settings import DoorSettings
from simulator.doors import DEFAULT_PORTS, DOORS, Ports, ports_of
from simulator.models import model_named
from simulator.operations import order_in
from simulator.plant import VirtualPlant
from simulator.scenario_text import Place, lines_of
from simulator.sungrow_tables import SERIAL_WORDS
from simulator.trouble import Order, Quirk, parse_order, quirk_named

MAX_FILE_BYTES = 256 * 1024
"""The largest plant file; a plant takes some hundred bytes."""

MAX_SERIAL_CHARACTERS = 2 * SERIAL_WORDS
"""The longest serial number: more does not fit into its registers."""


class PlanError(ValueError):
    """A plan that cannot be; it names the key."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(key, text)
        self.key = key
        self.text = text

    def __str__(self) -> str:
        return f"{self.key}: {self.text}"


@contextmanager
def _of(key: str) -> Iterator[None]:
    """What is wrong within is wrong with this key."""
    try:
        yield
    except PlanError:
        raise
    except (ValueError, OverflowError) as wrong:
        raise PlanError(key, str(wrong)) from None


@dataclass(frozen=True, slots=True)
class Plan:
    """One plant, asked for."""

    model: str = "sh10rt"
    host: str = "127.0.0.1"
    unit: int = 1
    speed: float = 1.0
    seed: int = 0
    start: str | None = None
    latitude: float = 48.0
    serial: str | None = None
    night: str = "awake"
    control: int | None = None
    doors: Mapping[str, Ports] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    quirks: tuple[Quirk, ...] = ()
    troubles: tuple[Order, ...] = ()

    def __post_init__(self) -> None:
        for key in ("model", "host", "unit", "speed", "start", "latitude", "serial", "control"):
            with _of(key):
                _CHECKS[key](self)
        with _of("night"):
            night_named(self.night)
        with _of("settings"):
            door_settings.changed(DoorSettings(), self.settings)

    def with_changes(self, changes: Mapping[str, Any]) -> "Plan":
        """The same with what the command line says."""
        added = dict(changes)
        for name in ("doors", "settings"):
            added[name] = {**getattr(self, name), **added.get(name, {})}
        for name in ("quirks", "troubles"):
            added[name] = (*getattr(self, name), *added.get(name, ()))
        return replace(self, **added)

    def build(self) -> VirtualPlant:
        """The plant, not yet started; raises ValueError for a trouble at a door that it lacks."""
        plant = VirtualPlant(
            self.model,
            self.host,
            speed=self.speed,
            seed=self.seed,
            start_s=None if self.start is None else parse_start(self.start),
            unit_id=self.unit,
            serial=self.serial,
            latitude_deg=self.latitude,
            doors=self.doors or {MODBUS: DEFAULT_PORTS[MODBUS]},
            quirks=self.quirks,
            door_settings=door_settings.changed(DoorSettings(), self.settings),
        )
        plant.behave(night=self.night)
        for order in self.troubles:
            with _of("troubles"):
                if order.door:
                    plant.door(order.door)
                plant.troubles.set(order)
        return plant


def _check_host(plan: Plan) -> None:
    if not plan.host or not plan.host.isprintable() or " " in plan.host:
        raise ValueError(f"{plan.host!r} is no address; give 127.0.0.1, or 0.0.0.0 for all of them")


def _check_unit(plan: Plan) -> None:
    if not 1 <= plan.unit <= 247:
        raise ValueError(f"{plan.unit} is not a unit id; give 1 to 247")
    if plan.unit == BATTERY_UNIT and model_named(plan.model).battery_capacity_wh:
        raise ValueError(f"unit {plan.unit} is the battery's; give the inverter another one")


def _check_start(plan: Plan) -> None:
    if plan.start is not None:
        parse_start(plan.start)


def _check_latitude(plan: Plan) -> None:
    if not -90 <= plan.latitude <= 90:
        raise ValueError(f"{plan.latitude:g} is not a latitude; give -90 to 90")


def _check_serial(plan: Plan) -> None:
    serial = plan.serial
    if serial is None or (
        serial.isascii() and serial.isalnum() and len(serial) <= MAX_SERIAL_CHARACTERS
    ):
        return
    raise ValueError(
        f"give 1 to {MAX_SERIAL_CHARACTERS} letters and digits, or nothing for one of its own"
    )


def _check_control(plan: Plan) -> None:
    if plan.control is not None and not 0 <= plan.control <= 65535:
        raise ValueError(f"{plan.control} is not a port; give 0 to 65535")


_CHECKS: dict[str, Callable[[Plan], object]] = {
    "model": lambda plan: model_named(plan.model),
    "host": _check_host,
    "unit": _check_unit,
    "speed": lambda plan: check_speed(plan.speed),
    "start": _check_start,
    "latitude": _check_latitude,
    "serial": _check_serial,
    "control": _check_control,
}


def parse_ports(name: str, value: object) -> tuple[int, ...]:
    """The ports of a door as people write them: 5020, "80:8082", [80, 8082]; 0 is free ones."""
    wanted = len(DEFAULT_PORTS.get(name, (0,)))
    parts = value if isinstance(value, list) else str(value).split(":")
    ports = [int(part) for part in parts if _is_port(part)]
    if len(ports) != len(parts):
        shape = "80:8082" if wanted == 2 else "5020"
        raise ValueError(f"{value} is not a port; give 0 to 65535, like {shape}")
    return ports_of(name, tuple(ports * wanted) if ports == [0] else tuple(ports))


def _is_port(part: object) -> bool:
    text = str(part)
    return text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= 65535


def read_plan(path: str) -> Plan:
    """The plan in a TOML file; raises ValueError in words, OSError where it cannot be read."""
    if path.endswith((".yaml", ".yml")):
        raise ValueError(
            f"{path}: plant files are TOML, named like house.toml; see docs/simulator.md"
        )
    with open(path, "rb") as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ValueError(f"{path} has more than {MAX_FILE_BYTES} bytes")
    try:
        text = raw.decode()
        return plan_of(tomllib.loads(text))
    except PlanError as wrong:
        raise Place(path, lines_of(text)).error(wrong.key, wrong.text) from None
    except (ValueError, RecursionError) as wrong:
        raise ValueError(f"{path}: {wrong}") from wrong


def plan_of(table: Mapping[str, Any]) -> Plan:
    """The plan of a parsed file; raises PlanError."""
    kinds = [each.name for each in fields(Plan)]
    for key in table:
        if key not in kinds:
            raise PlanError(key, f"no such key; there are: {', '.join(kinds)}")
    made = {}
    for key, value in table.items():
        with _of(key):
            made[key] = _value(key, value)
    return Plan(**made)


_TEXT, _WHOLE, _NUMBER = "a text in quotes", "a whole number", "a number"
_KINDS: dict[str, str] = {
    "model": _TEXT,
    "host": _TEXT,
    "unit": _WHOLE,
    "speed": _NUMBER,
    "seed": _WHOLE,
    "start": _TEXT,
    "latitude": _NUMBER,
    "serial": _TEXT,
    "night": _TEXT,
    "control": _WHOLE,
}
_TYPES: dict[str, tuple[type, ...]] = {_TEXT: (str,), _WHOLE: (int,), _NUMBER: (int, float)}


def _value(key: str, value: Any) -> Any:
    if key == "start" and hasattr(value, "isoformat"):
        return str(value.isoformat())
    if key in _KINDS:
        kind = _KINDS[key]
        if isinstance(value, bool) or not isinstance(value, _TYPES[kind]):
            raise ValueError(f"write {kind}, not {value!r:.40}")
        return value
    if key == "doors":
        return _doors(value)
    if key == "settings":
        if not isinstance(value, dict):
            raise ValueError('write a table, like second = "refused"')
        return value
    if not isinstance(value, list):
        raise ValueError("write a list, in brackets")
    return tuple(_quirk(each) if key == "quirks" else _order(each) for each in value)


def _doors(value: object) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, dict):
        raise ValueError('write a table, like modbus = 5020, winet = "80:8082"')
    ports = {}
    for name, spelled in value.items():
        if name not in DOORS:
            raise PlanError(f"doors.{name}", f"no such door; there are: {', '.join(DOORS)}")
        with _of(f"doors.{name}"):
            ports[name] = parse_ports(name, spelled)
    return ports


def _quirk(value: object) -> Quirk:
    return quirk_named(str(value))


def _order(value: object) -> Order:
    """An order of a file: `"latency:0.1:0.5"`, or a table of its parts."""
    try:
        return order_in(value, 0.0) if isinstance(value, dict) else parse_order(str(value))
    except ValueError as wrong:
        raise ValueError(f"{value!r:.80}: {wrong}") from None
