"""What is at an address."""

from server.devices.doors import UNITS, ways
from server.errors import UnsupportedDevice
from server.model.device import Endpoint
from server.model.request import Probe
from server_unit_test.api.conftest import Api


def test_a_probe_answers_with_the_identity(api: Api) -> None:
    """Model, serial and profile of what answers there, and the way to it; nothing is stored."""
    response = api.call("POST", "/api/probe", {"host": "192.0.2.7", "port": "1502"})

    (asked,) = api.desk.asked
    assert isinstance(asked, Probe)
    assert (Endpoint("modbus_tcp", "192.0.2.7", 1502), 1) == (asked.endpoint, asked.unit_id)
    assert {1502} == {way.port for way in asked.ways}
    assert ("SH10RT", 1502) == (response.json()["model"], response.json()["endpoint"]["port"])


def test_an_address_is_enough(api: Api) -> None:
    """All ways and units are left to the box; the answer says what it did and what sits behind."""
    response = api.call("POST", "/api/probe", {"ip": "192.0.2.7"})

    (asked,) = api.desk.asked
    assert isinstance(asked, Probe)
    assert (UNITS, True) == (asked.units, asked.children)
    assert ways("192.0.2.7") == asked.ways
    (battery,) = response.json()["also"]
    assert ("sungrow_battery", 200, True) == (
        battery["profile"],
        battery["unit_id"],
        battery["behind"],
    )
    assert ["Trying Modbus TCP on port 502"] == response.json()["progress"]


def test_a_unit_that_is_given_is_kept_to(api: Api) -> None:
    """So is a way, and the wish for no battery."""
    body = {"ip": "192.0.2.7", "unit_id": 2, "scheme": "modbus_tcp", "battery": False}
    api.call("POST", "/api/probe", body)

    (asked,) = api.desk.asked
    assert isinstance(asked, Probe)
    assert ((2,), False) == (asked.units, asked.children)
    assert (Endpoint("modbus_tcp", "192.0.2.7", 502),) == asked.ways


def test_something_unknown_is_said_to_be(api: Api) -> None:
    """422 when something answers that no profile can verify."""
    api.desk.answers[Probe] = UnsupportedDevice("it answers, but as nothing known")

    response = api.call("POST", "/api/probe", {"ip": "192.0.2.7"})

    assert 422 == response.status_code
    assert "it answers, but as nothing known" == response.json()["error"]


def test_a_probe_is_no_get(api: Api) -> None:
    """A link on a foreign page cannot make the box look around the house."""
    assert 405 == api.get("/api/probe?ip=192.0.2.7").status_code
