"""The fixture `bluez_bus`, as a suite of anybody's would use it."""

import os
from pathlib import Path

import pytest

from bluetooth.bluez import BluezPeripheral
from bluetooth_unit_test.contracts.peripheral import (
    ADVERTISEMENT,
    FIRST,
    READ_ONLY,
    SERVICES,
    RecordedValues,
    pattern,
)
from virtual_radio.bluez_bus import private_bus
from virtual_radio.bluez_bus.bus_room import BusRoom
from virtual_radio.bluez_bus.private_bus import PrivateBus
from virtual_radio.central import Central

pytestmark = pytest.mark.system


@pytest.mark.real_time
async def test_code_under_test_needs_no_change(bluez_bus: BusRoom, central: Central) -> None:
    """It finds the bus where it finds the machine's, and a phone finds the box."""
    peripheral = BluezPeripheral()
    await peripheral.open(SERVICES, RecordedValues({READ_ONLY: pattern(300)}))
    await peripheral.advertise([ADVERTISEMENT])

    session = await central.connect(await central.find(service=FIRST.uuid), mtu=48)
    read = await session.read(READ_ONLY)
    await session.disconnect()
    await peripheral.close()

    assert pattern(300) == read
    assert bluez_bus.address == os.environ["DBUS_SYSTEM_BUS_ADDRESS"]


def test_a_private_bus_ends_with_its_context(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever happens inside; a second end is none."""
    bus = PrivateBus(tmp_path_factory.mktemp("bus"))
    with pytest.raises(ZeroDivisionError), bus:
        process = bus.process_id
        raise ZeroDivisionError

    assert process is not None
    assert not Path(f"/proc/{process}").exists()
    assert bus.process_id is None


def test_a_bus_that_does_not_start_says_why(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dbus-daemon's own words."""
    monkeypatch.setattr(private_bus, "_CONFIGURATION", "<busconfig><nonsense/></busconfig>")

    with pytest.raises(RuntimeError, match="nonsense"), PrivateBus(tmp_path_factory.mktemp("bus")):
        pass


def test_a_bus_that_hangs_is_killed(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets START_TIMEOUT_S to begin and STOP_TIMEOUT_S to end."""
    folder = tmp_path_factory.mktemp("bus")
    mute = folder / "dbus-daemon"
    mute.write_text("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.05; done\n")
    mute.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr(private_bus, "START_TIMEOUT_S", 0.3)
    monkeypatch.setattr(private_bus, "STOP_TIMEOUT_S", 0.1)
    bus = PrivateBus(folder)

    with pytest.raises(RuntimeError, match="does not start"), bus:
        pass

    assert bus.process_id is None
