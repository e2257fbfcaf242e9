"""A scenario: a small TOML file of plants, timed troubles, and what is expected of their reader.

It owns the file's shape and every word in it, and says file, line and key of what it refuses. It
starts nothing and knows no time: `scenario_run` lets it happen, `scenario_judge` judges.

    [[step]]
    at  = "00:10"            # minutes and seconds since the beginning; or "10 s"
    do  = "winet locked"     # a door (or `all`) and a trouble, `quirk NAME`, or `stop`
    for = "30 min"
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from simulator.clock import parse_start
from simulator.door import ENCRYPTED, MODBUS, WINET, WINET_TLS
from simulator.models import model_named
from simulator.scenario_text import Place, ScenarioError, Table, lines_of
from simulator.trouble import Order, Quirk, Trouble, effective, quirk_named, trouble_named

MAX_SCENARIO_BYTES = 256 * 1024
"""The largest file that is read; a hundred steps take eight kB."""

MAX_SCENARIO_S = 7 * 86_400.0
"""The longest scenario; one that takes more is a mistake in a unit."""

MAX_STEPS = 500
"""Steps of one scenario; no more can be read by a person."""

MAX_PLANTS = 16
"""Plants of one scenario: each is a thread here and a device there."""

DOORS = (MODBUS, ENCRYPTED, WINET, WINET_TLS)
"""The doors that a plant may have."""

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(ms|s|min|h)", re.ASCII)
_CLOCK = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,4}):([0-5][0-9])", re.ASCII)
_UNIT_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


class Expected(StrEnum):
    """What may be expected of the reader."""

    RESUME = "readings resume"
    NONE_INVENTED = "none invented"
    UNDISTURBED = "no other device disturbed"


@dataclass(frozen=True, slots=True)
class Befall:
    """A trouble, at one door or ("") at all."""

    order: Order


@dataclass(frozen=True, slots=True)
class Switch:
    """A quirk that is on for a while."""

    quirk: Quirk


@dataclass(frozen=True, slots=True)
class Stop:
    """The plant is off the network."""


Deed = Befall | Switch | Stop


@dataclass(frozen=True, slots=True)
class PlantPlan:
    """One plant, its doors with their ports (0 for any free one), and its quirks."""

    name: str = "plant"
    model: str = "sh10rt"
    seed: int = 0
    start_s: float | None = None
    doors: Mapping[str, int | tuple[int, int]] = field(default_factory=lambda: {MODBUS: 0})
    quirks: tuple[Quirk, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Something done to one plant from `at_s` to `until_s`, in seconds since the beginning."""

    at_s: float
    until_s: float
    plant: str
    deed: Deed
    words: str

    def touches(self, plant: str, door: str) -> bool:
        """Whether a reader of this door may notice."""
        if plant != self.plant:
            return False
        return not isinstance(self.deed, Befall) or self.deed.order.door in ("", door)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must hold; `within_s` is how long the reader may take, or stay silent."""

    that: Expected
    within_s: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """All of it, checked."""

    title: str
    plants: tuple[PlantPlan, ...]
    steps: tuple[Step, ...]
    expectations: tuple[Expectation, ...]
    look_s: float
    lasts_s: float


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file; raises ScenarioError, and OSError when it cannot be read."""
    with path.open("rb") as file:
        raw = file.read(MAX_SCENARIO_BYTES + 1)
    if len(raw) > MAX_SCENARIO_BYTES:
        raise ScenarioError(f"{path}:1: larger than {MAX_SCENARIO_BYTES} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ScenarioError(f"{path}:{line}: not UTF-8 text") from None
    return parse_scenario(text, str(path))


def parse_scenario(text: str, file: str = "scenario") -> Scenario:
    """The scenario in a text; raises ScenarioError with file, line and key."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line ([0-9]+)", str(error))
        line = found[1] if found else max(1, text.count("\n"))
        raise ScenarioError(f"{file}:{line}: {error}") from None
    except (ValueError, RecursionError) as error:
        # Dates that no calendar has, and brackets nested without end.
        raise ScenarioError(f"{file}:1: not readable as TOML: {error}") from None
    root = Table(data, Place(file, lines_of(text)))
    plants = _plants(root)
    steps = tuple(_step(table, plants) for table in root.tables("step", least=1, most=MAX_STEPS))
    expectations = tuple(
        _expectation(table) for table in root.tables("expect", least=1, most=len(Expected))
    )
    title = root.text("title", "scenario")
    look_s = _duration(root, "look", "1 s", least_s=0.05)
    slack_s = max(each.within_s for each in expectations)
    ends_s = max(step.until_s for step in steps)
    lasts_s = _duration(root, "lasts", f"{ends_s + slack_s + look_s:.3f} s", least_s=ends_s)
    root.no_more()
    return Scenario(title, plants, steps, expectations, look_s, lasts_s)


def duration_s(text: str) -> float:
    """Seconds of "90 s", "1.5 min", "2 h", "250 ms", "00:10" (mm:ss) or "1:00:00"."""
    clock = _CLOCK.fullmatch(text.strip())
    if clock is not None:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        whole_s = float(hours * 3600 + minutes * 60 + seconds)
    else:
        found = _DURATION.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no time; write it like 90 s, 30 min, 2 h or 00:10")
        whole_s = float(found[1]) * _UNIT_S[found[2]]
    if whole_s > MAX_SCENARIO_S:
        raise ValueError(f"{text!r} is longer than {MAX_SCENARIO_S / 86_400:g} days")
    return whole_s


def parse_deed(text: str, rate: float = 1.0, value: float = 0.0) -> Deed:
    """What `do` says: `winet locked`, `all drop`, `quirk zero-in-block` or `stop`."""
    first, *rest = text.lower().split() or [""]
    name = "-".join(rest)
    if [first, *rest] == ["stop"]:
        return Stop()
    if first == "quirk" and rest:
        return Switch(quirk_named(name))
    if first not in (*DOORS, "all") or not rest:
        doors = ", ".join((*DOORS, "all"))
        raise ValueError(
            f"{text!r} says nothing to do; write `DOOR TROUBLE` (doors: {doors}; "
            f"troubles: {', '.join(Trouble)}), `quirk NAME` or `stop`"
        )
    door = "" if first == "all" else first
    return Befall(effective(Order(trouble_named(name), door=door, rate=rate, value=value)))


def _plants(root: Table) -> tuple[PlantPlan, ...]:
    plants = tuple(_plant(table) for table in root.tables("plant", least=0, most=MAX_PLANTS))
    names = [plant.name for plant in plants]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise root.place.error(f"plant[{index}].name", f"{name!r} is taken; give another one")
    return plants or (PlantPlan(),)


def _plant(table: Table) -> PlantPlan:
    start = table.text("start", "")
    plan = PlantPlan(
        name=table.text("name", "plant"),
        model=table.checked("model", lambda: model_named(table.text("model", "sh10rt")).key),
        seed=table.whole("seed", 0),
        start_s=table.checked("start", lambda: parse_start(start) if start else None),
        doors=_doors(table.table("doors")),
        quirks=table.checked(
            "quirks", lambda: tuple(quirk_named(name) for name in table.texts("quirks"))
        ),
    )
    table.no_more()
    return plan


def _doors(table: Table | None) -> dict[str, int | tuple[int, int]]:
    if table is None:
        return {MODBUS: 0}
    doors: dict[str, int | tuple[int, int]] = {}
    for door in DOORS:
        if not table.has(door):
            continue
        ports = table.ports(door)
        if len(ports) != (2 if door == WINET else 1):
            wanted = "two ports, [http, websocket]" if door == WINET else "one port"
            raise table.error(door, f"give {wanted}; 0 takes a free one")
        doors[door] = (ports[0], ports[1]) if door == WINET else ports[0]
    table.no_more()
    if not doors:
        raise table.error("", f"give at least one of {', '.join(DOORS)}")
    return doors


def _step(table: Table, plants: Sequence[PlantPlan]) -> Step:
    at_s = _duration(table, "at")
    lasts_s = _duration(table, "for", least_s=0.001)
    if at_s + lasts_s > MAX_SCENARIO_S:
        raise table.error("for", f"ends later than {MAX_SCENARIO_S / 86_400:g} days")
    words = table.text("do")
    value = _duration(table, "value") if table.is_text("value") else table.number("value", 0.0)
    rate = table.number("rate", 1.0)
    deed = table.checked("do", lambda: parse_deed(words, rate, value))
    by_name = {plant.name: plant for plant in plants}
    name = table.text("on", plants[0].name)
    if name not in by_name:
        raise table.error("on", f"no plant {name!r}; there are: {', '.join(by_name)}")
    door = deed.order.door if isinstance(deed, Befall) else ""
    if door and door not in by_name[name].doors:
        has = ", ".join(by_name[name].doors)
        raise table.error("do", f"plant {name!r} has no door {door}; it has: {has}")
    table.no_more()
    return Step(at_s, at_s + lasts_s, name, deed, words)


def _expectation(table: Table) -> Expectation:
    words = table.text("that")
    if words not in list(Expected):
        raise table.error("that", f"{words!r} is not known; there are: {', '.join(Expected)}")
    that = Expected(words)
    if that is Expected.NONE_INVENTED:
        within_s = _duration(table, "within", "2 s")
    else:
        within_s = _duration(table, "within", least_s=0.001)
    table.no_more()
    return Expectation(that, within_s)


def _duration(table: Table, key: str, default: str | None = None, least_s: float = 0.0) -> float:
    text = table.text(key, default)
    seconds = table.checked(key, lambda: duration_s(text))
    if seconds < least_s:
        raise table.error(key, f"{text!r} is too short; give at least {least_s:g} s")
    return seconds
