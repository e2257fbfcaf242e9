"""What holds for every test here: loopback only, and properties that repeat themselves."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from server_unit_test import outside_world

assert outside_world  # Installed by its import.

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
