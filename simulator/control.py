"""The control port: what the plant is and does, and how it shall misbehave, over HTTP.

It owns the routes and their words, and turns JSON into calls of the plant; it decides nothing.
Listens on this machine only unless it is told otherwise: whoever reaches it commands the plant.
"""

import asyncio
import json
import math
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from simulator.clock import RunningClock
from simulator.doors import at, cannot_open
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Trouble, effective, parse_order, quirk_named, trouble_named

MAX_BODY_BYTES = 64 * 1024
"""The largest request; an order takes a hundred bytes."""

MAX_ADVANCE_S = 7 * 86_400.0
"""The longest leap of plant time: the model walks every second of it, some seconds a day."""

STOP_TIMEOUT_S = 5.0
"""How long stopping waits for answers under way."""

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
    ),
    Operation("DELETE", "/troubles", "Clear all troubles", _clear_troubles),
    Operation("DELETE", "/troubles/{id}", "Clear one trouble", _clear_troubles),
    Operation("GET", "/quirks", "The quirks that are on", _quirks),
    Operation("POST", "/quirks", "Turn quirks on or off", _switch_quirks, {"padded-frame": True}),
    Operation("GET", "/time", "The plant's time", _time),
    Operation(
        "POST", "/time", "Leap forward, or run faster", _set_time, {"advance_s": 3600, "speed": 60}
    ),
    Operation(
        "POST",
        "/behaviour",
        "Fault or alarm code (0 for none), derating, standby, and how the night is spent",
        _behaviour,
        {"fault": 39, "derate_to": 0.5, "standby": False, "night": "awake"},
    ),
    Operation("GET", "/settings", "How the doors treat those who come", _settings),
    Operation(
        "POST",
        "/settings",
        "Dongle: life of tokens, second client, password, login; encrypted port: keys, garbage",
        _set_doors,
        {"token_life_s": 60, "second": "refused", "keys": "zeros"},
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


def openapi() -> Json:
    """The interface described for programs."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        entry: Json = {
            "summary": operation.summary,
            "responses": {
                "200": {"description": "done", "content": {"application/json": {}}},
                "400": {"description": "refused; `error` says what would be right"},
            },
        }
        if operation.example is not None:
            content = {"schema": {"type": "object"}, "example": operation.example}
            entry["requestBody"] = {"content": {"application/json": content}}
        if "{id}" in operation.path:
            parameter = {"name": "id", "in": "path", "required": True}
            entry["parameters"] = [parameter | {"schema": {"type": "integer"}}]
        paths.setdefault(operation.path, {})[operation.method.lower()] = entry
    info = {"title": "Virtual plant", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths}


def page() -> str:
    """The interface described for people."""
    rows = "".join(
        f"<tr><td>{each.method}</td><td><code>{each.path}</code></td><td>{each.summary}"
        + (f"<br><code>{json.dumps(each.example)}</code>" if each.example else "")
        + "</td></tr>"
        for each in OPERATIONS
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Virtual plant</title>"
        "<style>body{font:16px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "td{padding:.4em;border-top:1px solid #ccc;vertical-align:top}</style>"
        f"<h1>Virtual plant</h1><table>{rows}</table>"
        "<p><a href=/openapi.json>openapi.json</a> <a href=/state>state</a></p></html>"
    )


async def _body_of(request: Request) -> Json:
    """The JSON object sent, {} for none; raises ValueError."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise ValueError(f"the body has more than {MAX_BODY_BYTES} bytes")
    try:
        body = json.loads(bytes(raw) or b"{}")
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError('the body should be a JSON object, like {"advance_s": 60}')
    return body


def build_app(plant: VirtualPlant) -> Starlette:
    """The control port as an ASGI application."""

    def endpoint(operation: Operation) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            number = str(request.path_params.get("id", ""))
            try:
                body = await _body_of(request)
                answer = await run_in_threadpool(operation.answer, plant, body, number)
            except (ValueError, OverflowError) as refusal:
                return JSONResponse({"error": str(refusal)}, 400)
            return JSONResponse(answer)

        return serve

    async def describe(_: Request) -> Response:
        return JSONResponse(openapi())

    async def show(_: Request) -> Response:
        return HTMLResponse(page())

    routes = [Route(each.path, endpoint(each), methods=[each.method]) for each in OPERATIONS]
    routes += [Route("/openapi.json", describe), Route("/docs", show), Route("/", show)]
    return Starlette(routes=routes)


class ControlPort:
    """The control port of one plant, in a thread of its own."""

    def __init__(self, plant: VirtualPlant, host: str = "127.0.0.1", port: int = 0) -> None:
        self._plant = plant
        self._bound = (host, port)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it answers; the real port where 0 was asked for."""
        return f"http://{at(*self._bound)}/"

    def start(self) -> Self:
        """Listen; raises OSError when the port cannot be had."""
        try:
            family = socket.AF_INET6 if ":" in self._bound[0] else socket.AF_INET
            listener = socket.create_server(self._bound, family=family)
        except OSError as refusal:
            host, port = self._bound
            raise cannot_open(refusal, "control", host, (port,)) from refusal
        self._bound = (self._bound[0], int(listener.getsockname()[1]))
        config = uvicorn.Config(
            build_app(self._plant),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._run, args=(listener,), name="plant-control", daemon=True
        )
        self._thread.start()
        return self

    def _run(self, listener: socket.socket) -> None:
        with listener:
            if self._server is not None:
                asyncio.run(self._server.serve(sockets=[listener]))

    def stop(self) -> None:
        """Stop listening and drop every client."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
