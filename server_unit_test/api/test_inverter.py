"""The first device, for clients that know only one."""

import pytest

from server.errors import (
    Busy,
    DeviceTimeout,
    DeviceUnreachable,
    SettingsError,
    StoreUnavailable,
    UnsupportedDevice,
    WrongDevice,
)
from server.model.request import AddDevice, RemoveDevice
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import HYBRID


def test_the_first_device_is_shown_in_the_words_of_both_eras(api: Api) -> None:
    """GET inverter has the earlier keys and the later ones beside them."""
    answer = api.json("/api/inverter")

    assert "TCP" == answer["connection"]
    assert "open" == answer["status"]
    assert ("192.0.2.10", "192.0.2.10", 502) == (answer["host"], answer["ip"], answer["port"])
    assert (1, 1) == (answer["address"], answer["slave_id"])
    assert "sungrow_hybrid" == answer["type"] == answer["device_type"] == answer["profile"]
    assert answer["is_open"] is True


def test_a_string_inverter_has_the_contracts_name(api: Api) -> None:
    """Earlier clients know it as sungrow; the profile stands beside that."""
    api.desk.publish(devices=api.desk.current.devices[1:])

    answer = api.json("/api/inverter")

    assert "sungrow" == answer["type"] == answer["device_type"]
    assert "sungrow_string" == answer["profile"] == answer["client_name"]


def test_without_a_device_only_the_status_says_so(api: Api) -> None:
    """GET inverter on an empty box answers exactly what the contract has."""
    api.desk.publish(devices=())

    assert {"status": "No inverter"} == api.json("/api/inverter")


def test_removing_names_the_device(api: Api) -> None:
    """DELETE inverter forgets the first device and answers in the words of both eras."""
    response = api.call("DELETE", "/api/inverter")

    assert [RemoveDevice(HYBRID.device_id)] == api.desk.asked
    assert response.json()["isTerminated"] is True
    assert response.json()["isOpen"] is False
    assert "192.0.2.10" == response.json()["device"]["ip"]


def test_removing_from_an_empty_box_is_refused(api: Api) -> None:
    """DELETE inverter without one is 400, as the contract has it."""
    api.desk.publish(devices=())

    assert 400 == api.call("DELETE", "/api/inverter").status_code


def test_invertertcp_takes_a_form_as_earlier_clients_send_it(api: Api) -> None:
    """The four keys of the earlier era arrive as text and are understood."""
    response = api.call(
        "POST", "/api/invertertcp", data="ip=192.0.2.7&port=502&type=sungrow_hybrid&address=3"
    )

    asked = api.desk.asked[0]
    assert isinstance(asked, AddDevice)
    assert ("192.0.2.7", 502, 3) == (asked.endpoint.host, asked.endpoint.port, asked.unit_id)
    assert "sungrow_hybrid" == asked.profile
    assert "ok" == response.json()["status"]


def test_invertertcp_without_an_address_is_a_bad_request(api: Api) -> None:
    """The contract's words for a bad body are kept."""
    response = api.call("POST", "/api/invertertcp", {"port": 502})

    assert 400 == response.status_code
    assert "bad request" == response.json()["status"]
    assert "ip" in response.json()["error"]


@pytest.mark.parametrize(
    "error",
    [
        UnsupportedDevice("nothing known answers"),
        WrongDevice("another one answers"),
        DeviceUnreachable("no route"),
        DeviceTimeout("silent"),
        Busy("the inbox is full"),
        StoreUnavailable("the disk is gone"),
    ],
)
def test_invertertcp_knows_one_failure(api: Api, error: Exception) -> None:
    """The contract has 500 with status and message; the words are those of the gateway."""
    api.desk.answers[AddDevice] = error

    response = api.call("POST", "/api/invertertcp", {"ip": "192.0.2.7"})

    assert 500 == response.status_code
    assert ("error", str(error)) == (response.json()["status"], response.json()["message"])


def test_invertertcp_refuses_what_cannot_be_stored(api: Api) -> None:
    """A device that is there already is the caller's matter: 400."""
    api.desk.answers[AddDevice] = SettingsError("devices: it is configured already")

    response = api.call("POST", "/api/invertertcp", {"ip": "192.0.2.7"})

    assert (400, "bad request") == (response.status_code, response.json()["status"])


@pytest.mark.parametrize("data", ["port=x&ip=192.0.2.7", "", "{", '{"ip": 7}', "[1]"])
def test_a_malformed_invertertcp_is_a_bad_request(api: Api, data: str) -> None:
    """The contract's words, whatever is wrong with the body."""
    response = api.call("POST", "/api/invertertcp", data=data)

    assert (400, "bad request") == (response.status_code, response.json()["status"])
