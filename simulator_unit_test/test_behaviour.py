"""What an inverter does of itself."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.behaviour import MAX_FAULT_CODE, Condition, Fault, Night, changed
from simulator.physics import Energies, Flow, Moment, Orders

DAY = Moment(
    time_s=0, flow=Flow(0, 0, 0, 0), strings_w=(0,), soc=0, today=Energies(), total=Energies()
)
DARK = replace(DAY, daylight=False)


@pytest.mark.parametrize(
    ("condition", "orders"),
    [
        (Condition(), Orders(active_limit_w=4000)),
        (Condition(fault=Fault(2)), Orders(running=False, active_limit_w=4000)),
        (Condition(fault=Fault(2, stops=False)), Orders(active_limit_w=4000)),
        (Condition(standby=True), Orders(running=False, active_limit_w=4000)),
        (Condition(derate_to=0.3), Orders(active_limit_w=3000)),
        (Condition(derate_to=0.5), Orders(active_limit_w=4000)),
    ],
)
def test_what_is_left_of_orders(condition: Condition, orders: Orders) -> None:
    """A fault and standby stop it, an alarm does not, and the lower limit wins."""
    assert orders == condition.temper(Orders(active_limit_w=4000), 10_000)


@pytest.mark.parametrize(
    ("night", "gone", "blank"),
    [(Night.AWAKE, False, False), (Night.SENTINELS, False, True), (Night.GONE, True, False)],
)
def test_nights(night: Night, gone: bool, blank: bool) -> None:
    """By day all are alike."""
    condition = Condition(night=night)

    assert (gone, blank) == (condition.gone(DARK), condition.blank(DARK))
    assert (False, False) == (condition.gone(DAY), condition.blank(DAY))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fault": 39}, Condition(fault=Fault(39, True, 77))),
        ({"alarm": 39}, Condition(fault=Fault(39, False, 77))),
        ({"derate_to": 0.5, "standby": True}, Condition(derate_to=0.5, standby=True)),
        ({"night": "gone"}, Condition(night=Night.GONE)),
    ],
)
def test_changes(changes: dict[str, Any], expected: Condition) -> None:
    """Plain values, as they come from JSON."""
    assert expected == changed(Condition(), changes, 77)


def test_changes_can_be_taken_back() -> None:
    """0 ends a fault, nothing ends the derating."""
    worn = Condition(fault=Fault(2), derate_to=0.1, standby=True)

    assert Condition() == changed(worn, {"fault": 0, "derate_to": None, "standby": False}, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rain": 1}, "no behaviour rain; there are: fault, alarm"),
        ({"fault": "x"}, "fault is a code"),
        ({"fault": True}, "fault is a code"),
        ({"fault": MAX_FAULT_CODE + 1}, "give 1 to 65534"),
        ({"derate_to": 1.5}, "give 0 to 1"),
        ({"derate_to": "half"}, "a share from 0 to 1"),
        ({"standby": 1}, "true or false"),
        ({"night": "dark"}, "no night 'dark'; there are: awake, sentinels, gone"),
    ],
)
def test_refused_in_words(changes: dict[str, Any], words: str) -> None:
    """What cannot be meant is told, with what would be right."""
    with pytest.raises(ValueError, match=words):
        changed(Condition(), changes, 0)
