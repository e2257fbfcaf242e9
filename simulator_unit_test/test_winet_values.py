"""What the dongle tells in words, against the plant's truth."""

import pytest

from simulator import winet_values
from simulator.clock import ManualClock
from simulator.plant import VirtualPlant
from simulator.winet_values import LABELS, NONE

NOON_S = 1_782_043_200
NIGHT_S = NOON_S + 12 * 3600


def shown(items: list[dict[str, str]]) -> dict[str, tuple[str, str]]:
    return {item["data_name"]: (item["data_value"], item["data_unit"]) for item in items}


@pytest.mark.parametrize("start_s", [NOON_S, NIGHT_S])
def test_a_hybrids_powers_are_the_plants_in_kilowatts(start_s: int) -> None:
    """Import and export never show at once, and each is the truth with the capture's decimals."""
    plant = VirtualPlant("sh10rt", clock=ManualClock(start_s))
    values, flow = shown(winet_values.real(plant.face)), plant.moment().flow

    assert (f"{flow.pv_w / 1000:.2f}", "kW") == values["I18N_COMMON_TOTAL_DCPOWER"]
    assert (f"{flow.load_w / 1000:.3f}", "kW") == values["I18N_COMMON_LOAD_TOTAL_ACTIVE_POWER"]
    export_w, import_w = max(0, -flow.grid_w), max(0, flow.grid_w)
    feed = values["I18N_COMMON_FEED_NETWORK_TOTAL_ACTIVE_POWER"]
    assert (f"{export_w / 1000:.2f}", "kW") == feed
    assert (f"{import_w / 1000:.2f}", "kW") == values["I18N_CONFIG_KEY_4060"]


def test_what_a_hybrid_does_not_count_is_shown_as_dashes() -> None:
    """A hybrid has no yield of its own; a string inverter has."""
    hybrid = VirtualPlant("sh10rt", clock=ManualClock(NOON_S))
    string = VirtualPlant("sg5.0rs", clock=ManualClock(NOON_S))
    energy_wh = string.truth()["output_energy_today"]

    dashes = shown(winet_values.real(hybrid.face))["I18N_COMMON_DAILY_POWER_YIELD"]
    number = shown(winet_values.real(string.face))["I18N_COMMON_DAILY_POWER_YIELD"]
    assert (NONE, "kWh") == dashes
    assert (f"{energy_wh / 1000:.1f}", "kWh") == number


@pytest.mark.parametrize("start_s", [NOON_S, NIGHT_S, NOON_S - 6 * 3600])
def test_the_battery_charges_or_discharges_but_never_both(start_s: int) -> None:
    """The two powers and the charge are the plant's."""
    plant = VirtualPlant("sh10rt", clock=ManualClock(start_s))
    values, moment = shown(winet_values.real_battery(plant.face)), plant.moment()
    power_w = moment.flow.battery_w

    assert (f"{max(0, -power_w) / 1000:.3f}", "kW") == values["I18N_CONFIG_KEY_3907"]
    assert (f"{max(0, power_w) / 1000:.3f}", "kW") == values["I18N_CONFIG_KEY_3921"]
    assert (f"{moment.soc * 100:.1f}", "%") == values["I18N_COMMON_BATTERY_SOC"]


def test_a_plant_without_a_battery_shows_none() -> None:
    """The list is empty, not full of zeros."""
    plant = VirtualPlant("sg5.0rs", clock=ManualClock(NOON_S))

    assert [] == winet_values.real_battery(plant.face)


def test_a_string_inverter_lists_trackers_and_strings_and_dashes_at_night() -> None:
    """Names as the vendor spells them; at night there is no voltage to show."""
    plant = VirtualPlant("sg5.0rs", clock=ManualClock(NIGHT_S))
    items = winet_values.direct(plant.face)

    assert [
        "MPPT1",
        "MPPT2",
        "I18N_COMMON_GROUP_BUNCH_TITLE_AND%@1",
        "I18N_COMMON_GROUP_BUNCH_TITLE_AND%@2",
    ] == [item["name"] for item in items]
    assert {(NONE, NONE)} == {(item["voltage"], item["current"]) for item in items}


def test_one_phase_shows_one_voltage_and_three_show_three() -> None:
    """No phase that is not there is shown."""
    phases = {"I18N_COMMONUA", "I18N_COMMON_UB", "I18N_COMMON_UC"}
    counts = [
        len(phases & shown(winet_values.real(VirtualPlant(model).face)).keys())
        for model in ("sh5.0rs", "sh10rt")
    ]

    assert [1, 3] == counts


def test_the_state_follows_the_inverter() -> None:
    """Stopped is told as stopped; the value is a key of the labels."""
    clock = ManualClock(NOON_S)
    plant = VirtualPlant("sh10rt", clock=clock)
    running = shown(winet_values.real(plant.face))["I18N_COMMON_RUNNING_STATE"]
    plant.face.write("modbus", 1, 12999, [0xCE])
    clock.advance(1)
    stopped = shown(winet_values.real(plant.face))["I18N_COMMON_RUNNING_STATE"]

    assert [("I18N_COMMON_RUNNING", ""), ("I18N_COMMON_STOP", "")] == [running, stopped]


@pytest.mark.parametrize("model", ["sh10rt", "sh5.0rs", "sg5.0rs", "sg10rt", "sg110cx"])
def test_every_name_that_is_shown_has_a_label(model: str) -> None:
    """A client that translates by the properties page finds each key there."""
    plant = VirtualPlant(model, clock=ManualClock(NOON_S))
    lines = dict(line.split("=", 1) for line in winet_values.properties().splitlines())
    items = [*winet_values.real(plant.face), *winet_values.real_battery(plant.face)]

    assert [] == [item["data_name"] for item in items if item["data_name"] not in lines]
    assert LABELS == lines


def test_the_glance_counts_devices_and_rates_the_plant() -> None:
    """Rated power in kW with two decimals; the number of devices as text."""
    plant = VirtualPlant("sh10rt", clock=ManualClock(NOON_S))
    glance, count = winet_values.statistics(plant.face, 2)

    assert ["10.00", "2"] == [glance["rated_power"], count["online_num"]]


@pytest.mark.parametrize("model", ["sh10rt", "sg5.0rs"])
def test_what_is_unavailable_in_the_registers_is_dashes_here(model: str) -> None:
    """In a night of sentinels only the state is told, as at every other door."""
    plant = VirtualPlant(model, clock=ManualClock(NIGHT_S))
    plant.behave(night="sentinels")
    values = shown(winet_values.real(plant.face))
    state, _ = values.pop("I18N_COMMON_RUNNING_STATE")
    glance = winet_values.statistics(plant.face, 1)[0]
    tracker = winet_values.direct(plant.face)[0]

    assert state != NONE
    assert {NONE} == {value for value, _ in values.values()}
    assert [NONE] * 3 == [glance["curr_power"], glance["today_energy"], tracker["voltage"]]
    assert "--" != glance["rated_power"]
