"""The words of all eras for where a device is."""

from typing import Any

import msgspec
import pytest

from server.api.addressing import (
    AUTO,
    MAX_HOST_LENGTH,
    MAX_NAME_LENGTH,
    MAX_UNIT_ID,
    DeviceAddress,
    addition,
    device_named,
)
from server.api.refusals import BadRequest, NotFound
from server_unit_test.api.fake_desk import a_snapshot
from server_unit_test.api.fake_services import FAMILIES


def an_address(**keys: Any) -> DeviceAddress:
    return msgspec.convert({"ip": "192.0.2.7", **keys}, DeviceAddress, strict=False)


@pytest.mark.parametrize("key", ["slave_id", "unit_id", "address"])
def test_the_unit_has_three_names(key: str) -> None:
    """slave_id, unit_id and address mean the same."""
    assert 7 == addition(an_address(**{key: 7}), FAMILIES).unit_id


@pytest.mark.parametrize("key", ["device_type", "type"])
def test_the_type_has_two_names(key: str) -> None:
    """device_type and type mean the same."""
    assert "sungrow_string" == addition(an_address(**{key: "sungrow_string"}), FAMILIES).profile


def test_the_host_has_two_names() -> None:
    """ip and host mean the same."""
    body = DeviceAddress(host="inverter.lan")

    assert "inverter.lan" == addition(body, FAMILIES).endpoint.host


@pytest.mark.parametrize("word", ["", "auto", "unknown", "sungrow", "Sungrow"])
def test_a_type_that_names_a_maker_only_asks_the_device(word: str) -> None:
    """Earlier clients call string inverters and hybrids alike sungrow."""
    assert AUTO == addition(an_address(type=word), FAMILIES).profile


def test_an_unknown_type_names_those_there_are() -> None:
    """The refusal lists what may be given."""
    with pytest.raises(BadRequest, match="sungrow_hybrid"):
        addition(an_address(type="acme"), FAMILIES)


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"ip": ""}, "ip"),
        ({"ip": "a b"}, "ip"),
        ({"ip": "http://x/"}, "ip"),
        ({"ip": "a" * (MAX_HOST_LENGTH + 1)}, "ip"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"scheme": "carrier_pigeon"}, "scheme"),
        ({"slave_id": -1}, "slave_id"),
        ({"slave_id": MAX_UNIT_ID + 1}, "slave_id"),
        ({"name": "n" * (MAX_NAME_LENGTH + 1)}, "name"),
        ({"connection": "RTU"}, "connection"),
        ({"connection": {"connection": "RTU", "ip": "192.0.2.7"}}, "connection"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_key(keys: dict[str, Any], word: str) -> None:
    """Each refusal begins with the key that is to blame."""
    with pytest.raises(BadRequest, match=f"^{word}:"):
        addition(an_address(**keys), FAMILIES)


@pytest.mark.parametrize(
    "keys",
    [
        {"ip": "a" * MAX_HOST_LENGTH},
        {"slave_id": MAX_UNIT_ID},
        {"name": "n" * MAX_NAME_LENGTH},
        {"ip": "fe80::1%eth0"},
    ],
)
def test_what_just_meets_a_limit_is_taken(keys: dict[str, Any]) -> None:
    """The limits themselves are allowed."""
    assert addition(an_address(**keys), FAMILIES)


def test_no_id_means_the_first_device() -> None:
    """Clients that know only one device name none."""
    assert "A2340000001" == device_named(a_snapshot(), "").config.device_id


def test_an_unknown_id_is_not_found() -> None:
    """The words say where ids come from."""
    with pytest.raises(NotFound, match="/api/device"):
        device_named(a_snapshot(), "attic")
