"""A known address that is given an account means that this account is used from now on."""

from dataclasses import replace

import pytest

from server.devices.doors import ways
from server.devices.renewed_account import renewed
from server.model.device import Account, DeviceConfig, Endpoint
from server.model.request import AddDevice

HOST = "10.0.0.1"
DONGLE = Endpoint("winet", HOST, 443)
OWNER = Account("owner", "s3cret")
INVERTER = DeviceConfig("A1", "Roof", DONGLE, 1, "sungrow_hybrid", 5.0)
BATTERY = replace(INVERTER, device_id="S1", unit_id=2, parent="A1")
KNOWN = (BATTERY, INVERTER)


def request(account: Account = OWNER, **changes: object) -> AddDevice:
    """The address alone, unless told otherwise."""
    asked = AddDevice(DONGLE, 1, "auto", ways=ways(HOST), units=(1, 3), account=account)
    return replace(asked, **changes)  # type: ignore[arg-type]  # by keyword


def test_all_devices_behind_the_dongle_get_it() -> None:
    """They share its session; the one asked for comes first, and all else stays."""
    changed = renewed(KNOWN, request())

    expected = [replace(each, user="owner", password="s3cret") for each in (INVERTER, BATTERY)]
    assert expected == [*changed]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Account("", "new"), Account("before", "new")),
        (Account("new", ""), Account("new", "known")),
    ],
)
def test_what_is_left_empty_stays(given: Account, expected: Account) -> None:
    """The mask of a password is empty by then: sent back, it changes nothing."""
    known = [replace(each, user="before", password="known") for each in KNOWN]

    assert {expected} == {each.account for each in renewed(known, request(given))}


@pytest.mark.parametrize("port", [502, 443, 8082, 80])
def test_a_dongle_is_one_whichever_port_is_configured(port: int) -> None:
    """And whichever is given; a forwarded one is another."""
    known = [replace(INVERTER, endpoint=Endpoint("winet", HOST, port))]

    assert [Endpoint("winet", HOST, port)] == [each.endpoint for each in renewed(known, request())]
    assert () == renewed(known, request(ways=(Endpoint("winet", HOST, 18443),)))


@pytest.mark.parametrize(
    "changes",
    [
        {"account": Account()},
        {"units": (7,)},
        {"ways": ways("10.0.0.2")},
        {"ways": ways(HOST, 502)},
        {"ways": (), "endpoint": Endpoint("modbus_tcp", HOST, 443)},
    ],
)
def test_anything_else_adds_a_device(changes: dict[str, object]) -> None:
    """No account, another unit, another host, another way."""
    asked = request(**changes)

    assert () == renewed(KNOWN, asked)


def test_what_does_not_log_in_gets_none() -> None:
    """Modbus knows no accounts."""
    modbus = [replace(INVERTER, endpoint=Endpoint("modbus_tcp", HOST, 502))]

    assert () == renewed(modbus, request())
