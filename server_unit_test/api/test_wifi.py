"""Wi-Fi over the API."""

from dataclasses import replace

import pytest

from server.api.wifi import (
    FORGET_ANSWER_TIMEOUT_S,
    JOIN_ANSWER_TIMEOUT_S,
    MAX_JOIN_TIMEOUT_S,
    MIN_JOIN_TIMEOUT_S,
    SCAN_ANSWER_TIMEOUT_S,
    WifiChoice,
)
from server.errors import Busy, WifiRefused, WifiUnanswered, WifiUnavailable
from server.model.request import ForgetWifi, JoinWifi, ScanWifi
from server.model.wifi import WifiReason, WifiState, WifiView
from server.tasks.forget_wifi import FORGET_BUDGET_S
from server.tasks.look_at_wifi import LOOK_BUDGET_S
from server.tasks.scan_wifi import SCAN_BUDGET_S
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import JOINED

PSK = "s3same-of-the-house"
WORDS = {"ssid": "Home", "psk": PSK}


def test_networks_are_listed_in_the_words_of_both_eras(api: Api) -> None:
    """Names and the connected one as before; strength and protection beside them."""
    answer = api.json("/api/wifi")

    assert (["Home", "Café"], "Home") == (answer["ssids"], answer["connected"])
    assert (True, "Connected to Home.") == (answer["available"], answer["message"])
    assert {"ssid": "Home", "signal_percent": 84, "security": "wpa2", "saved": True} == (
        answer["networks"][0]
    )
    assert [] == api.desk.asked


def test_a_box_without_wifi_says_so(api: Api) -> None:
    """And answers all the same."""
    api.desk.publish(wifi=WifiView(WifiState(False, "This box has no Wi-Fi adapter.")))

    answer = api.json("/api/wifi")

    assert ([], None, False) == (answer["ssids"], answer["connected"], answer["available"])
    assert "no Wi-Fi adapter" in answer["message"]


def test_a_scan_has_the_radio_look(api: Api) -> None:
    """The answer is what it found."""
    answer = api.json("/api/wifi/scan")

    assert [ScanWifi()] == api.desk.asked
    assert "scan initiated" == answer["status"]
    assert answer["ssids"] == [each["ssid"] for each in answer["networks"]] == ["Home", "Café"]


def test_progress_is_what_the_radio_does(api: Api) -> None:
    """The number rises with each change."""
    expected = {
        "number": 5,
        "ssid": "Home",
        "step": "connected",
        "reason": None,
        "message": "Connected to Home.",
    }

    assert expected == api.json("/api/wifi/progress")


def test_a_network_is_joined(api: Api) -> None:
    """The answer is what came of it; the password goes in and nowhere else."""
    response = api.call("POST", "/api/wifi", {**WORDS, "timeout": 10})

    assert [JoinWifi("Home", PSK)] == api.desk.asked
    assert 200 == response.status_code
    expected = {"status": "ok", "message": "Connected to Home.", "ip": "192.0.2.3"}
    assert expected == response.json()


def test_a_form_of_earlier_clients_is_understood(api: Api) -> None:
    """Text where later ones send numbers."""
    body = f"ssid=Home&psk={PSK}&hidden=true&timeout=10"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    response = api.call("POST", "/api/wifi", data=body, headers=headers)

    assert [JoinWifi("Home", PSK, hidden=True)] == api.desk.asked
    assert 200 == response.status_code


def test_who_does_not_wait_is_told_that_it_has_begun(api: Api) -> None:
    """202; the rest is in the progress."""
    response = api.call("POST", "/api/wifi", {**WORDS, "wait": False})

    assert (202, "started") == (response.status_code, response.json()["status"])


def test_a_network_without_internet_is_joined_all_the_same(api: Api) -> None:
    """The reason says what is missing."""
    api.desk.answers[JoinWifi] = replace(JOINED, reason=WifiReason.NO_INTERNET)

    response = api.call("POST", "/api/wifi", WORDS)

    assert (200, "no_internet") == (response.status_code, response.json()["reason"])


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (WifiRefused(WifiReason.WRONG_PASSWORD, "wrong"), 422, "wrong_password"),
        (WifiRefused(WifiReason.NOT_FOUND, "none"), 422, "not_found"),
        (WifiRefused(WifiReason.TOO_SHORT, "short"), 422, "too_short"),
        (WifiUnanswered(WifiReason.NO_ADDRESS, "none"), 504, "no_address"),
        (WifiUnanswered(WifiReason.TIMEOUT, "slow"), 504, "timeout"),
        (WifiUnavailable("no adapter"), 503, "unavailable"),
        (Busy("another one"), 503, None),
    ],
)
def test_what_went_wrong_is_said_for_people_and_for_programs(
    api: Api, error: Exception, status: int, reason: str | None
) -> None:
    """Words, and one word."""
    api.desk.answers[JoinWifi] = error

    response = api.call("POST", "/api/wifi", WORDS)

    answer = response.json()
    assert (status, reason) == (response.status_code, answer.get("reason"))
    assert ("error", str(error)) == (answer["status"], answer["message"])


@pytest.mark.parametrize(
    "body",
    [{"psk": PSK}, {"ssid": 7, "psk": PSK}, {"ssid": "Home", "psk": [PSK]}, {**WORDS, "wait": PSK}],
)
def test_a_password_is_repeated_by_no_refusal(
    api: Api, body: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever else is wrong with the request."""
    caplog.set_level("DEBUG")

    response = api.call("POST", "/api/wifi", body)

    assert 400 == response.status_code
    assert PSK not in response.text + caplog.text


def test_a_body_does_not_show_its_password() -> None:
    """Not even to a debugger's log."""
    assert PSK not in repr(WifiChoice("Home", PSK))


@pytest.mark.parametrize("timeout", [0, 1e9])
def test_whoever_joins_waits_within_bounds(api: Api, timeout: float) -> None:
    """Less than MIN_JOIN_TIMEOUT_S or more than MAX_JOIN_TIMEOUT_S counts as that."""
    assert MIN_JOIN_TIMEOUT_S < JOIN_ANSWER_TIMEOUT_S < MAX_JOIN_TIMEOUT_S

    assert 200 == api.call("POST", "/api/wifi", {**WORDS, "timeout": timeout}).status_code


def test_answers_are_waited_for_longer_than_their_calls_may_take() -> None:
    """So that an overrun is heard of as what it is."""
    assert SCAN_BUDGET_S < SCAN_ANSWER_TIMEOUT_S
    assert FORGET_BUDGET_S < FORGET_ANSWER_TIMEOUT_S
    assert LOOK_BUDGET_S < SCAN_ANSWER_TIMEOUT_S


@pytest.mark.parametrize("way", ["body", "query"])
def test_a_network_is_forgotten(api: Api, way: str) -> None:
    """Named in the body or in the query."""
    path = "/api/wifi?ssid=Home" if way == "query" else "/api/wifi"

    response = api.call("DELETE", path, {"ssid": "Home"} if way == "body" else None)

    assert [ForgetWifi("Home")] == api.desk.asked
    assert ("ok", 1) == (response.json()["status"], response.json()["forgotten"])


def test_a_network_that_nobody_knows_cannot_be_forgotten(api: Api) -> None:
    """404 in words."""
    api.desk.answers[ForgetWifi] = KeyError("no network named Attic is stored")

    response = api.call("DELETE", "/api/wifi", {"ssid": "Attic"})

    assert (404, "no network named Attic is stored") == (
        response.status_code,
        response.json()["error"],
    )
