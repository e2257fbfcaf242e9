"""A plant as it is asked for: on the command line, in a TOML file, or by both.

It owns the keys, their defaults and what is wrong with them in words; it starts nothing.

Rules. What the command line says wins over the file, key by key; lists (quirks, troubles) add up.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from simulator.behaviour import night_named
from simulator.clock import parse_start
from simulator.control import order_in
from simulator.door import MODBUS
from simulator.doors import DEFAULT_PORTS, DOORS, Ports, ports_of
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Quirk, parse_order, quirk_named

MAX_FILE_BYTES = 256 * 1024
"""The largest plant file; a plant takes some hundred bytes."""


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
    quirks: tuple[Quirk, ...] = ()
    troubles: tuple[Order, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.unit <= 247:
            raise ValueError(f"{self.unit} is not a unit id; give 1 to 247")
        if not -90 <= self.latitude <= 90:
            raise ValueError(f"{self.latitude:g} is not a latitude; give -90 to 90")
        if self.control is not None and not 0 <= self.control <= 65535:
            raise ValueError(f"control: {self.control} is not a port; give 0 to 65535")
        night_named(self.night)

    def with_changes(self, changes: Mapping[str, Any]) -> "Plan":
        """The same with what the command line says."""
        added = dict(changes)
        added["doors"] = {**self.doors, **added.get("doors", {})}
        for name in ("quirks", "troubles"):
            added[name] = (*getattr(self, name), *added.get(name, ()))
        return replace(self, **added)

    def build(self) -> VirtualPlant:
        """The plant, not yet started."""
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
        )
        plant.behave(night=self.night)
        for order in self.troubles:
            plant.troubles.set(order)
        return plant


def parse_ports(name: str, value: object) -> tuple[int, ...]:
    """The ports of a door as people write them: 5020, "80:8082", [80, 8082]; 0 is free ones."""
    wanted = len(DEFAULT_PORTS.get(name, (0,)))
    parts = value if isinstance(value, list) else str(value).split(":")
    ports = [int(part) for part in parts if _is_port(part)]
    if len(ports) != len(parts):
        shape = "80:8082" if wanted == 2 else "5020"
        raise ValueError(f"{name}: {value} is not a port; give 0 to 65535, like {shape}")
    return ports_of(name, tuple(ports * wanted) if ports == [0] else tuple(ports))


def _is_port(part: object) -> bool:
    text = str(part)
    return text.isascii() and text.isdigit() and int(text) <= 65535


def read_plan(path: str) -> Plan:
    """The plan in a TOML file; raises ValueError in words, OSError where it cannot be read."""
    with open(path, "rb") as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ValueError(f"{path} has more than {MAX_FILE_BYTES} bytes")
    try:
        return plan_of(tomllib.loads(raw.decode()))
    except (ValueError, RecursionError) as wrong:
        raise ValueError(f"{path}: {wrong}") from wrong


def plan_of(table: Mapping[str, Any]) -> Plan:
    """The plan of a parsed file."""
    kinds = {each.name: each for each in fields(Plan)}
    unknown = [key for key in table if key not in kinds]
    if unknown:
        raise ValueError(f"no key {unknown[0]!r}; there are: {', '.join(kinds)}")
    made = {key: _value(key, value) for key, value in table.items()}
    return Plan(**made)


_PLAIN: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "host": (str,),
    "unit": (int,),
    "speed": (int, float),
    "seed": (int,),
    "start": (str,),
    "latitude": (int, float),
    "serial": (str,),
    "night": (str,),
    "control": (int,),
}


def _value(key: str, value: Any) -> Any:
    if key == "start" and hasattr(value, "isoformat"):
        return str(value.isoformat())
    if key in _PLAIN:
        if isinstance(value, bool) or not isinstance(value, _PLAIN[key]):
            raise ValueError(f"{key} should be a {_PLAIN[key][0].__name__}, not {value!r}")
        return value
    if key == "doors":
        if not isinstance(value, dict):
            raise ValueError('doors should be a table, like modbus = 5020, winet = "80:8082"')
        return {name: _ports(name, ports) for name, ports in value.items()}
    if not isinstance(value, list):
        raise ValueError(f"{key} should be a list")
    return tuple(quirk_named(str(each)) if key == "quirks" else _order(each) for each in value)


def _ports(name: str, value: object) -> tuple[int, ...]:
    if name not in DOORS:
        raise ValueError(f"no door {name!r}; there are: {', '.join(DOORS)}")
    return parse_ports(name, value)


def _order(value: object) -> Order:
    """An order of a file: `"latency:0.1:0.5"`, or a table of its parts."""
    return order_in(value, 0.0) if isinstance(value, dict) else parse_order(str(value))
