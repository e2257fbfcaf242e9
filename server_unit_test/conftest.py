"""What holds for every test here: loopback only, and properties that repeat themselves."""

import sys
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::")
ON_LOOPBACK = ("224.0.0.251",)
"""The group of multicast DNS: it never leaves its link, and tests use it on loopback."""

# Derandomised: a test that fails on one machine fails on the next. Slow machines are no failure.
settings.register_profile(
    "egret",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("egret")


class OutsideWorldError(AssertionError):
    """A test tried to reach another machine."""


def _loopback_only(event: str, arguments: Sequence[object]) -> None:
    """Refuse a connection to anything but this machine, whichever library asks."""
    if event not in ("socket.connect", "socket.sendto"):
        return
    address = arguments[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK + ON_LOOPBACK):
        raise OutsideWorldError(
            f"a unit test may not reach {address[0]}; start a server on 127.0.0.1"
        )


sys.addaudithook(_loopback_only)


@pytest.fixture
def anyio_backend() -> str:
    """Coroutines under test run on asyncio, as they do in the gateway."""
    return "asyncio"
