"""The list of quantities is one list: complete, without doubles, in SI units."""

import pytest

from server.model.quantity import MAX_MPPT, QUANTITIES, Kind, Quantity

UNITS = {"", "W", "Wh", "V", "A", "Hz", "°C", "%", "var", "VA", "h", "min"}


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=str)
def test_units_are_si(quantity: Quantity) -> None:
    """No kilowatts, no tenths: what leaves the decoder is in base units."""
    assert quantity.unit in UNITS


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=str)
def test_energies_only_rise_or_fall_to_zero_at_midnight(quantity: Quantity) -> None:
    """Everything in Wh is a counter, a counter of the day, or a capacity."""
    if quantity.unit == "Wh" and quantity.name != "battery_capacity":
        expected = Kind.DAILY if quantity.name.endswith("_today") else Kind.COUNTER
        assert expected is quantity.kind


def test_signs_are_stated_where_a_flow_has_two_directions() -> None:
    """Production, import and discharge are positive."""
    signs = {name: QUANTITIES[name].sign for name in ("pv_power", "grid_power", "battery_power")}

    assert {"pv_power": "production", "grid_power": "import", "battery_power": "discharge"} == signs


def test_every_tracker_up_to_the_largest_inverter_has_its_quantities() -> None:
    """MAX_MPPT trackers, each with voltage and current; none beyond."""
    assert f"mppt{MAX_MPPT}_voltage" in QUANTITIES
    assert f"mppt{MAX_MPPT}_current" in QUANTITIES
    assert f"mppt{MAX_MPPT + 1}_voltage" not in QUANTITIES
