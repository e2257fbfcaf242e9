"""Which address and names this machine has on its network, without sending a packet.

Owns the question only: it asks the kernel for its interfaces and its routes. It resolves no name
and needs no internet, because both can block for seconds on a box that is offline.
"""

import fcntl
import socket
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

ROUTES = Path("/proc/net/route")
LOOPBACK = "127.0.0.1"
_SIOCGIFADDR = 0x8915
_ANYWHERE = "00000000"
_PRIVATE_SUFFIXES = ("local", "lan", "home.arpa", "internal")
"""Domains that nobody can register in the public DNS, so that no foreign page can own them."""


def read_address(
    routes: Path = ROUTES,
    interfaces: Callable[[], Iterable[str]] | None = None,
    address_of: Callable[[str], str | None] | None = None,
) -> str:
    """The IPv4 address of the interface with the default route, else of the first that has one.

    127.0.0.1 when there is none but loopback: the box works alone.
    """
    names = list((interfaces or _interfaces)())
    resolve = address_of or address_on
    preferred = [name for name in default_interfaces(routes) if name in names]
    for name in [*preferred, *names]:
        address = resolve(name)
        if address is not None and not address.startswith("127."):
            return address
    return LOOPBACK


def own_names(hostname: str | None = None) -> tuple[str, ...]:
    """The names under which this machine is reached in a house: bare and in private domains."""
    first = (hostname or socket.gethostname()).split(".")[0].lower()
    return (first, *(f"{first}.{suffix}" for suffix in _PRIVATE_SUFFIXES)) if first else ()


def default_interfaces(routes: Path = ROUTES) -> list[str]:
    """The interfaces with a default route, the preferred one first."""
    try:
        lines = routes.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    rows = [line.split() for line in lines[1:]]
    return [row[0] for row in rows if len(row) > 7 and row[1] == row[7] == _ANYWHERE]


def _interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex() if name != "lo"]


def address_on(interface: str) -> str | None:
    """The IPv4 address of an interface, None when it has none."""
    request = struct.pack("256s", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        try:
            answer = fcntl.ioctl(door.fileno(), _SIOCGIFADDR, request)
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])
