"""The dongle's own words for settings, and the registers behind them."""

from typing import Any

import pytest

from simulator.clock import ManualClock
from simulator.door import WINET
from simulator.plant import VirtualPlant
from simulator.winet_params import ENERGY, FEED_IN, MAX_PARAMS, PARAMS, SWITCH, change, described
from simulator.winet_values import LABELS

NOON_S = 1_782_043_200


def plant_of(model: str) -> VirtualPlant:
    return VirtualPlant(model, clock=ManualClock(NOON_S))


def word(plant: VirtualPlant, at: int) -> int:
    return plant.face.read(WINET, 1, "holding", at - 1, 1)[0]


@pytest.mark.parametrize(
    ("model", "switch_at", "value_at", "counts"),
    [("sg5.0rs", 5010, 5011, 350), ("sh10rt", 13087, 13074, 3500)],
)
def test_the_feed_in_limit_is_the_familys_own(
    model: str, switch_at: int, value_at: int, counts: int
) -> None:
    """3.5 kW are 350 counts on a string inverter and 3500 W on a hybrid; the list shows 3.50."""
    plant = plant_of(model)
    wanted = [
        {"param_addr": 31221, "param_value": "170"},
        {"param_addr": 31222, "param_value": "3.50"},
    ]
    done = change(plant.face, WINET, 1, FEED_IN, wanted)
    entries = described(plant.face, WINET, 1, FEED_IN)

    assert done and entries is not None
    assert [0xAA, counts] == [word(plant, switch_at), word(plant, value_at)]
    assert ["170", "3.50"] == [entry["param_value"] for entry in entries]
    assert ["", "kW"] == [entry["unit"] for entry in entries]


def test_choices_are_listed_with_names_and_values() -> None:
    """A choice has type 1 and its options, an amount type 2 and none."""
    entries = described(plant_of("sh10rt").face, WINET, 1, ENERGY)

    assert entries is not None
    assert [1, 1, 2] == [entry["param_type"] for entry in entries]
    assert {"name": "I18N_COMMON_CHARGE", "value": "170"} in entries[1]["options"]
    assert "" == entries[2]["options"]


def test_every_name_has_a_label() -> None:
    """Parameters and choices are found on the page of labels."""
    params = [param for group in PARAMS.values() for param in group]
    names = {param.name for param in params}
    names |= {name for param in params for name, _ in param.options}

    assert set() == names - LABELS.keys()


def test_the_switch_stops_and_starts() -> None:
    """power_switch 0 and 1 are stop and start."""
    plant = plant_of("sh10rt")
    words = []
    for value in ("0", "1"):
        change(plant.face, WINET, 1, SWITCH, [{"power_switch": value}])
        words.append(word(plant, 13000))

    assert [0xCE, 0xCF] == words


def test_a_string_inverter_has_no_energy_management() -> None:
    """There is nothing to list and nothing to change."""
    plant = plant_of("sg5.0rs")

    assert described(plant.face, WINET, 1, ENERGY) is None
    assert not change(plant.face, WINET, 1, ENERGY, [{"param_addr": 33146, "param_value": "2"}])


GOOD = {"param_addr": 33146, "param_value": "2"}


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        [],
        [7],
        [{}],
        [{"param_addr": 33146}],
        [{"param_addr": 33146, "param_value": "9"}],
        [{"param_addr": 33146, "param_value": "nan"}],
        [{"param_addr": 33146, "param_value": "1e999"}],
        [{"param_addr": 33146, "param_value": "-1"}],
        [{"param_addr": 1, "param_value": "2"}],
        [GOOD, {"param_addr": 33147, "param_value": "words"}],
        [GOOD] * (MAX_PARAMS + 1),
    ],
)
def test_what_makes_no_sense_changes_nothing(wanted: Any) -> None:
    """One bad entry is enough: the good one beside it is not done either."""
    plant = plant_of("sh10rt")

    assert not change(plant.face, WINET, 1, ENERGY, wanted)
    assert 0 == word(plant, 13050)


def test_a_unit_that_is_not_there_refuses() -> None:
    """Neither lists nor changes."""
    plant = plant_of("sh10rt")

    assert described(plant.face, WINET, 9, ENERGY) is None
    assert not change(plant.face, WINET, 9, ENERGY, [GOOD])
