"""What can be asked of a plant and ordered of it: each operation, its words, and what it answers.

It turns plain values, as they come from JSON, into calls of the plant; it knows no HTTP and decides
nothing. What cannot be done raises ValueError in words, and has changed nothing.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulator.behaviour import Night
from simulator.clock import MAX_SPEED, RunningClock
from simulator.encrypted_door import Keys
from simulator.plant import VirtualPlant
from simulator.trouble import (
    Order,
    Quirk,
    Trouble,
    effective,
    parse_order,
    quirk_named,
    trouble_named,
)

MAX_ADVANCE_S = 7 * 86_400.0
"""The longest leap of plant time: the model walks every second of it, some seconds a day."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the interface: what is asked, in which words, and what answers."""

    method: str
    path: str
    summary: str
    answer: Callable[[VirtualPlant, Json, str], Any]
    example: Json | None = None
    """A body, where one is taken."""
    takes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Name -> JSON type and meaning, of all that such a body may hold."""


def state(plant: VirtualPlant, _: Json, __: str) -> Json:
    """Everything there is to see."""
    moment = plant.moment()
    return {
        "model": plant.model.name,
        "serial": plant.serial,
        "unit_id": plant.unit_id,
        "doors": plant.doors,
        "time": _time(plant, {}, ""),
        "truth": plant.truth(),
        "behaviour": asdict(plant.face.condition),
        "settings": asdict(plant.door_settings),
        "on_the_network": not plant.face.gone,
        "running": moment.running,
        "daylight": moment.daylight,
        "troubles": _troubles(plant, {}, ""),
        "quirks": _quirks(plant, {}, ""),
        "requests": plant.requests,
        "connections": plant.connections,
    }


def _troubles(plant: VirtualPlant, _: Json, __: str) -> Json:
    return {str(number): order_out(order) for number, order in plant.troubles.orders().items()}


def _set_trouble(plant: VirtualPlant, body: Json, _: str) -> Json:
    order = order_in(body, plant.troubles.since_start_s())
    if order.door and order.door not in plant.doors:
        raise ValueError(f"this plant has no {order.door} door; it has: {', '.join(plant.doors)}")
    return {"id": plant.troubles.set(order), **order_out(order)}


def _clear_troubles(plant: VirtualPlant, _: Json, number: str) -> Json:
    if not number:
        plant.troubles.clear()
    elif not number.isdecimal() or not plant.troubles.clear(int(number)):
        raise ValueError(f"no trouble has the id {number[:20]}; GET /troubles lists them")
    return _troubles(plant, {}, "")


def _quirks(plant: VirtualPlant, _: Json, __: str) -> list[str]:
    return [str(quirk) for quirk in plant.troubles.quirks()]


def _switch_quirks(plant: VirtualPlant, body: Json, _: str) -> list[str]:
    wanted = {quirk_named(name): on for name, on in body.items()}
    if not all(isinstance(on, bool) for on in wanted.values()):
        raise ValueError("each quirk is true or false")
    for quirk, on in wanted.items():
        plant.troubles.switch(quirk, on)
    return _quirks(plant, {}, "")


def _time(plant: VirtualPlant, _: Json, __: str) -> Json:
    now_s, clock = plant.clock.now_s(), plant.clock
    return {
        "time_s": now_s,
        "time": datetime.fromtimestamp(now_s, UTC).isoformat(timespec="seconds"),
        "since_start_s": plant.troubles.since_start_s(),
        "speed": clock.speed if isinstance(clock, RunningClock) else 0.0,
    }


def _set_time(plant: VirtualPlant, body: Json, _: str) -> Json:
    _only(body, ("advance_s", "speed"))
    leap_s = _number(body, "advance_s", 0.0)
    if not 0 <= leap_s <= MAX_ADVANCE_S:
        raise ValueError(f"advance_s is {leap_s:g}; give 0 to {MAX_ADVANCE_S:g}")
    clock = plant.clock
    if "speed" in body:
        if not isinstance(clock, RunningClock):
            raise ValueError("this plant's time stands still until it is advanced")
        clock.run_at(_number(body, "speed", 1.0))
    plant.advance(leap_s)
    return _time(plant, {}, "")


def _behaviour(plant: VirtualPlant, body: Json, _: str) -> Json:
    return asdict(plant.behave(**body))


def _settings(plant: VirtualPlant, _: Json, __: str) -> Json:
    return asdict(plant.door_settings)


def _set_doors(plant: VirtualPlant, body: Json, _: str) -> Json:
    return asdict(plant.set_doors(**body))


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/state", "What the plant is and does, all of it", state),
    Operation("GET", "/troubles", "The troubles ordered, by id", _troubles),
    Operation(
        "POST",
        "/troubles",
        "Order a trouble; `from_s` and `until_s` count from the plant's start, "
        "`for_s` from `from_s` or else from now",
        _set_trouble,
        {"trouble": "latency", "door": "modbus", "rate": 0.1, "value": 0.5, "for_s": 60},
        {
            "trouble": ("string", f"one of {', '.join(Trouble)}"),
            "door": ("string", "befalls this door alone; all where it is absent"),
            "rate": ("number", "share of the requests, 0 to 1; all where it is absent"),
            "value": ("number", "seconds or a code, as the trouble takes"),
            "from_s": ("number", "plant seconds since the plant's start"),
            "until_s": ("number", "the same; no end where it is absent"),
            "for_s": ("number", "how long, instead of until_s"),
            "order": ("string", "all of it in short, like latency:0.1:0.5@modbus; stands alone"),
        },
    ),
    Operation("DELETE", "/troubles", "Clear all troubles", _clear_troubles),
    Operation("DELETE", "/troubles/{id}", "Clear one trouble", _clear_troubles),
    Operation("GET", "/quirks", "The quirks that are on", _quirks),
    Operation(
        "POST",
        "/quirks",
        "Turn quirks on or off",
        _switch_quirks,
        {"padded-frame": True},
        {str(quirk): ("boolean", "on or off") for quirk in Quirk},
    ),
    Operation("GET", "/time", "The plant's time", _time),
    Operation(
        "POST",
        "/time",
        "Leap forward, or run faster",
        _set_time,
        {"advance_s": 3600, "speed": 60},
        {
            "advance_s": ("number", f"seconds to leap, at most {MAX_ADVANCE_S:g}"),
            "speed": ("number", f"plant seconds per second, at most {MAX_SPEED}"),
        },
    ),
    Operation(
        "POST",
        "/behaviour",
        "Fault or alarm code (0 for none), derating, standby, and how the night is spent",
        _behaviour,
        {"fault": 39, "derate_to": 0.5, "standby": False, "night": "awake"},
        {
            "fault": ("integer", "the vendor's code; 0 for none"),
            "alarm": ("integer", "the same, but the inverter goes on"),
            "derate_to": ("number", "share of the nominal power that is left; null for all"),
            "standby": ("boolean", "no power flows"),
            "night": ("string", f"one of {', '.join(Night)}"),
        },
    ),
    Operation("GET", "/settings", "How the doors treat those who come", _settings),
    Operation(
        "POST",
        "/settings",
        "Dongle: life of tokens, second client, password, login; encrypted port: keys, garbage",
        _set_doors,
        {"token_life_s": 60, "second": "refused", "keys": "zeros"},
        {
            "token_life_s": ("number", "plant seconds until a token is refused"),
            "second": ("string", "takes or refused: a second client at a dongle"),
            "password": ("string", "of the account admin"),
            "login_required": ("boolean", "whether a dongle's values need a login"),
            "keys": ("string", f"one of {', '.join(Keys)}"),
            "answers_garbage": ("boolean", "what an old key meets"),
            "answers_plain": ("boolean", "what those meet who ask for no key"),
        },
    ),
)
"""The whole interface."""


def order_in(body: Json, since_start_s: float) -> Order:
    """An order from JSON: `{"order": "latency:0.1:0.5"}`, or its parts; raises ValueError."""
    if set(body) == {"order"}:
        return parse_order(str(body["order"]))
    _only(body, ("trouble", "door", "rate", "value", "from_s", "until_s", "for_s"))
    if "for_s" in body and "until_s" in body:
        raise ValueError("give for_s or until_s, not both")
    from_s = _number(body, "from_s", since_start_s if "for_s" in body else 0.0)
    until_s = _number(body, "until_s", math.inf)
    order = Order(
        trouble_named(str(body.get("trouble", ""))),
        door=str(body.get("door", "")),
        rate=_number(body, "rate", 1.0),
        value=_number(body, "value", 0.0),
        from_s=from_s,
        until_s=from_s + _number(body, "for_s", 0.0) if "for_s" in body else until_s,
    )
    return effective(order)


def order_out(order: Order) -> Json:
    """An order as JSON; no end is null."""
    out = asdict(order)
    out["trouble"] = str(Trouble(order.trouble))
    out["until_s"] = None if math.isinf(order.until_s) else order.until_s
    return out


def _only(body: Json, known: tuple[str, ...]) -> None:
    unknown = [name for name in body if name not in known]
    if unknown:
        raise ValueError(f"{unknown[0][:40]!r} is not known here; there are: {', '.join(known)}")


def _number(body: Json, name: str, default: float) -> float:
    value = body.get(name, default)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is a number")
    return float(value)
