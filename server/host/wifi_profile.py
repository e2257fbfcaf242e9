"""Connection profiles as NetworkManager wants them and as it lists them. Pure.

Keys are those of nm-settings-dbus(5). A profile is tried without being stored, and stored once it
has proved itself; NetworkManager never tells a password, so it is put back in then.
"""

from collections.abc import Mapping
from typing import Any

from dbus_fast import Variant

from server.host.access_points import Found
from server.model.wifi import Security, WifiConnection, shown_ssid

DHCP_TIMEOUT_S = 30
"""What a router gets to hand out an address while somebody waits; NetworkManager's own is 45."""

WIRELESS_KIND = "802-11-wireless"
_SECURITY = "802-11-wireless-security"
_MARK = "io.egret.joined"
"""A key in the profile's own `user.data`: only profiles that we made are ever replaced by us."""

Plain = Mapping[str, Mapping[str, Any]]
Profile = dict[str, dict[str, Variant]]


def tried(target: Found, psk: str, hidden: bool) -> Profile:
    """The profile with which a network is tried."""
    name = shown_ssid(target.ssid)
    profile: Profile = {
        "connection": {
            "id": Variant("s", name),
            "type": Variant("s", WIRELESS_KIND),
            "autoconnect": Variant("b", False),
        },
        WIRELESS_KIND: {
            "ssid": Variant("ay", target.ssid),
            "mode": Variant("s", "infrastructure"),
            "hidden": Variant("b", hidden),
        },
        "ipv4": {
            "method": Variant("s", "auto"),
            "may-fail": Variant("b", False),
            "dhcp-timeout": Variant("i", DHCP_TIMEOUT_S),
        },
        "ipv6": {"method": Variant("s", "auto")},
        "user": {"data": Variant("a{ss}", {_MARK: "1"})},
    }
    management = _management(target, psk)
    if management:
        profile[_SECURITY] = {"key-mgmt": Variant("s", management)}
    if psk:
        profile[_SECURITY]["psk"] = Variant("s", psk)
    return profile


def _management(target: Found, psk: str) -> str:
    """WPA3's own word only where nothing else is taken: with `wpa-psk` both are tried."""
    if not psk:
        return "owe" if target.owe else ""
    return "sae" if target.security is Security.WPA3 else "wpa-psk"


def kept(target: Found, psk: str, hidden: bool, uuid: str) -> Profile:
    """The same, to be stored: it connects by itself, and waits for addresses as others do."""
    profile = tried(target, psk, hidden)
    profile["connection"]["uuid"] = Variant("s", uuid)
    profile["connection"]["autoconnect"] = Variant("b", True)
    del profile["ipv4"]["dhcp-timeout"]
    return profile


def ssid_of(settings: Plain) -> bytes | None:
    """The network that a stored profile is for, None when it is for something else."""
    wireless = settings.get(WIRELESS_KIND, {})
    if wireless.get("mode", "infrastructure") != "infrastructure":
        return None
    raw = wireless.get("ssid")
    return None if raw is None else bytes(raw)


def is_ours(settings: Plain) -> bool:
    """Whether we made it."""
    return _MARK in settings.get("user", {}).get("data", {})


def uuid_of(settings: Plain) -> str:
    """The profile's lasting name."""
    return str(settings.get("connection", {}).get("uuid", ""))


def described(settings: Plain) -> WifiConnection:
    """A stored profile, without secrets."""
    connection, wireless = settings.get("connection", {}), settings.get(WIRELESS_KIND, {})
    raw = wireless.get("ssid")
    return WifiConnection(
        name=str(connection.get("id", "")),
        uuid=uuid_of(settings),
        kind=str(connection.get("type", "")),
        ssid=None if raw is None else shown_ssid(bytes(raw)),
        autoconnect=bool(connection.get("autoconnect", True)),
        hidden=bool(wireless.get("hidden", False)),
        ipv4_method=str(settings.get("ipv4", {}).get("method", "")),
        ipv6_method=str(settings.get("ipv6", {}).get("method", "")),
    )
