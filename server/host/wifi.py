"""The box's Wi-Fi through NetworkManager. A box without it says so, and goes on.

Each call opens a connection to the message bus of its own and gives it back, so that nothing is
held on a box that never uses Wi-Fi, and a NetworkManager that was restarted is met anew.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from server.errors import WifiUnavailable
from server.host.access_points import listed, networks_of
from server.host.networkmanager import CONNECTION, DEVICE, Connectivity, NetworkManager, State
from server.host.system_bus import BusRefused, SystemBus
from server.host.wifi_attempt import Attempt
from server.host.wifi_profile import described, ssid_of
from server.host.wifi_scan import scan_now
from server.host.wifi_words import lost
from server.model.request import JoinWifi
from server.model.wifi import WifiState, shown_ssid
from server.ports import Clock, WifiAttempt

Answer = TypeVar("Answer")


class NetworkManagerWifi:
    """`ports.Wifi`; `bus_address` None is the machine's own system bus."""

    def __init__(self, clock: Clock, bus_address: str | None = None) -> None:
        self._clock = clock
        self._address = bus_address
        self._bus: SystemBus | None = None

    def look(self) -> WifiState:
        """As `ports.WifiRadio`."""
        return self._with_bus(lambda nm: _state(nm, nm.wifi_device()))

    def scan(self) -> WifiState:
        """As `ports.WifiRadio`."""

        def scanned(nm: NetworkManager) -> WifiState:
            device = nm.wifi_device()
            scan_now(nm, device, self._clock)
            return _state(nm, device)

        return self._with_bus(scanned)

    def join(self, wanted: JoinWifi) -> WifiAttempt:
        """As `ports.WifiProfiles`."""
        return Attempt(SystemBus(self._address), wanted, self._clock)

    def forget(self, ssid: str) -> int:
        """As `ports.WifiProfiles`."""

        def forgotten(nm: NetworkManager) -> int:
            paths = [path for path, each in nm.stored().items() if _is_called(each, ssid)]
            for path in paths:
                nm.delete(path)
            return len(paths)

        return self._with_bus(forgotten)

    def abort(self) -> None:
        """As `ports.WifiRadio`."""
        bus = self._bus
        if bus is not None:
            bus.abort()

    def _with_bus(self, ask: Callable[[NetworkManager], Answer]) -> Answer:
        bus = self._bus = SystemBus(self._address)
        try:
            bus.open()
            return ask(NetworkManager(bus))
        except BusRefused as error:
            raise WifiUnavailable(f"NetworkManager refuses: {error}") from error
        finally:
            self._bus = None
            bus.close()


def _is_called(settings: Any, ssid: str) -> bool:
    raw = ssid_of(settings)
    return raw is not None and (raw == ssid.encode("utf-8", "replace") or shown_ssid(raw) == ssid)


def _state(nm: NetworkManager, device: str) -> WifiState:
    """Everything that is shown, in some twenty short calls."""
    stored = nm.stored()
    names = [ssid for each in stored.values() if (ssid := ssid_of(each)) is not None]
    connected = _connected(nm, device)
    if connected is not None:
        message = f"Connected to {connected}."
    else:
        _, reason = nm.get(device, DEVICE, "StateReason")
        message = lost(reason, None) or "Not connected."
    connectivity = nm.connectivity()
    return WifiState(
        available=True,
        message=message,
        connected=connected,
        networks=listed(networks_of(nm.access_points(device)), names),
        connections=tuple(described(each) for each in stored.values()),
        internet=None if connectivity is None else connectivity is Connectivity.FULL,
    )


def _connected(nm: NetworkManager, device: str) -> str | None:
    """The network by the active profile: an access point may be between two names for a moment."""
    if nm.get(device, DEVICE, "State") != State.ACTIVATED:
        return None
    _, settings = nm.active_settings(device)
    try:
        raw = ssid_of(nm.call(settings, CONNECTION, "GetSettings")[0])
    except BusRefused:
        return None
    return None if raw is None else shown_ssid(raw)
