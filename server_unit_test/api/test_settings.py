"""All settings."""

import json
from dataclasses import replace

import pytest

from server.api.settings import MAX_SETTINGS_BODY_BYTES

from server.errors import SettingsError
from server.model.device import Endpoint
from server.model.request import ChangeSettings
from server.model.setting import MAX_DEVICES
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import HYBRID


def test_settings_are_shown_in_the_contracts_shape(api: Api) -> None:
    """Everything stands under `settings`, and devices are connections."""
    settings = api.json("/api/settings")["settings"]

    assert ["https://ingest.example/gw/data/"] == settings["harvest"]["endpoints"]
    assert ["192.0.2.10", "inverter.lan"] == [
        each["ip"] for each in settings["devices"]["connections"]
    ]
    assert {"raw_writes": False} == settings["control"]


@pytest.mark.parametrize("body", [{"name": "Hut"}, {"settings": {"name": "Hut"}}])
def test_a_part_is_enough(api: Api, body: dict[str, object]) -> None:
    """What is given is changed, with or without `settings` around it."""
    response = api.call("POST", "/api/settings", body)

    assert [ChangeSettings({"name": "Hut"})] == api.desk.asked
    assert response.json()["success"] is True


def test_what_was_read_can_be_sent_back(api: Api) -> None:
    """A client that reads all, changes one and sends all does no harm."""
    everything = api.json("/api/settings")
    everything["settings"]["name"] = "Hut"
    everything["settings"]["id"] = 17
    everything["settings"]["api"]["gql_endpoint"] = "https://cloud.example"

    response = api.call("POST", "/api/settings", everything)

    asked = api.desk.asked[0]
    assert 200 == response.status_code
    assert isinstance(asked, ChangeSettings)
    assert "Hut" == asked.changes["name"]
    assert not {"id", "devices", "version"} & set(asked.changes)
    assert "gql_endpoint" not in asked.changes["api"]


def test_devices_are_not_changed_here(api: Api) -> None:
    """A change of devices is pointed to where it can be checked."""
    response = api.call("POST", "/api/settings", {"devices": {"connections": []}})

    assert 400 == response.status_code
    assert "/api/device" in response.json()["error"]
    assert [] == api.desk.asked


@pytest.mark.parametrize("body", [{}, {"settings": {}}, {"settings": 5}, [1], "x"])
def test_nothing_to_change_is_refused(api: Api, body: object) -> None:
    """A body without a setting changes nothing and says so."""
    assert 400 == api.call("POST", "/api/settings", body).status_code
    assert [] == api.desk.asked


def test_a_setting_that_cannot_be_used_is_named(api: Api) -> None:
    """The words of the settings reach the caller."""
    api.desk.answers[ChangeSettings] = SettingsError("store.max_bytes: must be a number")

    response = api.call("POST", "/api/settings", {"store": {"max_bytes": "much"}})

    assert 400 == response.status_code
    assert "store.max_bytes: must be a number" == response.json()["error"]


def test_the_settings_of_the_largest_gateway_can_be_sent_back(api: Api) -> None:
    """MAX_DEVICES with long names fit, printed for a person as well."""
    devices = tuple(
        replace(HYBRID, device_id=f"d{i}", endpoint=Endpoint("modbus_tcp", f"{i:040}.lan", 502))
        for i in range(MAX_DEVICES)
    )
    api.desk.publish(configuration=replace(api.desk.current.configuration, devices=devices))
    everything = api.json("/api/settings")

    response = api.call("POST", "/api/settings", data=json.dumps(everything, indent=4))

    assert 200 == response.status_code, response.text[:200]


def test_settings_have_their_own_largest_body(api: Api) -> None:
    """MAX_SETTINGS_BODY_BYTES are read, one more is not."""
    text = b'{"name": "Hut"}'.ljust(MAX_SETTINGS_BODY_BYTES)

    assert 200 == api.call("POST", "/api/settings", data=text).status_code
    response = api.call("POST", "/api/settings", data=text + b" ")
    assert 413 == response.status_code
    assert str(MAX_SETTINGS_BODY_BYTES) in response.json()["error"]
