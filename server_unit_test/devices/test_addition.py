"""What is configured for what was found."""

from dataclasses import replace

import pytest

from server.devices.addition import DEFAULT_INTERVAL_S, new_devices
from server.devices.profile import load_profiles
from server.errors import SettingsError
from server.model.device import Account, DeviceConfig, Endpoint, Identity
from server.model.request import AddDevice, Found, FoundDevices

PROFILES = load_profiles().profiles
ENDPOINT = Endpoint("modbus_tcp", "10.0.0.1", 502)
REQUEST = AddDevice(ENDPOINT, 1, "auto", "Roof")
INVERTER = Found(Identity("sungrow_hybrid", "A1", "SH10RT", 0x0E03, True), ENDPOINT, 1)
SECOND = Found(Identity("sungrow_string", "A2", "SG5.0RT", 0x2430, True), ENDPOINT, 2)
CELL = Identity("sungrow_battery", "S1", "Sungrow", None, True)
BATTERY = Found(CELL, ENDPOINT, 200, "battery", 0)


def added(*found: Found, known: tuple[DeviceConfig, ...] = ()) -> tuple[DeviceConfig, ...]:
    """What is configured."""
    return new_devices(known, PROFILES, REQUEST, FoundDevices(found, ()))


def test_the_device_asked_for_has_the_given_name() -> None:
    """Those beside it are named after what they are, those behind it after it."""
    devices = added(INVERTER, SECOND, BATTERY)

    assert [("Roof", ""), ("SG5.0RT", ""), ("Roof battery", "A1")] == [
        (each.name, each.parent) for each in devices
    ]
    assert {DEFAULT_INTERVAL_S} == {each.interval_s for each in devices}


def test_what_has_no_serial_is_named_by_its_place() -> None:
    """Every device needs a name for ever."""
    mute = replace(BATTERY, identity=replace(CELL, serial=""))

    assert "10.0.0.1:502:200" == added(INVERTER, mute)[1].device_id


def test_what_is_configured_is_not_configured_again() -> None:
    """Beside the device it is left alone; the device itself is refused in words."""
    known = added(INVERTER, BATTERY)

    (second,) = added(SECOND, known=known)[:1]

    assert ("A2", 1) == (second.device_id, len(added(SECOND, BATTERY, known=known)))
    with pytest.raises(SettingsError, match="Roof is configured already, at 10.0.0.1"):
        added(INVERTER, known=known)


def test_a_battery_added_later_finds_its_inverter() -> None:
    """It sits behind the one that is reached at the same place."""
    inverter = added(INVERTER)
    alone = replace(BATTERY, behind=None)

    assert ["A1"] == [each.parent for each in added(alone, known=inverter)]
    assert [""] == [each.parent for each in added(alone)]


def test_a_device_is_added_unseen() -> None:
    """With what was asked for, whether it answers or not."""
    request = AddDevice(ENDPOINT, 7, "sungrow_string", interval_s=30.0)

    (config,) = new_devices((), PROFILES, request, None)

    assert ("10.0.0.1:502:7", 30.0, "sungrow_string") == (
        config.device_id,
        config.interval_s,
        config.profile,
    )


@pytest.mark.parametrize("probed", [True, False])
def test_the_account_is_kept_with_the_device(probed: bool) -> None:
    """Found or unseen, and what is behind it has the same."""
    account = Account("owner", "s3cret")
    endpoint = Endpoint("winet", "10.0.0.9", 443)
    request = AddDevice(endpoint, 1, "sungrow_hybrid", account=account)
    identity = Identity("sungrow_hybrid", "S9", "SH10RT", 1, True)
    places = (Found(identity, endpoint, 1), Found(replace(identity, serial="B9"), endpoint, 200))

    made = new_devices((), {}, request, FoundDevices(places, ()) if probed else None)

    assert {account} == {each.account for each in made}
