"""Where the contract of ble_rest_test is run once more: with the service on BlueZ's message bus.

A module that imports everything from here and from one module of that contract runs its tests on
route B: our own peripheral on D-Bus, before a fake bluetoothd with its adapter in the radio.
"""

import pytest

from ble_rest_test.fixtures import (
    BLUEZ,
    any_box,
    box,
    closed_box,
    make_stand,
    place,
    policy,
    real_box,
    real_gateway,
    saw,
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
    "pytestmark",
    "real_box",
    "real_gateway",
    "saw",
    "stand_kind",
    "stub",
    "timed_box",
]

pytestmark = [pytest.mark.system, pytest.mark.real_time]


@pytest.fixture
def stand_kind() -> str:
    """On which radio the service stands."""
    return BLUEZ
