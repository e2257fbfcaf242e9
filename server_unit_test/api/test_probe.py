"""What is at an address."""

from server.errors import UnsupportedDevice
from server.model.device import Endpoint
from server.model.request import Probe
from server_unit_test.api.conftest import Api


def test_a_probe_answers_with_the_identity(api: Api) -> None:
    """Model, serial and profile of what answers there; nothing is stored."""
    response = api.call("POST", "/api/probe", {"host": "192.0.2.7", "port": "1502"})

    assert [Probe(Endpoint("modbus_tcp", "192.0.2.7", 1502), 1)] == api.desk.asked
    assert "SH10RT" == response.json()["model"]


def test_something_unknown_is_said_to_be(api: Api) -> None:
    """422 when something answers that no profile can verify."""
    api.desk.answers[Probe] = UnsupportedDevice("it answers, but as nothing known")

    response = api.call("POST", "/api/probe", {"ip": "192.0.2.7"})

    assert 422 == response.status_code
    assert "it answers, but as nothing known" == response.json()["error"]


def test_a_probe_is_no_get(api: Api) -> None:
    """A link on a foreign page cannot make the box look around the house."""
    assert 405 == api.get("/api/probe?ip=192.0.2.7").status_code
