"""Wi-Fi on a box that has no NetworkManager: it says so, and goes on."""

import pytest

from server_rest_test.conftest import Gateway

PSK = "s3same-of-the-house"


def test_wifi_answers_with_the_keys_of_both_eras(gateway: Gateway) -> None:
    """There is none here, and the words say why."""
    answer = gateway.wait_for(
        "/api/wifi", lambda found: found if "not looked" not in found["message"] else None
    )

    assert {"ssids", "connected", "available", "message", "networks"} == set(answer)
    assert ([], None, False) == (answer["ssids"], answer["connected"], answer["available"])
    assert "message bus" in answer["message"]


def test_network_answers_with_the_keys_of_both_eras(gateway: Gateway) -> None:
    """The machine's own interfaces, and no connections."""
    answer = gateway.json("/api/network")

    assert {
        "ip",
        "eth0_mac",
        "wlan0_mac",
        "interfaces",
        "wifi_connected",
        "ethernet_connected",
        "internet_connection",
        "wifi_ssid",
        "connections",
    } == set(answer)
    assert [] == answer["connections"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"ssid": "Home", "psk": "sh0rt"}, 422, "too_short"),
        ({"ssid": "Home", "psk": "x" * 64}, 422, "too_long"),
        ({"ssid": "x" * 33, "psk": PSK}, 422, "bad_name"),
        ({"ssid": "Home", "psk": PSK}, 503, "unavailable"),
        ({"psk": PSK}, 400, None),
    ],
)
def test_joining_is_refused_in_words(
    gateway: Gateway, body: dict[str, str], status: int, reason: str | None
) -> None:
    """What is wrong with the request goes first; the password is repeated by none."""
    response = gateway.call("POST", "/api/wifi", body)

    answer = response.json()
    assert (status, reason) == (response.status_code, answer.get("reason"))
    assert answer["message"] == answer["error"] and answer["status"] in ("error", "bad request")
    assert body["psk"] not in response.text


def test_progress_tells_what_came_of_it(gateway: Gateway) -> None:
    """Its number rises with each attempt."""
    before = gateway.json("/api/wifi/progress")["number"]

    response = gateway.call("POST", "/api/wifi", {"ssid": "Home", "psk": PSK, "wait": False})

    assert (202, "started") == (response.status_code, response.json()["status"])
    after = gateway.wait_for(
        "/api/wifi/progress", lambda found: found if found["step"] == "failed" else None
    )
    assert after["number"] > before
    assert ("Home", "unavailable") == (after["ssid"], after["reason"])


def test_scanning_and_forgetting_are_refused_in_words(gateway: Gateway) -> None:
    """503: there is nothing to ask."""
    scanned = gateway.call("GET", "/api/wifi/scan")
    forgotten = gateway.call("DELETE", "/api/wifi", {"ssid": "Home"})

    assert [503, 503] == [scanned.status_code, forgotten.status_code]
    assert scanned.json()["error"] and forgotten.json()["error"]


def test_the_state_of_the_later_era_has_its_wifi(gateway: Gateway) -> None:
    """Empty, as the box is."""
    assert {"ssids": [], "connected": None} == gateway.json("/api/state")["network"]["wifi"]


def test_a_box_without_wifi_is_healthy(gateway: Gateway) -> None:
    """Nothing else depends on it."""
    assert 200 == gateway.call("GET", "/healthz").status_code
