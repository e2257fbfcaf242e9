"""The phone's door over the API."""

import pytest

from server.api.bluetooth import is_configured
from server.model.bluetooth import (
    MAX_REPORT_CHARACTERS,
    MAX_REPORT_UNTIL_S,
    DoorReport,
    DoorState,
    DoorView,
)
from server.model.configuration import BluetoothConfig, Configuration, HarvestConfig
from server.model.request import AskDoor, ReportDoor
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import HYBRID


def test_the_door_is_shown(api: Api) -> None:
    """What was asked, the settings, and what the service says."""
    expected = {
        "window": {"number": 3, "open": True},
        "legacy_apps": True,
        "window_s": 180.0,
        "configured": True,
        "service": {
            "state": "open",
            "until_s": 120.5,
            "name": "Egret 7D0F",
            "adapter": "hci0",
            "problem": "",
        },
    }

    assert expected == api.json("/api/bluetooth")


def test_a_service_that_does_not_report_is_none(api: Api) -> None:
    """And the settings count all the same."""
    configuration = Configuration(bluetooth=BluetoothConfig(legacy_apps=False, window_s=60.0))
    api.desk.publish(door=DoorView(), configuration=configuration)

    answer = api.json("/api/bluetooth")

    assert (None, False, 60.0) == (answer["service"], answer["legacy_apps"], answer["window_s"])
    assert ({"number": 0, "open": False}, False) == (answer["window"], answer["configured"])


@pytest.mark.parametrize(
    ("configuration", "configured"),
    [
        (Configuration(), False),
        (Configuration(name="Hut"), False),
        (Configuration(devices=(HYBRID,)), True),
        (Configuration(harvest=HarvestConfig(endpoints=("https://example.org/",))), True),
    ],
)
def test_a_box_with_a_device_or_a_delivery_is_configured(
    configuration: Configuration, configured: bool
) -> None:
    """Somebody has made it his own."""
    assert configured is is_configured(configuration)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_owner_asks_for_the_window(api: Api, wanted: bool) -> None:
    """The answer has the number that the service will see."""
    response = api.call("POST", "/api/bluetooth/window", {"open": wanted})

    assert [AskDoor(wanted)] == api.desk.asked
    assert {"status": "ok", "window": {"number": 4, "open": wanted}} == response.json()


def test_the_service_reports(api: Api) -> None:
    """Everything that it says, and nothing else is needed."""
    full = {"state": "paused", "until_s": 30, "name": "Egret", "adapter": "hci0", "problem": "x"}

    responses = [
        api.call("POST", "/api/bluetooth/state", body) for body in (full, {"state": "closed"})
    ]

    assert [
        ReportDoor(DoorReport(DoorState.PAUSED, 30.0, "Egret", "hci0", "x")),
        ReportDoor(DoorReport(DoorState.CLOSED)),
    ] == api.desk.asked
    assert [200, 200] == [each.status_code for each in responses]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "ajar"}, "state"),
        ({"until_s": -1}, "until_s"),
        ({"until_s": MAX_REPORT_UNTIL_S + 1}, "until_s"),
        ({"name": "n" * (MAX_REPORT_CHARACTERS + 1)}, "name"),
        ({"adapter": "n" * (MAX_REPORT_CHARACTERS + 1)}, "adapter"),
        ({"problem": "n" * (MAX_REPORT_CHARACTERS + 1)}, "problem"),
    ],
)
def test_a_report_is_bounded(api: Api, change: dict[str, object], said: str) -> None:
    """400 names the key, and nothing is kept."""
    response = api.call("POST", "/api/bluetooth/state", {"state": "open", **change})

    assert 400 == response.status_code
    assert said in response.json()["error"]
    assert [] == api.desk.asked


def test_the_largest_report_is_taken(api: Api) -> None:
    """Both bounds themselves are allowed."""
    body = {
        "state": "no_adapter",
        "until_s": MAX_REPORT_UNTIL_S,
        "problem": "p" * MAX_REPORT_CHARACTERS,
    }

    assert 200 == api.call("POST", "/api/bluetooth/state", body).status_code


def test_open_or_closed_must_be_said(api: Api) -> None:
    """There is no default for an order."""
    assert 400 == api.call("POST", "/api/bluetooth/window", {}).status_code
