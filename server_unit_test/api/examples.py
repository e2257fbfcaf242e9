"""One call of each route, for the tests and for docs/api.md."""

from dataclasses import dataclass
from typing import Any

_DEVICE = {"connection": "TCP", "ip": "192.0.2.7", "port": 502, "slave_id": 1}
_WRITE = {"type": "write", "startingAddress": 13049, "values": ["0x02"]}
_CLAIM = {"secret": "P6ZS-...", "password": "an example of one"}
_WALLET = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"


@dataclass(frozen=True, slots=True)
class Example:
    """A request that succeeds on the canned gateway."""

    method: str
    route: str
    path: str
    body: Any = None
    raw_writes: bool = False
    owner: bool = False
    """Asked for by the owner, in his session."""


def _get(route: str, path: str = "", owner: bool = False) -> Example:
    return Example("GET", route, path or route, owner=owner)


def _owner(method: str, route: str, body: Any = None) -> Example:
    return Example(method, route, route, body, owner=True)


EXAMPLES: tuple[Example, ...] = (
    _get("/api/hello"),
    Example("POST", "/api/echo", "/api/echo", {"any": "thing"}),
    _get("/api/version"),
    _get("/api/uptime"),
    _get("/api/name"),
    _get("/api/crypto"),
    _get("/api/logger"),
    Example("POST", "/api/logger", "/api/logger", {"logger": "server", "level": "DEBUG"}),
    _get("/api/inverter"),
    Example("DELETE", "/api/inverter", "/api/inverter"),
    Example(
        "POST",
        "/api/invertertcp",
        "/api/invertertcp",
        {"ip": "192.0.2.7", "port": 502, "type": "sungrow", "address": 1},
    ),
    _get(
        "/api/inverter/modbus",
        "/api/inverter/modbus?address=5016&function_code=4&size=2&type=U32&endianess=little",
    ),
    _get(
        "/api/inverter/modbus/{space}/{address}",
        "/api/inverter/modbus/input/5016?size=2&type=uint",
    ),
    Example(
        "POST",
        "/api/inverter/modbus",
        "/api/inverter/modbus",
        {"commands": [_WRITE, {"type": "pause", "duration": 100}]},
        raw_writes=True,
    ),
    _get("/api/inverter/supported"),
    _get("/api/supported"),
    _get("/api/device"),
    Example("POST", "/api/device", "/api/device", {**_DEVICE, "device_type": "sungrow_hybrid"}),
    Example("DELETE", "/api/device", "/api/device", {"id": "garage"}),
    _get("/api/device/supported"),
    _get("/api/device/supported/configurations"),
    Example("POST", "/api/probe", "/api/probe", _DEVICE),
    _get("/api/network"),
    _get("/api/network/address"),
    _get("/api/wifi"),
    _get("/api/wifi/scan"),
    _get("/api/wifi/progress"),
    Example("POST", "/api/wifi", "/api/wifi", {"ssid": "Home", "psk": "an-example"}),
    Example("DELETE", "/api/wifi", "/api/wifi", {"ssid": "Home"}),
    _get("/api/bluetooth"),
    Example("POST", "/api/bluetooth/window", "/api/bluetooth/window", {"open": True}),
    Example(
        "POST",
        "/api/bluetooth/state",
        "/api/bluetooth/state",
        {"state": "open", "until_s": 120.5, "name": "Egret 7D0F", "adapter": "hci0"},
    ),
    _owner("POST", "/api/crypto/sign", {"message": "a challenge"}),
    _owner("POST", "/api/jwt/create", {"barn": {"for": "an example"}, "expires_in": 60}),
    _get("/api/entry"),
    Example("POST", "/api/entry/claim", "/api/entry/claim", _CLAIM),
    Example("POST", "/api/entry/login", "/api/entry/login", {"password": "an example of one"}),
    Example("POST", "/api/entry/logout", "/api/entry/logout"),
    _owner(
        "POST",
        "/api/entry/password",
        {"old": "an example of one", "new": "an example of another"},
    ),
    _get("/api/tls"),
    _get("/api/audit", owner=True),
    _get("/api/audit/export", owner=True),
    _get("/api/token", owner=True),
    _owner("POST", "/api/token", {"name": "Home Assistant", "scopes": ["read"]}),
    _owner("DELETE", "/api/token", {"id": "0badcafe"}),
    Example("POST", "/api/initialize", "/api/initialize", {"wallet": _WALLET, "dry_run": True}),
    _get("/api/notification"),
    _get("/api/notification/{id}", "/api/notification/7"),
    Example("DELETE", "/api/notification/{id}", "/api/notification/7"),
    _get("/api/settings"),
    Example("POST", "/api/settings", "/api/settings", {"settings": {"name": "Home"}}),
    _get("/api/state"),
    _get("/api/system"),
    _get("/api/snapshot"),
    _get("/api/stream"),
    _get("/api/readings"),
    _get(
        "/api/history",
        "/api/history?quantity=pv_power&from=1749913600000&to=1750000000000&points=288",
    ),
    _get("/api/quantities"),
    _get("/api/tasks"),
    _get("/api/doc"),
    _get("/api/doc/{prefix:path}", "/api/doc/hello"),
    _get("/api/openapi.json"),
    _get("/api/docs"),
    _get("/healthz"),
    _get("/metrics"),
    _get("/"),
    _get("/static/{file:path}", "/static/page.js"),
)
