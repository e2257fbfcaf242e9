"""What holds for every test here: loopback only, and properties that repeat themselves."""

import logging
import sys
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, settings

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::", "224.0.0.251")
"""The last is the group of multicast DNS: it never leaves its link, and tests use it on loopback."""

# Derandomised: a test that fails on one machine fails on the next. Slow machines are no failure.
settings.register_profile(
    "egret-bluetooth",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("egret-bluetooth")


class OutsideWorldError(AssertionError):
    """A test tried to reach another machine."""


def _loopback_only(event: str, arguments: Sequence[object]) -> None:
    """Refuse a connection to anything but this machine, whichever library asks."""
    if event not in ("socket.connect", "socket.sendto"):
        return
    address = arguments[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
        raise OutsideWorldError(
            f"a unit test may not reach {address[0]}; start a server on 127.0.0.1"
        )


sys.addaudithook(_loopback_only)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command line under test sets the log up for its process, which is that of all tests."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for each in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(each)


@pytest.fixture
def anyio_backend() -> str:
    """Coroutines under test run on asyncio, as they do in the service."""
    return "asyncio"
