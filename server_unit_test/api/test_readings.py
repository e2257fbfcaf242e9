"""The latest values."""

from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import AT_MS


def test_values_come_with_their_units(api: Api) -> None:
    """Each value stands beside its unit; what was unavailable is absent."""
    device = api.json("/api/readings")["devices"][0]

    assert {"value": 4200, "unit": "W"} == device["values"]["pv_power"]
    assert {"value": "running", "unit": ""} == device["values"]["work_state"]
    assert "battery_soh" not in device["values"]
    assert (AT_MS - 1000, "synced") == (device["taken_at_ms"], device["clock"])


def test_a_device_without_a_reading_is_there_without_values(api: Api) -> None:
    """A device that never answered is listed, so that nobody wonders where it is."""
    device = api.json("/api/readings")["devices"][1]

    assert ("garage", None, {}) == (device["device"], device["taken_at_ms"], device["values"])
