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


@pytest.mark.parametrize("model", ["sh10rt", "sg5.0rt"])
@pytest.mark.parametrize(
    ("change", "counted"),
    [({}, ("0", "0")), ({"fault": 10}, ("1", "0")), ({"alarm": 10}, ("0", "1"))],
)
def test_faults_and_alarms_are_counted(
    model: str, change: dict[str, object], counted: tuple[str, str]
) -> None:
    """The state counts what the inverter's registers name, each by itself."""
    plant = VirtualPlant(model, clock=ManualClock(NOON_S))
    plant.behave(**change)
    told = state(plant.face)

    assert counted == (told["total_fault"], told["total_alarm"])


def test_an_inverter_that_starts_says_so() -> None:
    """What the register calls starting has a word at the dongle."""
    clock = ManualClock(NOON_S)
    plant = VirtualPlant("sg5.0rt", clock=clock)
    for word in (0xCE, 0xCF):
        plant.face.write(WINET, 1, 5005, [word])
        clock.advance(1)
    rows = rows_of("real", View(plant.face, WINET, 1, NOON_S))

    assert rows is not None
    assert ["I18N_COMMON_STARTING"] == [
        row["data_value"] for row in rows if row["data_name"] == "I18N_COMMON_RUNNING_STATE"
    ]
