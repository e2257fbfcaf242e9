"""The words of all eras for where a device is."""

from typing import Any

import msgspec
import pytest

from server.api.addressing import AUTO, DeviceAddress, addition, contract_type, device_named
from server.api.refusals import BadRequest, NotFound
from server.model.setting import (
    MAX_HOST_LENGTH,
    MAX_INTERVAL_S,
    MAX_NAME_LENGTH,
    MAX_UNIT_ID,
    MIN_POLL_INTERVAL_S,
    SETTINGS,
    device_document,
)
from server.model.device import PASSWORD_MASK, Account, DeviceConfig
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
        ({"name": "line\nbreak"}, "name"),
        ({"interval_s": 0}, "interval_s"),
        ({"interval_s": -1}, "interval_s"),
        ({"interval_s": MIN_POLL_INTERVAL_S / 2}, "interval_s"),
        ({"interval_s": MAX_INTERVAL_S + 1}, "interval_s"),
        ({"interval_s": float("nan")}, "interval_s"),
        ({"connection": {"interval_s": 0}}, "interval_s"),
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
        {"slave_id": 0},
        {"interval_s": MIN_POLL_INTERVAL_S},
        {"interval_s": MAX_INTERVAL_S},
        {"ip": "fe80::1%eth0"},
    ],
)
def test_what_just_meets_a_limit_is_taken(keys: dict[str, Any]) -> None:
    """The limits themselves are allowed."""
    assert addition(an_address(**keys), FAMILIES)


def test_what_is_taken_can_be_stored() -> None:
    """The bounds are those of the settings: a device at each of them is read back at a start."""
    keys = {"slave_id": MAX_UNIT_ID, "name": "n" * MAX_NAME_LENGTH, "interval_s": MAX_INTERVAL_S}
    asked = addition(an_address(**keys), FAMILIES)
    device = DeviceConfig("x", asked.name, asked.endpoint, asked.unit_id, "auto", asked.interval_s)

    assert (device,) == SETTINGS["devices"].rule.take([device_document(device)], "devices")


def test_keys_beside_a_connection_count_where_it_has_none() -> None:
    """What the connection says wins; the rest is taken from around it."""
    connection = {"ip": "192.0.2.9", "address": 2, "type": ""}
    around = {"host": "x", "port": 1502, "slave_id": 3, "device_type": "sungrow_string"}
    body = an_address(connection=connection, name="Roof", interval_s=5, **around)

    asked = addition(body, FAMILIES)

    assert ("192.0.2.9", 1502, 2) == (asked.endpoint.host, asked.endpoint.port, asked.unit_id)
    assert ("sungrow_string", "Roof", 5) == (asked.profile, asked.name, asked.interval_s)


def test_a_connection_without_an_address_takes_the_one_around_it() -> None:
    """A line of keys is one thing: absent as a whole or there as a whole."""
    asked = addition(an_address(connection={"port": 1502}, unit_id=4), FAMILIES)

    assert ("192.0.2.7", 1502, 4) == (asked.endpoint.host, asked.endpoint.port, asked.unit_id)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [("sungrow_string", "sungrow"), ("sungrow_hybrid", "sungrow_hybrid"), ("other", "other")],
)
def test_types_have_the_contracts_names(profile: str, expected: str) -> None:
    """Earlier clients know sungrow and sungrow_hybrid."""
    assert expected == contract_type(profile)


def test_a_profile_is_taken_by_its_own_name() -> None:
    """What a connection shows as profile is exact, whatever its type says."""
    body = an_address(profile="sungrow_string", type="sungrow")

    assert "sungrow_string" == addition(body, FAMILIES).profile


def test_no_id_means_the_first_device() -> None:
    """Clients that know only one device name none."""
    assert "A2340000001" == device_named(a_snapshot(), "").config.device_id


def test_an_unknown_id_is_not_found() -> None:
    """The words say where ids come from."""
    with pytest.raises(NotFound, match="/api/device"):
        device_named(a_snapshot(), "attic")


@pytest.mark.parametrize("folded", [True, False])
def test_an_account_goes_with_the_address(folded: bool) -> None:
    """Beside it or in the connection."""
    keys: dict[str, Any] = {"ip": "10.0.0.5", "user": "owner", "password": "s3cret"}
    body = DeviceAddress(connection=keys) if folded else DeviceAddress(**keys)

    assert Account("owner", "s3cret") == addition(body, FAMILIES).account


def test_a_mask_that_is_sent_back_is_no_password() -> None:
    """What GET shows may come again."""
    body = DeviceAddress(ip="10.0.0.5", user="owner", password=PASSWORD_MASK)

    assert Account("owner", "") == addition(body, FAMILIES).account


@pytest.mark.parametrize("key,value", [("password", "s3cret" * 30), ("user", "u" * 65)])
def test_an_account_that_cannot_be_used_is_refused(key: str, value: str) -> None:
    """By its key, and a password is not repeated."""
    with pytest.raises(BadRequest, match=key) as refusal:
        addition(DeviceAddress(ip="10.0.0.5", **{key: value}), FAMILIES)

    assert "s3cret" not in str(refusal.value)
