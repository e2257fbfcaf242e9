"""A message bus in a test's hands: answers by (member, path), and time that passes by waiting.

The real bus, and services on it that behave as NetworkManager does, are met in
system_test/test_wifi_bus.py; this one is for what takes minutes there.
"""

from collections import deque
from typing import Any

from server.host.networkmanager import NetworkManager
from server.host.system_bus import BusRefused, Signal, SystemBus
from server_unit_test.contracts.fake_clock import FakeClock

DEVICE = "/org/freedesktop/NetworkManager/Devices/3"


class FakeBus(SystemBus):
    """`SystemBus` without a bus: nothing is connected to."""

    def __init__(self, clock: FakeClock, **properties: Any) -> None:
        super().__init__("unix:path=/nowhere")
        self.clock = clock
        self.properties = {
            "DeviceType": 2,
            "State": 30,
            "Interface": "wlan0",
            "LastScan": 7,
            "ActiveConnection": "/",
            "Ip4Config": "/",
            "ConnectivityCheckEnabled": False,
            **properties,
        }
        self.answers: dict[str, Any] = {
            "GetDevices": [[DEVICE]],
            "GetAllAccessPoints": [["/ap/1"]],
            "ListConnections": [[]],
            "AddAndActivateConnection2": ["/settings/9", "/active/9", {}],
        }
        self.points: list[dict[str, Any]] = []
        self.signals: deque[Signal] = deque(maxlen=100)
        self.called: list[str] = []

    def open(self) -> None:
        """At once."""

    def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        *body: Any,
        timeout_s: float = 1.0,
    ) -> list[Any]:
        """From the tables; an exception is raised."""
        if member == "Get":
            return [self.properties[body[1]]]
        if member == "GetAll":
            return [self.points[0]]
        self.called.append(member)
        found = self.answers.get(member, [])
        if isinstance(found, Exception):
            raise found
        if member == "GetInterface":
            raise BusRefused("org.freedesktop.DBus.Error.ServiceUnknown", "")
        return list(found)

    def next_signal(self, timeout_s: float) -> Signal | None:
        """What was put in, else the time passes."""
        if self.signals:
            return self.signals.popleft()
        self.clock.advance(timeout_s)
        return None

    def forget_signals(self) -> None:
        """Those of tests are all about what follows."""

    def changes(self, *states: tuple[int, int]) -> None:
        """The adapter goes through these states, for these reasons."""
        for state, reason in states:
            body = (state, 0, reason)
            interface = "org.freedesktop.NetworkManager.Device"
            self.signals.append(Signal(DEVICE, interface, "StateChanged", body))


def manager(bus: FakeBus) -> NetworkManager:
    """NetworkManager on that bus."""
    return NetworkManager(bus)
