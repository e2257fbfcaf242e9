"""The phone's door, as the page and the Bluetooth service speak of it."""

import pytest

from server_rest_test.conftest import Gateway


def test_nobody_has_asked_for_the_door_at_first(gateway: Gateway) -> None:
    """The settings are there, a service is not."""
    answer = gateway.json("/api/bluetooth")

    assert {"window", "legacy_apps", "window_s", "configured", "service"} == set(answer)
    assert (True, 180.0) == (answer["legacy_apps"], answer["window_s"])


def test_the_number_rises_with_each_order(gateway: Gateway) -> None:
    """The service acts on a number that it has not seen."""
    before = gateway.json("/api/bluetooth")["window"]["number"]

    windows = [
        gateway.call("POST", "/api/bluetooth/window", {"open": wanted}).json()["window"]
        for wanted in (True, False)
    ]

    expected = [{"number": before + 1, "open": True}, {"number": before + 2, "open": False}]
    assert expected == windows
    assert windows[1] == gateway.json("/api/bluetooth")["window"]


def test_what_the_service_reports_is_shown(gateway: Gateway) -> None:
    """In its own route and in the snapshot; the seconds run down."""
    body = {"state": "open", "until_s": 100, "name": "Egret", "adapter": "hci0", "problem": ""}

    response = gateway.call("POST", "/api/bluetooth/state", body)

    shown = gateway.json("/api/bluetooth")["service"]
    assert 200 == response.status_code
    assert 90 < shown.pop("until_s") <= 100
    assert {key: body[key] for key in ("state", "name", "adapter", "problem")} == shown
    assert "open" == gateway.json("/api/snapshot")["bluetooth"]["service"]["state"]


@pytest.mark.parametrize(
    "body", [{}, {"state": "ajar"}, {"state": "open", "name": "x" * 201}, {"state": 1}]
)
def test_a_report_that_cannot_be_is_refused(gateway: Gateway, body: dict[str, object]) -> None:
    """In words."""
    response = gateway.call("POST", "/api/bluetooth/state", body)

    assert 400 == response.status_code
    assert response.json()["error"]


def test_the_doors_settings_can_be_changed(gateway: Gateway) -> None:
    """And are seen by the service at its next look."""
    gateway.call("POST", "/api/settings", {"bluetooth": {"legacy_apps": False, "window_s": 60}})

    changed = gateway.json("/api/bluetooth")

    gateway.call("POST", "/api/settings", {"bluetooth": {"legacy_apps": True, "window_s": 180}})
    assert (False, 60.0) == (changed["legacy_apps"], changed["window_s"])
