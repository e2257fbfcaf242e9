"""Scanning: one at a time, not too often, and everybody is answered."""

import pytest

from server.engine.task import Done, Failed, Ok, Outcome, Submission
from server.errors import WifiUnanswered, WifiUnavailable
from server.model.wifi import WifiReason, WifiStep
from server.tasks.scan_wifi import SCAN_BUDGET_S, SCAN_PAUSE_S, ScanForNetworks, begin, present
from server_unit_test.contracts.fake_wifi import STATE, FakeWifi
from server_unit_test.tasks.houses import Home, only, run
from server_unit_test.tasks.wifi_houses import with_wifi

NOW = 1000.0


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


def test_a_scan_answers_and_is_told(home: Home, wifi: FakeWifi) -> None:
    """While it runs, and what it found."""
    asker = Asker()
    scan = only(begin(home.house, asker, NOW)).task
    during = home.house.wifi.progress

    verdict = run(scan, NOW + 3)

    after = home.house.wifi.progress
    assert (WifiStep.SCANNING, WifiStep.IDLE) == (during.step, after.step)
    assert "2 networks are in range." == after.message
    assert ([Ok(STATE)], Done()) == (asker.outcomes, verdict)
    assert isinstance(scan, ScanForNetworks) and SCAN_BUDGET_S == scan.budget_s


def test_a_second_asker_is_answered_by_the_same_scan(home: Home, wifi: FakeWifi) -> None:
    """The radio is asked once."""
    first, second = Asker(), Asker()
    scan = only(begin(home.house, first, NOW)).task

    assert () == begin(home.house, second, NOW)
    run(scan, NOW + 3)

    assert [Ok(STATE)] == first.outcomes == second.outcomes
    assert 1 == wifi.scans


def test_a_scan_soon_after_another_one_is_answered_from_what_is_known(
    home: Home, wifi: FakeWifi
) -> None:
    """SCAN_PAUSE_S after the end of the last one the radio is asked again."""
    run(only(begin(home.house, Asker(), NOW)).task, NOW)
    asker = Asker()

    assert () == begin(home.house, asker, NOW + SCAN_PAUSE_S - 0.1)
    assert [Ok(STATE)] == asker.outcomes
    assert 1 == len(begin(home.house, asker, NOW + SCAN_PAUSE_S))


def test_no_scan_disturbs_a_network_being_joined(home: Home, wifi: FakeWifi) -> None:
    """What is known is the answer."""
    home.house.wifi.joining = True
    asker = Asker()

    assert () == begin(home.house, asker, NOW)
    assert [Ok(home.house.wifi.state)] == asker.outcomes


def test_a_scan_that_fails_is_told_to_everybody(home: Home, wifi: FakeWifi) -> None:
    """And the next one may begin at once."""
    wifi.state = error = WifiUnanswered(WifiReason.TIMEOUT, "not in time")
    asker = Asker()

    run(only(begin(home.house, asker, NOW)).task, NOW)

    assert [Failed(error)] == asker.outcomes
    assert WifiReason.TIMEOUT == home.house.wifi.progress.reason
    assert 1 == len(begin(home.house, asker, NOW))


def test_a_box_without_a_radio_says_so(home: Home) -> None:
    """Before anything is begun."""
    with pytest.raises(WifiUnavailable, match="no Wi-Fi"):
        present(home.house)


def test_a_scan_can_be_broken_off(home: Home, wifi: FakeWifi) -> None:
    """Its call is closed from outside."""
    only(begin(home.house, Asker(), NOW)).task.abort()  # type: ignore[attr-defined]  # A lane task

    assert wifi.aborted
