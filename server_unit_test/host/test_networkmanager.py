"""NetworkManager's answers, and what becomes of its refusals."""

from collections.abc import Iterator

import pytest

from server.errors import WifiUnavailable
from server.host.networkmanager import (
    MAX_ACCESS_POINTS,
    MAX_DEVICES,
    MAX_STORED,
    Connectivity,
)
from server.host.system_bus import BusRefused
from server_unit_test.contracts.fake_clock import FakeClock
from server_unit_test.host.fake_bus import DEVICE, FakeBus, manager


@pytest.fixture
def bus() -> Iterator[FakeBus]:
    """An adapter on no network."""
    found = FakeBus(FakeClock())
    yield found
    found.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("org.freedesktop.DBus.Error.ServiceUnknown", "does not run"),
        ("org.freedesktop.DBus.Error.AccessDenied", "does not let"),
        ("org.freedesktop.NetworkManager.PermissionDenied", "does not let"),
    ],
)
def test_what_can_never_work_is_said_to_be_unavailable(bus: FakeBus, name: str, words: str) -> None:
    """No service, or one that does not let us."""
    bus.answers["GetDevices"] = BusRefused(name, "")

    with pytest.raises(WifiUnavailable, match=words):
        manager(bus).wifi_device()


def test_other_refusals_are_left_to_whoever_asked(bus: FakeBus) -> None:
    """They have NetworkManager's own words."""
    bus.answers["Delete"] = BusRefused("org.freedesktop.NetworkManager.Failed", "not now")

    with pytest.raises(BusRefused, match="not now"):
        manager(bus).delete("/settings/1")


@pytest.mark.parametrize(
    ("state", "words"), [(20, "switched off"), (10, "leave the Wi-Fi adapter alone")]
)
def test_an_adapter_that_is_not_ready_is_said(bus: FakeBus, state: int, words: str) -> None:
    """So that a person can look."""
    bus.properties["State"] = state

    with pytest.raises(WifiUnavailable, match=words):
        manager(bus).wifi_device()


def test_lists_are_read_up_to_their_bounds(bus: FakeBus) -> None:
    """However many there are."""
    bus.points = [{"Ssid": b"a"}]
    bus.properties["DeviceType"] = 1
    bus.answers |= {
        "GetDevices": [["/device"] * (MAX_DEVICES + 1)],
        "GetAllAccessPoints": [["/ap"] * (MAX_ACCESS_POINTS + 1)],
        "ListConnections": [[f"/settings/{each}" for each in range(MAX_STORED + 1)]],
        "GetSettings": [{}],
    }
    nm = manager(bus)

    with pytest.raises(WifiUnavailable, match="no Wi-Fi adapter"):
        nm.wifi_device()
    assert MAX_ACCESS_POINTS == len(nm.access_points(DEVICE))
    assert MAX_STORED == len(nm.stored())


def test_what_went_away_meanwhile_is_left_out(bus: FakeBus) -> None:
    """A profile that was just deleted."""
    bus.answers |= {
        "ListConnections": [["/settings/1"]],
        "GetSettings": BusRefused("org.freedesktop.DBus.Error.UnknownMethod", "gone"),
    }

    assert {} == manager(bus).stored()


def test_an_address_may_be_missing(bus: FakeBus) -> None:
    """No configuration, or one without an address."""
    nm = manager(bus)
    assert "" == nm.address(DEVICE)

    bus.properties |= {"Ip4Config": "/ip/1", "AddressData": [{"address": "10.0.0.9"}]}

    assert "10.0.0.9" == nm.address(DEVICE)


def test_connectivity_counts_where_networkmanager_looks(bus: FakeBus) -> None:
    """Otherwise nobody knows."""
    nm = manager(bus)
    assert (None, None) == (nm.connectivity(), nm.check_connectivity())

    bus.properties |= {"ConnectivityCheckEnabled": True, "Connectivity": 4}
    bus.answers["CheckConnectivity"] = [2]

    assert (Connectivity.FULL, Connectivity.PORTAL) == (nm.connectivity(), nm.check_connectivity())
