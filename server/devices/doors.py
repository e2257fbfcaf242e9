"""The ways to reach a device of which only the address is known: which to try, in what order.

Owns ports and schemes as a person calls them, and the words that say what to switch on. Refuses to
know how any of them works: that is found out by asking.

Plain Modbus comes first, because everything works through it; its port may prove to be encrypted.
A dongle's web interface comes last, because it serves one client at a time, slowly.
"""

from server.model.device import KNOWN_SCHEMES, Endpoint

MODBUS_TCP = "modbus_tcp"
SUNGROW_TCP = "sungrow_tcp"
WINET = "winet"

MODBUS_PORT = 502
WINET_TLS_PORT = 443
WINET_PORT = 8082
_WINET_PORTS = frozenset({80, WINET_TLS_PORT, WINET_PORT})

_ANYWHERE = [
    (MODBUS_TCP, MODBUS_PORT),
    (SUNGROW_TCP, MODBUS_PORT),
    (WINET, WINET_TLS_PORT),
    (WINET, WINET_PORT),
]
"""Schemes and ports of an address of which nothing more is known."""

UNITS = (1, 2, 3)
"""Units under which inverters answer, in the order of trial: the second of a cluster is 2."""

_TITLES = {
    MODBUS_TCP: "Modbus TCP",
    SUNGROW_TCP: "encrypted Modbus",
    WINET: "WiNet-S web interface",
}

WHAT_TO_ENABLE = (
    "Check that the address is the inverter's or its dongle's, and that the device is awake: many "
    "sleep at night. On the inverter's own network port, switch Modbus TCP on in the iSolarCloud "
    "app (local access, More > Settings > Communication parameters). On a WiNet-S, open its own "
    "page in a browser, log in and look at System > Port parameter > Modbus: it should be enabled, "
    "and this box allowed. Close other programs that read the device: it may serve one at a time"
)
"""Said when nothing answers; docs/devices/sungrow.md says the same at length."""


def ways(host: str, port: int | None = None, scheme: str = "") -> tuple[Endpoint, ...]:
    """The endpoints to try, in order; a port or a scheme that is given is kept to."""
    places = _ANYWHERE if port is None else [(each, port) for each in _schemes_at(port)]
    chosen = [each for each in places if scheme in ("", each[0])]
    if not chosen:
        chosen = [(scheme, MODBUS_PORT if port is None else port)]
    return tuple(Endpoint(each, host, at) for each, at in chosen if each in KNOWN_SCHEMES)


def _schemes_at(port: int) -> tuple[str, ...]:
    if port in _WINET_PORTS:
        return (WINET, MODBUS_TCP)
    if port == MODBUS_PORT:
        return (MODBUS_TCP, SUNGROW_TCP)
    return (MODBUS_TCP, SUNGROW_TCP, WINET)


def same_dongle(one: Endpoint, other: Endpoint) -> bool:
    """True when both lead to one dongle's web interface, which has one session for all its ports.

    502, the settings' default, stands for whichever port answers. A port that is none of them is
    another dongle's, forwarded.
    """
    if not one.scheme == other.scheme == WINET or one.host != other.host:
        return False
    ports = {one.port, other.port}
    return len(ports) == 1 or ports <= {*_WINET_PORTS, MODBUS_PORT}


def said(endpoint: Endpoint) -> str:
    """The way as a person reads it."""
    return f"{_TITLES.get(endpoint.scheme, endpoint.scheme)} on port {endpoint.port}"
