"""Which rows a service gives for which unit."""

import pytest

from simulator.clock import ManualClock
from simulator.door import WINET
from simulator.plant import VirtualPlant
from simulator.winet_live import LISTS, View, rows_of, state

NOON_S = 1_782_043_200
PLANT = VirtualPlant("sh10rt", clock=ManualClock(NOON_S))


def view(unit: int) -> View:
    return View(PLANT.face, WINET, unit, NOON_S + 90.0)


@pytest.mark.parametrize("service", LISTS)
def test_every_service_has_rows_for_the_inverter(service: str) -> None:
    """None of them is empty on a hybrid by day, and all values are text or numbers."""
    rows = rows_of(service, view(1))

    assert rows
    assert all(isinstance(value, (str, int)) for row in rows for value in row.values())


def test_only_live_values_ask_whose_they_are() -> None:
    """`real` of the battery is the battery's, of nobody nothing; `real_battery` is always its."""
    assert rows_of("real_battery", view(1)) == rows_of("real", view(2))
    assert rows_of("real", view(3)) is None


def test_the_clock_shown_is_the_dongles() -> None:
    """To the minute, as the dongle's page shows it."""
    assert [
        {
            "data_name": "I18N_COMMON_SYSTEM_TIME",
            "data_value": "2026-06-21 12:01",
            "data_unit": "",
        }
    ] == rows_of("local", view(1))


def test_a_fault_is_counted() -> None:
    """The state counts the inverter's fault, and none without one."""
    plant = VirtualPlant("sh10rt", clock=ManualClock(NOON_S))
    before = state(plant.face)["total_fault"]
    plant.behave(fault=10)

    assert ["0", "1"] == [before, state(plant.face)["total_fault"]]
