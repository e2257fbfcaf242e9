"""A scan is over when LastScan has moved, and no later than its limit."""

from collections.abc import Iterator

import pytest

from server.errors import WifiUnanswered
from server.host.system_bus import BusRefused
from server.host.wifi_scan import LOOK_EVERY_S, REFUSED_SCAN_LIMIT_S, SCAN_LIMIT_S, scan_now
from server.model.wifi import WifiReason
from server_unit_test.contracts.fake_clock import FakeClock
from server_unit_test.host.fake_bus import DEVICE, FakeBus, manager


@pytest.fixture
def bus() -> Iterator[FakeBus]:
    """A bus whose time passes by waiting."""
    found = FakeBus(FakeClock())
    yield found
    found.close()


def test_a_scan_that_never_ends_is_given_up(bus: FakeBus) -> None:
    """After SCAN_LIMIT_S, in words."""
    begun = bus.clock.monotonic()

    with pytest.raises(WifiUnanswered) as caught:
        scan_now(manager(bus), DEVICE, bus.clock)

    assert WifiReason.TIMEOUT == caught.value.reason
    assert SCAN_LIMIT_S == bus.clock.monotonic() - begun


def test_a_scan_that_is_refused_is_waited_for_all_the_same(bus: FakeBus) -> None:
    """One is under way already; a missed signal costs a second at most."""
    bus.answers["RequestScan"] = BusRefused("org.freedesktop.NetworkManager.Device.NotAllowed", "")
    begun = bus.clock.monotonic()
    waited = bus.next_signal

    def ends_meanwhile(timeout_s: float) -> None:
        waited(timeout_s)
        bus.properties["LastScan"] = 8

    bus.next_signal = ends_meanwhile  # type: ignore[method-assign]  # The radio is done.

    scan_now(manager(bus), DEVICE, bus.clock)

    assert LOOK_EVERY_S == bus.clock.monotonic() - begun


def test_a_refused_scan_that_is_followed_by_none_is_no_error(bus: FakeBus) -> None:
    """After REFUSED_SCAN_LIMIT_S what is known is new enough."""
    bus.answers["RequestScan"] = BusRefused("org.freedesktop.NetworkManager.Device.NotAllowed", "")
    begun = bus.clock.monotonic()

    scan_now(manager(bus), DEVICE, bus.clock)

    assert REFUSED_SCAN_LIMIT_S == bus.clock.monotonic() - begun
