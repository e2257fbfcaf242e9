"""How often one client may ask: a bucket of requests each, refilled as time passes.

It bounds what one address can cost the gateway; it is no protection against many of them, for which
`protocol` bounds what is in hand at once.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

REQUESTS_PER_S = 50.0
"""Refill: the busiest page asks for a tenth of this."""
REQUEST_BURST = 400.0
"""What may come at once: sixteen pages that load their thirty files together."""
MAX_CLIENTS = 512
"""Addresses remembered; the one heard longest ago goes, and would find its bucket full."""

_HOUSE_PREFIX = 64
"""Of IPv6: one subscriber has at least this many addresses to himself."""


class RateLimit:
    """One bucket per address; on the web server's loop only."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, client: str, now: float) -> float:
        """Count a request of `client`; 0 if it may be answered, else the seconds to wait."""
        left, at = self._buckets.pop(client, (REQUEST_BURST, now))
        left = min(REQUEST_BURST, left + (now - at) * REQUESTS_PER_S)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)  # The newest is last.
        if len(self._buckets) > MAX_CLIENTS:
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if allowed else (1 - left) / REQUESTS_PER_S


@lru_cache(maxsize=MAX_CLIENTS)
def source_of(address: str) -> str:
    """Who stands behind an address: itself, or for IPv6 the network that it is one of."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, _HOUSE_PREFIX), strict=False))
