"""From what NetworkManager says of access points to the networks that a person chooses from. Pure.

Flags: NM80211ApFlags and NM80211ApSecurityFlags of the NetworkManager D-Bus API reference.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from server.model.wifi import Security, WifiNetwork, shown_ssid

MAX_NETWORKS = 40
"""Networks in a list, the strongest: further ones are too weak to be used, and a phone's screen
and a Bluetooth answer are small."""

_PRIVACY = 0x1
_PSK = 0x100
_ENTERPRISE = 0x200 | 0x2000
_SAE = 0x400
_OWE = 0x800


@dataclass(frozen=True, slots=True)
class Found:
    """One network as the radio knows it: the strongest of its access points."""

    ssid: bytes
    signal_percent: int
    security: Security
    sae: bool = False
    """Some access point takes WPA3's handshake."""
    owe: bool = False
    """Open, but encrypted."""


def networks_of(points: Iterable[Mapping[str, Any]]) -> list[Found]:
    """One entry a name, strongest first; networks that do not say their name are left out."""
    best: dict[bytes, Found] = {}
    for point in points:
        found = _found(point)
        if not found.ssid.strip(b"\0"):
            continue
        known = best.get(found.ssid)
        if known is None:
            best[found.ssid] = found
            continue
        strong = max(found, known, key=lambda each: each.signal_percent)
        sae, owe = known.sae or found.sae, known.owe and found.owe
        best[found.ssid] = Found(strong.ssid, strong.signal_percent, strong.security, sae, owe)
    return sorted(best.values(), key=lambda each: (-each.signal_percent, each.ssid))


def listed(found: Iterable[Found], saved: Collection[bytes]) -> tuple[WifiNetwork, ...]:
    """What goes out: bounded, and with names in words."""
    return tuple(
        WifiNetwork(shown_ssid(each.ssid), each.signal_percent, each.security, each.ssid in saved)
        for each in [*found][:MAX_NETWORKS]
    )


def named(found: Iterable[Found], ssid: str) -> Found | None:
    """The network that is called this; a name in plain UTF-8 goes before one that is spelt so."""
    known = [*found]
    exact = [each for each in known if each.ssid == ssid.encode("utf-8", "replace")]
    spelt = [each for each in known if shown_ssid(each.ssid) == ssid]
    return next(iter((*exact, *spelt)), None)


def _found(point: Mapping[str, Any]) -> Found:
    wpa, rsn = int(point.get("WpaFlags", 0)), int(point.get("RsnFlags", 0))
    signal_percent = min(100, max(0, int(point.get("Strength", 0))))
    security = _security(int(point.get("Flags", 0)), wpa, rsn)
    owe = security is Security.OPEN and bool(rsn & _OWE)
    return Found(bytes(point.get("Ssid", b"")), signal_percent, security, bool(rsn & _SAE), owe)


def _security(flags: int, wpa: int, rsn: int) -> Security:
    if rsn & _PSK:
        return Security.WPA2
    if rsn & _SAE:
        return Security.WPA3
    if wpa & _PSK:
        return Security.WPA
    if (wpa | rsn) & _ENTERPRISE:
        return Security.ENTERPRISE
    if flags & _PRIVACY and not rsn & _OWE:
        return Security.WEP
    return Security.OPEN
