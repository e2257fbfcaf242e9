"""Forgetting a network."""

from typing import Any

import pytest

from server.engine.task import Failed, Ok, Outcome, Submission
from server.errors import Busy, WifiRefused
from server.model.request import ForgetWifi
from server.tasks.forget_wifi import FORGET_BUDGET_S, begin
from server.tasks.look_at_wifi import LookAtWifi
from server_unit_test.contracts.fake_wifi import FakeWifi
from server_unit_test.tasks.houses import Home, only, run
from server_unit_test.tasks.wifi_houses import with_wifi

NOW = 1000.0


@pytest.fixture
def wifi(home: Home) -> FakeWifi:
    """The radio of the house."""
    return with_wifi(home)


@pytest.mark.parametrize(("ssid", "stored"), [("Home", True), ("Attic", False)])
def test_what_is_stored_is_removed(home: Home, wifi: FakeWifi, ssid: str, stored: bool) -> None:
    """How many, or that there is none; then there is a look at what is left."""
    outcomes: list[Outcome] = []

    def finished(outcome: Outcome, now: float) -> tuple[Submission, ...]:
        outcomes.append(outcome)
        return ()

    task: Any = only(begin(home.house, ForgetWifi(ssid), finished, NOW)).task
    verdict = run(task, NOW)

    (outcome,) = outcomes
    assert ([ssid], FORGET_BUDGET_S) == (wifi.forgotten, task.budget_s)
    assert outcome == Ok(1) if stored else isinstance(outcome, Failed)
    assert isinstance(only(verdict.then).task, LookAtWifi)  # type: ignore[union-attr]  # Done.
    task.abort()
    assert wifi.aborted


def test_nothing_is_forgotten_while_a_network_is_joined(home: Home, wifi: FakeWifi) -> None:
    """It might be the one to go back to."""
    home.house.wifi.joining = True

    with pytest.raises(Busy):
        begin(home.house, ForgetWifi("Home"), lambda *_: (), NOW)


def test_a_network_without_a_name_is_refused(home: Home, wifi: FakeWifi) -> None:
    """Before anything is asked."""
    with pytest.raises(WifiRefused):
        begin(home.house, ForgetWifi(""), lambda *_: (), NOW)
