"""What holds for every test here: loopback only, and properties that repeat themselves."""

import pytest
from hypothesis import HealthCheck, settings

from server_unit_test import outside_world

assert outside_world  # Installed by its import.

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


@pytest.fixture
def anyio_backend() -> str:
    """Coroutines under test run on asyncio, as they do in the gateway."""
    return "asyncio"
