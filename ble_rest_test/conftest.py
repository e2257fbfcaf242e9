"""Which box is under test: one that the tests start themselves, or any that is in range."""

import pytest

from ble_rest_test.fixtures import (
    any_box,
    box,
    closed_box,
    make_stand,
    place,
    policy,
    real_box,
    real_gateway,
    saw,
    stand_kind,
    stub,
    timed_box,
)

__all__ = [
    "any_box",
    "box",
    "closed_box",
    "make_stand",
    "place",
    "policy",
    "real_box",
    "real_gateway",
    "saw",
    "stand_kind",
    "stub",
    "timed_box",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--ble-address ADDRESS` and what goes with it."""
    group = parser.getgroup("a box in range")
    group.addoption(
        "--ble-address",
        metavar="ADDRESS",
        help="test this box, whose button was just pressed, over this computer's Bluetooth",
    )
    group.addoption("--ble-adapter", metavar="hci0", default="", help="which adapter (Linux)")
    group.addoption(
        "--ble-label-file",
        metavar="FILE",
        help="a file with the label of that box, for what needs a session",
    )
