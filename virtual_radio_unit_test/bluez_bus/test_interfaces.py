"""BlueZ's interfaces, as a peripheral sees them."""

from virtual_radio.bluez_bus.interfaces import (
    Adapter,
    AdvertisingManager,
    AgentManager,
    Device,
    GattManager,
)


async def _nothing(path: str = "") -> None:
    """Asked for something."""


def _members(interface: object) -> set[str]:
    """What introspection shows."""
    shown = interface.introspect()  # type: ignore[attr-defined]
    return {each.name for each in (*shown.methods, *shown.properties)}


def test_they_are_named_as_bluez_names_them() -> None:
    """A peripheral looks for exactly these."""
    adapter = Adapter("AA:BB:CC:DD:EE:FF", "machine", lambda on: None)
    manager = AdvertisingManager(5, _nothing, _nothing, lambda: 2)

    shown = {
        each.name: _members(each)
        for each in (
            adapter,
            manager,
            GattManager(_nothing, _nothing),
            Device("AA:BB:CC:DD:EE:FF", _nothing),
            AgentManager(),
        )
    }

    assert {
        "org.bluez.Adapter1": {"Address", "Alias", "Powered"},
        "org.bluez.LEAdvertisingManager1": {
            "RegisterAdvertisement",
            "UnregisterAdvertisement",
            "ActiveInstances",
            "SupportedInstances",
            "SupportedIncludes",
        },
        "org.bluez.GattManager1": {"RegisterApplication", "UnregisterApplication"},
        "org.bluez.Device1": {"Disconnect", "Address", "Connected"},
        "org.bluez.AgentManager1": {"RegisterAgent"},
    } == shown


def test_free_instances_are_those_that_are_not_active() -> None:
    """Both are told."""
    manager = AdvertisingManager(5, _nothing, _nothing, lambda: 2)

    assert (2, 3) == (manager.ActiveInstances, manager.SupportedInstances)


def test_an_empty_alias_gives_the_machines_name_back() -> None:
    """As bluetoothd does."""
    adapter = Adapter("AA:BB:CC:DD:EE:FF", "machine", lambda on: None)

    adapter.Alias = "Egret"
    named = adapter.Alias
    adapter.Alias = ""

    assert ("Egret", "machine") == (named, adapter.Alias)


def test_power_is_for_its_owner_to_switch() -> None:
    """Who says when it has happened."""
    wanted: list[bool] = []
    adapter = Adapter("AA:BB:CC:DD:EE:FF", "machine", wanted.append)

    adapter.Powered = False

    assert ([False], True) == (wanted, adapter.Powered)


def test_a_device_says_whether_it_is_connected() -> None:
    """Until it no longer is."""
    device = Device("AA:BB:CC:DD:EE:FF", _nothing)
    before = device.Connected

    device.set_connected(False)

    assert [True, False] == [before, device.Connected]
