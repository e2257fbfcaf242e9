"""Which network interfaces this machine has, from the kernel's own files; sends no packet.

Owns the question only. What the kernel does not say is absent.
"""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from server.host.network import ROUTES, address_on, default_interfaces

CLASS = Path("/sys/class/net")
MAX_INTERFACES = 32
"""Interfaces that are told of: a machine that runs containers may have hundreds."""

_ETHERNET = 1
"""ARPHRD_ETHER, which Wi-Fi adapters claim to be as well."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface; `ip` and `mac` are "" when it has none."""

    name: str
    ip: str = ""
    mac: str = ""
    wireless: bool = False
    wired: bool = False
    """A real Ethernet port: not a bridge, not a tunnel."""
    up: bool = False
    default_route: bool = False


def read_interfaces(
    folder: Path = CLASS,
    routes: Path = ROUTES,
    names: Callable[[], Iterable[str]] | None = None,
    resolve: Callable[[str], str | None] = address_on,
) -> tuple[Interface, ...]:
    """All but loopback, the kernel's order; a few microseconds each."""
    found = [*(names or _names)()][:MAX_INTERFACES]
    defaults = default_interfaces(routes)
    return tuple(
        _read(folder / name, name, resolve(name) or "", name in defaults) for name in found
    )


def _names() -> list[str]:
    return [name for _, name in socket.if_nameindex() if name != "lo"]


def _read(folder: Path, name: str, ip: str, default_route: bool) -> Interface:
    wireless = (folder / "phy80211").exists() or (folder / "wireless").exists()
    ethernet = _text(folder / "type") == str(_ETHERNET)
    return Interface(
        name=name,
        ip=ip,
        mac=_text(folder / "address"),
        wireless=wireless,
        wired=ethernet and not wireless and (folder / "device").exists(),
        up=_text(folder / "operstate") == "up",
        default_route=default_route,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
