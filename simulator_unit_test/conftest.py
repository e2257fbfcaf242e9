"""What holds for every test here: loopback only, and properties that repeat themselves."""

import sys
from collections.abc import Sequence

from hypothesis import HealthCheck, settings

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::", "224.0.0.251")
"""The last is the group of multicast DNS: it never leaves its link, and tests use it on loopback."""

# Derandomised: a test that fails on one machine fails on the next. Slow machines are no failure.
settings.register_profile(
    "egret",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("egret")


def _loopback_only(event: str, arguments: Sequence[object]) -> None:
    """Refuse a connection to anything but this machine, whichever library asks."""
    if event not in ("socket.connect", "socket.sendto"):
        return
    address = arguments[-1]
    if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
        raise AssertionError(f"a unit test may not reach {address[0]}")


sys.addaudithook(_loopback_only)
