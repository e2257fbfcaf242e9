"""All settings."""

import pytest

from server.errors import SettingsError
from server.model.request import ChangeSettings
from server_unit_test.api.conftest import Api


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
    assert {"host", "port"} == set(asked.changes["api"])


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
