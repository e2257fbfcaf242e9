"""What holds for whole-box tests: real children, more patience, and how many rounds to go."""

from pathlib import Path

import pytest

from system_test.grouping import pytest_xdist_make_scheduler
from system_test.guest_fixtures import (
    bluez_guest,
    box,
    fuzz_seed,
    pytest_pyfunc_call,
    pytest_runtest_makereport,
)
from system_test.processes import children, gateway, plant, receiver

__all__ = [
    "bluez_guest",
    "box",
    "children",
    "fuzz_seed",
    "gateway",
    "plant",
    "pytest_pyfunc_call",
    "pytest_runtest_makereport",
    "pytest_xdist_make_scheduler",
    "receiver",
    "rounds",
]

HERE = Path(__file__).resolve().parent

DEFAULT_ROUNDS = 20
"""Kills and power cuts in one run of `make test-all`; `make soak` asks for 100."""

SYSTEM_TEST_TIMEOUT_S = 900
"""A whole test here, where it says nothing itself: twenty rounds of start, kill and recovery."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rounds N`, `--fuzz-seed N`."""
    parser.addoption(
        "--rounds",
        type=int,
        default=DEFAULT_ROUNDS,
        help="kills and power cuts per test (default: %(default)s)",
    )
    parser.addoption(
        "--fuzz-seed", type=int, help="seed of the fuzzed writes (default: chance, printed)"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test of this folder its own, longer deadline."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SYSTEM_TEST_TIMEOUT_S))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often a test of chance repeats itself."""
    return int(request.config.getoption("--rounds"))
