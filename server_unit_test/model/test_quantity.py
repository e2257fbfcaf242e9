"""Every quantity, once: what a profile may name, and what everybody else reads from it."""

import re

import pytest

from server.model.quantity import MAX_MPPT, QUANTITIES, Kind, Quantity

UNITS = {"", "W", "Wh", "V", "A", "Hz", "°C", "%", "var", "VA", "h", "min", "Ω", "kΩ"}


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=lambda each: each.name)
def test_a_quantity_is_complete(quantity: Quantity) -> None:
    """A name that stands in files, a title for people, a unit of the product's own."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", quantity.name)
    assert quantity.title and quantity.unit in UNITS
    assert quantity is QUANTITIES[quantity.name]


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=lambda each: each.name)
def test_energies_count_and_powers_do_not(quantity: Quantity) -> None:
    """Averaging a counter, or summing a gauge, would make figures up."""
    if quantity.unit == "Wh" and quantity.name != "battery_capacity":
        assert quantity.kind in (Kind.COUNTER, Kind.DAILY)
        assert quantity.name.endswith("_today") == (quantity.kind is Kind.DAILY)
    if quantity.unit in ("W", "V", "A", "Hz", "°C", "%"):
        assert quantity.kind in (Kind.GAUGE, Kind.IDENTITY)


def test_trackers_are_numbered_up_to_the_largest_inverter() -> None:
    """Voltage and current of each, and no further."""
    trackers = {name for name in QUANTITIES if name.startswith("mppt")}
    wanted = {
        f"mppt{number}_{what}"
        for number in range(1, MAX_MPPT + 1)
        for what in ("voltage", "current")
    }

    assert wanted == trackers


@pytest.mark.parametrize("name", ["pv_power", "grid_power", "battery_power", "load_power"])
def test_what_the_house_lives_on_says_its_sign(name: str) -> None:
    """Nobody has to guess which direction is positive."""
    assert QUANTITIES[name].sign


def test_the_table_cannot_be_changed() -> None:
    """It is the same for everybody, for the life of the process."""
    with pytest.raises(TypeError):
        QUANTITIES["other"] = QUANTITIES["pv_power"]  # type: ignore[index]  # it must refuse
