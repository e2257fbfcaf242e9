"""How far the API reaches, and whom it therefore lets in. Pure.

`api.access` wishes; the address decides what is granted: a box that the whole internet can reach
is never open to all of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from server.model.access import Protection

_EVERY_IPV4 = ("0.0.0.0", "")
_EVERY_IPV6 = "::"


@dataclass(frozen=True, slots=True)
class Exposure:
    """Whom the API lets in while this process runs."""

    protection: Protection = Protection.PROTECTED
    exposed: bool = False
    """Open to everybody on a network: the page says so in red."""
    problem: str = ""
    """Why a wish was not granted, in words."""


def is_alone(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def exposure_of(access: str, host: str, addresses: Iterable[str] = ()) -> Exposure:
    """`access` is the setting, `host` what is listened on, `addresses` are those of the box."""
    alone = is_alone(host)
    if access == "protected" or (access == "auto" and not alone):
        return Exposure(Protection.PROTECTED)
    public = "" if alone else _public(host, addresses)
    if public:
        return Exposure(
            Protection.PROTECTED,
            problem=f"api.access is open, but {public} can be reached from the whole internet: the"
            " box stays protected; use api.access protected, or listen on a private address",
        )
    return Exposure(Protection.OPEN, exposed=not alone)


def _public(host: str, addresses: Iterable[str]) -> str:
    """The first address listened on that is public, or ""."""
    if host == _EVERY_IPV6:
        return "every IPv6 address of this box"  # A home's are public as a rule.
    listened = addresses if host in _EVERY_IPV4 else (host,)
    return next((each for each in listened if _is_public(each)), "")


def _is_public(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False  # A name, which stands for an address of this box's network.
