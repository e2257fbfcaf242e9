"""Joining a network: every step is settled and shown, and whoever asked is answered once."""

import logging
from typing import Any

import pytest

from server.engine.task import Again, Done, Failed, Ok, Outcome, Submission
from server.errors import Busy, Overrun, WifiRefused, WifiUnavailable
from server.model.request import JoinWifi
from server.model.wifi import WifiReason, WifiStep, WifiTold
from server.tasks.join_wifi import JOIN_STEP_BUDGET_S, JoinNetwork, begin
from server.tasks.look_at_wifi import LookAtWifi
from server_unit_test.contracts.fake_wifi import CONNECTING, JOINED, FakeAttempt, FakeWifi
from server_unit_test.tasks.houses import Home, only, run
from server_unit_test.tasks.wifi_houses import with_wifi

NOW = 1000.0
PSK = "sesame123"
WANTED = JoinWifi("Home", PSK)
WRONG = WifiRefused(WifiReason.WRONG_PASSWORD, "The password for Home is wrong.")


class Asker:
    """Somebody who waits."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def __call__(self, outcome: Outcome, now: float) -> tuple[Submission, ...]:
        self.outcomes.append(outcome)
        return ()


@pytest.fixture
def wifi(home: Home) -> FakeWifi:
    """The radio of the house."""
    return with_wifi(home)


def drive(home: Home, task: Any) -> Any:
    """Run it until it ends; the steps that were shown, and the last verdict."""
    shown = [home.house.wifi.progress.step]
    while isinstance(verdict := run(task, NOW), Again):
        assert NOW == verdict.at
        shown.append(home.house.wifi.progress.step)
    shown.append(home.house.wifi.progress.step)
    return shown, verdict


def test_each_step_is_shown_and_the_end_is_answered(home: Home, wifi: FakeWifi) -> None:
    """And then there is a look at what the box is on."""
    wifi.attempt = FakeAttempt(
        CONNECTING, WifiTold(WifiStep.AUTHENTICATING, "Home checks the password."), JOINED
    )
    asker, published = Asker(), []
    home.house.publish = published.append
    task = only(begin(home.house, WANTED, asker, NOW)).task
    assert home.house.wifi.joining and "Home" == home.house.wifi.progress.ssid

    shown, verdict = drive(home, task)

    steps = [WifiStep.CONNECTING, WifiStep.CONNECTING, WifiStep.AUTHENTICATING, WifiStep.CONNECTED]
    assert steps == shown
    assert [Ok(JOINED)] == asker.outcomes
    assert "Home" == home.house.wifi.state.connected
    assert isinstance(only(verdict.then).task, LookAtWifi)
    assert not home.house.wifi.joining
    assert 4 == len(published)
    assert isinstance(task, JoinNetwork) and JOIN_STEP_BUDGET_S == task.budget_s


def test_a_failure_is_told_before_the_way_back_and_after_it(home: Home, wifi: FakeWifi) -> None:
    """A phone hears of a wrong password at once; whoever waits is answered at the end."""
    told = WifiTold(WifiStep.FAILED, "The password is wrong.", WifiReason.WRONG_PASSWORD)
    wifi.attempt = FakeAttempt(CONNECTING, told, WRONG)
    asker = Asker()
    task = only(begin(home.house, WANTED, asker, NOW)).task
    run(task, NOW)
    run(task, NOW)
    at_once = home.house.wifi.progress
    assert (WifiStep.FAILED, []) == (at_once.step, asker.outcomes)

    run(task, NOW)

    assert [Failed(WRONG)] == asker.outcomes
    assert at_once.number < home.house.wifi.progress.number
    assert WifiReason.WRONG_PASSWORD == home.house.wifi.progress.reason


def test_who_does_not_wait_is_answered_at_once_and_once(home: Home, wifi: FakeWifi) -> None:
    """The rest is in the progress."""
    asker = Asker()

    task = only(begin(home.house, JoinWifi("Home", PSK, wait=False), asker, NOW)).task

    assert [Ok(None)] == asker.outcomes
    drive(home, task)
    assert [Ok(None)] == asker.outcomes
    assert WifiStep.CONNECTED == home.house.wifi.progress.step


def test_one_network_is_joined_at_a_time(home: Home, wifi: FakeWifi) -> None:
    """The second asker is told which."""
    begin(home.house, WANTED, Asker(), NOW)

    with pytest.raises(Busy, match="Home is being joined"):
        begin(home.house, JoinWifi("Other", PSK), Asker(), NOW)


@pytest.mark.parametrize("wanted", [JoinWifi("", PSK), JoinWifi("Home", "short")])
def test_what_cannot_be_is_refused_before_anything_happens(
    home: Home, wifi: FakeWifi, wanted: JoinWifi
) -> None:
    """The radio is not asked, and nothing is shown as under way."""
    with pytest.raises(WifiRefused):
        begin(home.house, wanted, Asker(), NOW)

    assert ([], False) == (wifi.wanted, home.house.wifi.joining)


def test_a_call_that_overran_is_told_as_such(home: Home, wifi: FakeWifi) -> None:
    """The next attempt may begin."""
    asker = Asker()
    task = only(begin(home.house, WANTED, asker, NOW)).task

    verdict = task.settle(Failed(Overrun("no answer within 120 s")), NOW)

    assert isinstance(verdict, Done)
    assert WifiReason.TIMEOUT == home.house.wifi.progress.reason
    assert not home.house.wifi.joining


def test_an_attempt_that_never_gets_its_turn_is_closed(home: Home, wifi: FakeWifi) -> None:
    """The gateway stops: whoever asked is told, and the connection is given back."""
    asker = Asker()
    task = only(begin(home.house, WANTED, asker, NOW)).task

    task.settle(Failed(Busy("the gateway is stopping")), NOW)

    assert wifi.attempt.closed
    assert isinstance(asker.outcomes[0], Failed)


def test_joining_can_be_broken_off(home: Home, wifi: FakeWifi) -> None:
    """Its call is closed from outside."""
    task: Any = only(begin(home.house, WANTED, Asker(), NOW)).task

    task.abort()

    assert wifi.attempt.aborted


def test_a_box_without_a_radio_says_so(home: Home) -> None:
    """In words."""
    with pytest.raises(WifiUnavailable):
        begin(home.house, WANTED, Asker(), NOW)


def test_no_password_is_logged_or_shown(
    home: Home, wifi: FakeWifi, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is it in anything that the house keeps."""
    caplog.set_level(logging.DEBUG)
    task = only(begin(home.house, WANTED, Asker(), NOW)).task

    drive(home, task)

    kept = f"{home.house.wifi} {home.house.notices.shown()} {wifi.wanted} {caplog.text}"
    assert PSK not in kept
