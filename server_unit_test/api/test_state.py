"""The box in one object."""

from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import AT_MS, SERIAL


def test_state_has_every_key_of_the_later_era(api: Api) -> None:
    """A client of the later era finds what it reads, filled from the snapshot."""
    answer = api.json("/api/state")

    assert {
        "balena_uuid",
        "status",
        "timestamp",
        "crypto",
        "network",
        "devices",
        "available_devices",
        "available_hosts",
    } == set(answer)
    assert AT_MS == answer["timestamp"]
    assert SERIAL == answer["crypto"]["serialNumber"]
    assert "Garage does not answer" == answer["status"]["messages"][0]["message"]
    assert "192.0.2.2" == answer["network"]["ip"]
    assert {"ssids": ["Home", "Café"], "connected": "Home"} == answer["network"]["wifi"]
    assert ["A2340000001", "garage"] == [each["id"] for each in answer["devices"]["configured"]]
    assert "sungrow" in answer["devices"]["supported"]
