"""Looking at Wi-Fi, again and again."""

import logging
from pathlib import Path

import pytest

from server.engine.task import Again, Done, Failed
from server.errors import Busy, WifiUnavailable
from server.model.wifi import WifiState
from server.tasks.look_at_wifi import (
    LOOK_AGAIN_S,
    LOOK_BUDGET_S,
    LOOK_EVERY_S,
    LOOK_WITHOUT_S,
    LookAtWifi,
)
from server_unit_test.boxes import box_in
from server_unit_test.contracts.fake_wifi import STATE, FakeWifi
from server_unit_test.tasks.houses import Home, run
from server_unit_test.tasks.wifi_houses import with_wifi

NOW = 1000.0


def test_what_is_seen_counts_until_the_next_look(home: Home) -> None:
    """Half a minute later."""
    look = LookAtWifi(home.house, FakeWifi())

    assert Again(NOW + LOOK_EVERY_S) == run(look, NOW)
    assert STATE == home.house.wifi.state
    assert LOOK_BUDGET_S == look.budget_s


def test_a_box_without_wifi_is_looked_at_more_rarely_and_logged_once(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it stays like that."""
    caplog.set_level(logging.INFO)
    wifi = FakeWifi()
    wifi.state = WifiUnavailable("this box has no Wi-Fi adapter")
    look = LookAtWifi(home.house, wifi)

    verdicts = [run(look, NOW + 1000 * each) for each in range(20)]

    pauses = [each.at - NOW - 1000 * n for n, each in enumerate(verdicts) if type(each) is Again]
    assert [LOOK_AGAIN_S, 2 * LOOK_AGAIN_S, LOOK_WITHOUT_S] == [*pauses[:2], pauses[-1]]
    assert WifiState(False, "This box has no Wi-Fi adapter.") == home.house.wifi.state
    assert 1 == len(caplog.records)


def test_a_single_look_ends(home: Home) -> None:
    """After something has changed."""
    assert Done() == run(LookAtWifi(home.house, FakeWifi(), once=True), NOW)


def test_a_look_for_which_there_was_no_room_says_nothing(home: Home) -> None:
    """What was known still counts."""
    home.house.wifi.state = STATE

    LookAtWifi(home.house, FakeWifi()).settle(Failed(Busy("no lane")), NOW)

    assert STATE == home.house.wifi.state


def test_a_look_can_be_broken_off(home: Home) -> None:
    """Its call is closed from outside."""
    wifi = FakeWifi()

    LookAtWifi(home.house, wifi).abort()

    assert wifi.aborted


def test_a_box_with_a_radio_looks_at_it_from_the_start(tmp_path: Path) -> None:
    """What it is on is in the snapshot; a box without is spared the task."""
    with box_in(tmp_path) as box:
        wifi = with_wifi(box.home)
        box.begin()
        box.until(2 * LOOK_EVERY_S)

        assert "Home" == box.gateway.board.snapshot().wifi.state.connected
        assert 2 <= wifi.looks <= 3
        assert [] == box.bugs
