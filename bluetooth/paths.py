"""What of the gateway's API a phone may reach over Bluetooth: one table; all else is refused.

A row is a method, a path and what it does there. Left out on purpose, each for its reason:

- `inverter/modbus` in every form: raw registers are for who stands at the box with a laptop;
- `crypto/sign`, `jwt/create`: nobody in radio range makes the box sign what they wrote;
- `logger`, `tasks`, `metrics`, `doc`, `openapi.json`, `stream`: for developers, on the network;
- `bluetooth`, `bluetooth/window`: the door must not be held open through the door;
- `token`, `entry`: who may enter is said on the box's page, where a password can be typed;
- `history`, `readings`, `snapshot`: megabytes that the network carries better.
"""

from dataclasses import dataclass
from enum import StrEnum


class Access(StrEnum):
    """What a request does, from harmless to not."""

    GREET = "greet"
    """Tells what anybody may know who sees the box advertise; needs no open window."""
    READ = "read"
    """Tells what concerns the owner."""
    CHANGE = "change"
    """Changes something, or makes the box work: a scan is one. What earlier apps set a box up with
    is of this kind: a Wi-Fi, a device."""
    OWN = "own"
    """Changes whose the box is, where its readings go or how safe it is. Inside a session only: in
    the clear anybody in range could make it up while the owner's button holds the door open."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `{}` at the end of a path is one part of it."""

    method: str
    path: str
    access: Access
    timeout_s: float
    """How long the gateway may take, connecting and reading included."""
    why: str
    joins: bool = False
    """Whether the gateway tells of its progress at /api/wifi/progress meanwhile."""


QUICK_TIMEOUT_S = 10.0
"""For what the gateway knows already: some milliseconds, and seconds on a busy box."""
DEVICE_TIMEOUT_S = 30.0
"""For what asks a device on the house's network: those answer in 10 s or never."""
SCAN_TIMEOUT_S = 55.0
"""A Wi-Fi scan takes 3 s, and 16 s while the box is connected; the gateway itself gives up, in
words, after 50 s."""
JOIN_TIMEOUT_S = 155.0
"""Joining a Wi-Fi takes 1 s; 26 s until it is sure that a network is absent, then the old one. The
gateway itself gives up, in words, after 150 s."""

GREET, READ, CHANGE, OWN = Access.GREET, Access.READ, Access.CHANGE, Access.OWN
_QUICK, _DEVICE = QUICK_TIMEOUT_S, DEVICE_TIMEOUT_S

# fmt: off
RULES: tuple[Rule, ...] = (
    Rule("GET",    "/api/hello",             GREET,  _QUICK,  "the first thing an app asks"),
    Rule("GET",    "/api/version",           GREET,  _QUICK,  "which app fits"),
    Rule("GET",    "/api/name",              GREET,  _QUICK,  "which box this is"),
    Rule("GET",    "/api/uptime",            READ,   _QUICK,  "whether it has just started"),
    Rule("GET",    "/api/crypto",            READ,   _QUICK,  "serial and public key, to register"),
    Rule("GET",    "/api/system",            READ,   _QUICK,  "load, memory, temperature"),
    Rule("GET",    "/api/state",             READ,   _QUICK,  "the box in one object"),
    Rule("GET",    "/api/owner",             READ,   _QUICK,  "whose it is"),
    Rule("GET",    "/api/supported",         READ,   _QUICK,  "the list of device types"),
    Rule("GET",    "/api/inverter",          READ,   _QUICK,  "the device that is set"),
    Rule("GET",    "/api/inverter/supported", READ,  _QUICK,  "the list of device types"),
    Rule("POST",   "/api/invertertcp",       CHANGE, _DEVICE, "set a device up"),
    Rule("POST",   "/api/inverterrtu",       CHANGE, _DEVICE, "set a device up"),
    Rule("DELETE", "/api/inverter",          CHANGE, _DEVICE, "take a device out"),
    Rule("GET",    "/api/device",            READ,   _QUICK,  "the devices that are set"),
    Rule("POST",   "/api/device",            CHANGE, _DEVICE, "set a device up"),
    Rule("DELETE", "/api/device",            CHANGE, _DEVICE, "take a device out"),
    Rule("GET",    "/api/device/supported",  READ,   _QUICK,  "the list of device types"),
    Rule("GET",    "/api/device/supported/configurations", READ, _QUICK, "the form for a device"),
    Rule("GET",    "/api/device/scan",       CHANGE, _DEVICE, "find devices on the network"),
    Rule("GET",    "/api/device/mdns/scan",  CHANGE, _DEVICE, "find devices on the network"),
    Rule("POST",   "/api/probe",             CHANGE, _DEVICE, "what device an address has"),
    Rule("GET",    "/api/network",           READ,   _QUICK,  "how it is connected"),
    Rule("GET",    "/api/network/address",   READ,   _QUICK,  "where its page is"),
    Rule("GET",    "/api/wifi",              READ,   _QUICK,  "networks it saw and the one it has"),
    Rule("GET",    "/api/wifi/progress",     READ,   _QUICK,  "how joining goes on"),
    Rule("GET",    "/api/wifi/scan",         CHANGE, SCAN_TIMEOUT_S, "look for networks", True),
    Rule("POST",   "/api/wifi",              CHANGE, JOIN_TIMEOUT_S, "join a network", True),
    Rule("DELETE", "/api/wifi",              CHANGE, SCAN_TIMEOUT_S, "forget a network"),
    Rule("GET",    "/api/notification",      READ,   _QUICK,  "what it wants to tell"),
    Rule("GET",    "/api/notification/{}",   READ,   _QUICK,  "one notice"),
    Rule("DELETE", "/api/notification/{}",   CHANGE, _QUICK,  "notice seen"),
    Rule("GET",    "/api/settings",          READ,   _QUICK,  "all settings"),
    Rule("POST",   "/api/settings",          OWN,    _QUICK,  "limits, where data goes, all else"),
    Rule("POST",   "/api/initialize",        OWN,    _QUICK,  "bind the box to a wallet"),
    Rule("POST",   "/api/echo",              READ,   _QUICK,  "an app tests the line"),
)
# fmt: on

_PART = "{}"
_EXACT = {(rule.method, rule.path): rule for rule in RULES if _PART not in rule.path}
_UNDER = {(rule.method, rule.path[: -len(_PART)]): rule for rule in RULES if _PART in rule.path}
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:")


def find(method: str, path: str) -> Rule | None:
    """The row for a request, its query aside; None when there is none.

    No escapes and no dot segments: what is compared here is what the gateway will look up.
    """
    bare = path.partition("?")[0]
    rule = _EXACT.get((method, bare))
    if rule is not None:
        return rule
    parent, slash, last = bare.rpartition("/")
    if not last or set(last) - _SAFE or not last.strip("."):
        return None
    return _UNDER.get((method, parent + slash))
