"""GET network and network/address: where the box is reached, and how it is connected."""

from collections.abc import Iterable
from typing import Any

import msgspec

from server.api.call import Call, Nothing, Reply, answer
from server.host.interfaces import Interface
from server.model.wifi import WifiConnection


class Address(msgspec.Struct, frozen=True):
    """The box's address on the network and the port of this API."""

    ip: str
    port: int


class Network(msgspec.Struct, frozen=True):
    """How the box is connected, with the keys of both eras of the contract.

    `interfaces` has the address of each interface that has one. `eth0_mac` and `wlan0_mac` belong
    to the first wired and the first wireless interface where those two names do not exist.
    `connections` are what NetworkManager has stored, under its own names and without secrets.
    `internet_connection` is what NetworkManager found out, or whether there is a default route
    where it does not look.
    """

    ip: str
    eth0_mac: str
    wlan0_mac: str
    interfaces: dict[str, str]
    wifi_connected: bool
    ethernet_connected: bool
    internet_connection: bool
    wifi_ssid: str | None
    connections: tuple[dict[str, dict[str, Any]], ...]


def address(call: Call[Nothing, Nothing]) -> Reply:
    """The address."""
    return answer(Address(call.context.services.network_address(), call.context.port))


def show(call: Call[Nothing, Nothing]) -> Reply:
    """All connections."""
    services, state = call.context.services, call.snapshot.wifi.state
    found = services.interfaces()
    wired = [each for each in found if each.wired]
    wireless = [each for each in found if each.wireless]
    routed = any(each.default_route for each in found)
    return answer(
        Network(
            ip=services.network_address(),
            eth0_mac=_mac("eth0", wired),
            wlan0_mac=_mac("wlan0", wireless),
            interfaces={each.name: each.ip for each in found if each.ip},
            wifi_connected=state.connected is not None or _connected(wireless),
            ethernet_connected=_connected(wired),
            internet_connection=routed if state.internet is None else state.internet,
            wifi_ssid=state.connected,
            connections=tuple(_as_stored(each) for each in state.connections),
        )
    )


def _mac(name: str, interfaces: Iterable[Interface]) -> str:
    known = {each.name: each.mac for each in interfaces}
    return known.get(name, next(iter(known.values()), ""))


def _connected(interfaces: Iterable[Interface]) -> bool:
    return any(each.up and each.ip for each in interfaces)


def _as_stored(connection: WifiConnection) -> dict[str, dict[str, Any]]:
    """The sections that NetworkManager has, in part."""
    shown: dict[str, dict[str, Any]] = {
        "connection": {
            "id": connection.name,
            "uuid": connection.uuid,
            "type": connection.kind,
            "autoconnect": connection.autoconnect,
        },
        "ipv4": {"method": connection.ipv4_method},
        "ipv6": {"method": connection.ipv6_method},
    }
    if connection.ssid is not None:
        shown["802-11-wireless"] = {"ssid": connection.ssid, "hidden": connection.hidden}
    return shown
