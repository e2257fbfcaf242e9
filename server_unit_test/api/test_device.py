"""Configured devices."""

import pytest

from server.errors import Busy, DeviceTimeout, DeviceUnreachable, SettingsError, UnsupportedDevice
from server.model.device import Endpoint
from server.model.request import AddDevice, RemoveDevice
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import STRING

WORDS = {"connection": "TCP", "ip": "192.0.2.7", "device_type": "sungrow_hybrid"}


def test_every_device_is_listed(api: Api) -> None:
    """GET device shows each connection and whether it is open."""
    answer = api.json("/api/device")

    assert [True, False] == [each["is_open"] for each in answer]
    assert ["A2340000001", "garage"] == [each["id"] for each in answer]
    assert 1502 == answer[1]["connection"]["port"]
    assert "connection refused" == answer[1]["error"]


def test_a_device_is_added(api: Api) -> None:
    """POST device asks the gateway for exactly what was said."""
    api.call("POST", "/api/device", {**WORDS, "name": "Roof", "slave_id": 2, "interval_s": 5})

    expected = AddDevice(Endpoint("modbus_tcp", "192.0.2.7", 502), 2, "sungrow_hybrid", "Roof", 5.0)
    assert [expected] == api.desk.asked


def test_the_connection_that_get_shows_can_be_sent_back(api: Api) -> None:
    """A client may store what GET gave it and add the device again with that."""
    stored = api.json("/api/device")[1]["connection"]

    response = api.call("POST", "/api/device", {"connection": stored, "name": "Back again"})

    asked = api.desk.asked[0]
    assert 200 == response.status_code
    assert isinstance(asked, AddDevice)
    assert (STRING.endpoint, STRING.unit_id) == (asked.endpoint, asked.unit_id)
    assert "Back again" == asked.name


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnsupportedDevice("nothing known answers"), 422),
        (DeviceUnreachable("no route"), 502),
        (DeviceTimeout("silent"), 504),
        (SettingsError("devices: it is configured already"), 400),
        (Busy("the inbox is full"), 503),
    ],
)
def test_what_the_gateway_says_reaches_the_caller(api: Api, error: Exception, status: int) -> None:
    """Each kind of error has its status, and its words arrive unchanged."""
    api.desk.answers[AddDevice] = error

    response = api.call("POST", "/api/device", WORDS)

    assert status == response.status_code
    assert str(error) == response.json()["error"]


@pytest.mark.parametrize("where", ["body", "query"])
def test_a_device_is_removed_by_its_id(api: Api, where: str) -> None:
    """DELETE device takes the id from the body, or from the query where a client has no body."""
    if where == "body":
        response = api.call("DELETE", "/api/device", {"id": "garage"})
    else:
        response = api.call("DELETE", "/api/device?id=garage")

    assert [RemoveDevice("garage")] == api.desk.asked
    assert "garage" == response.json()["id"]


def test_an_unknown_id_is_not_found(api: Api) -> None:
    """DELETE of what is not there is 404 in words."""
    response = api.call("DELETE", "/api/device", {"id": "attic"})

    assert 404 == response.status_code
    assert "attic" in response.json()["error"]


def test_an_id_is_required(api: Api) -> None:
    """DELETE without an id removes nothing."""
    response = api.call("DELETE", "/api/device")

    assert 400 == response.status_code
    assert [] == api.desk.asked
