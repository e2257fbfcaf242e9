"""A box's Wi-Fi in a test's hands: what it sees, and what comes of joining."""

from collections import deque

from server.errors import EgretError
from server.model.request import JoinWifi
from server.model.wifi import Security, WifiJoined, WifiNetwork, WifiState, WifiStep, WifiTold
from server.ports import WifiAttempt

HOME = WifiNetwork("Home", 80, Security.WPA2, saved=True)
CAFE = WifiNetwork("Café", 40, Security.OPEN)
STATE = WifiState(True, "Connected to Home.", "Home", (HOME, CAFE))
CONNECTING = WifiTold(WifiStep.CONNECTING, "Connecting to Home.")
JOINED = WifiJoined("Home", "192.0.2.7", "Connected to Home.")


class FakeAttempt:
    """`ports.WifiAttempt`: tells what was put in, an error is raised."""

    def __init__(self, *news: WifiTold | WifiJoined | EgretError) -> None:
        self.news = deque(news, 100)
        self.aborted = self.closed = False

    def advance(self) -> WifiTold | WifiJoined:
        """The next one."""
        news = self.news.popleft()
        if isinstance(news, EgretError):
            raise news
        return news

    def abort(self) -> None:
        """Remembered."""
        self.aborted = True

    def close(self) -> None:
        """Remembered."""
        self.closed = True


class FakeWifi:
    """`ports.Wifi`."""

    def __init__(self) -> None:
        self.state: WifiState | EgretError = STATE
        self.attempt = FakeAttempt(CONNECTING, JOINED)
        self.wanted: list[JoinWifi] = []
        self.forgotten: list[str] = []
        self.looks = self.scans = 0
        self.aborted = False

    def look(self) -> WifiState:
        """What there is."""
        self.looks += 1
        return self._seen()

    def scan(self) -> WifiState:
        """The same."""
        self.scans += 1
        return self._seen()

    def join(self, wanted: JoinWifi) -> WifiAttempt:
        """The attempt that was put in."""
        self.wanted.append(wanted)
        return self.attempt

    def forget(self, ssid: str) -> int:
        """Home is the only one that is stored."""
        self.forgotten.append(ssid)
        return int(ssid == HOME.ssid)

    def abort(self) -> None:
        """Remembered."""
        self.aborted = True

    def _seen(self) -> WifiState:
        if isinstance(self.state, EgretError):
            raise self.state
        return self.state
