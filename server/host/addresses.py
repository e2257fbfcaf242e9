"""The addresses under which this machine is reached, loopback included; sends no packet."""

from ipaddress import IPv6Address
from pathlib import Path

from server.host.interfaces import read_interfaces

IPV6 = Path("/proc/net/if_inet6")
MAX_IPV6 = 16
"""Addresses of IPv6 that are told: privacy extensions (RFC 8981) make a few a day."""

LOOPBACKS = ("127.0.0.1", "::1")
_GLOBAL_SCOPE = "00"
_TEMPORARY = 0x01
"""IFA_F_TEMPORARY: made for outgoing connections, gone in a day."""


def own_addresses(ipv6: Path = IPV6) -> tuple[str, ...]:
    """IPv4 first, then lasting addresses of IPv6, then loopback."""
    found = [each.ip for each in read_interfaces() if each.ip]
    return tuple(dict.fromkeys((*found, *lasting_ipv6(ipv6), *LOOPBACKS)))


def lasting_ipv6(table: Path = IPV6) -> tuple[str, ...]:
    """Those that are neither of one link only nor temporary; none where there is no IPv6."""
    try:
        lines = table.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ()
    rows = [line.split() for line in lines]
    found = [row for row in rows if len(row) == 6 and row[3] == _GLOBAL_SCOPE]
    try:
        lasting = [row for row in found if not int(row[4], 16) & _TEMPORARY]
        return tuple(str(IPv6Address(bytes.fromhex(row[0]))) for row in lasting[:MAX_IPV6])
    except ValueError:
        return ()
