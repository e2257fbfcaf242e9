"""What holds for every test here: loopback only, and properties that repeat themselves."""

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
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("egret")
