"""Remove what is stored for a Wi-Fi network."""

from collections.abc import Callable

from server.engine.task import Done, Failed, Kind, LaneView, Ok, Outcome, Submission, Verdict
from server.errors import Busy
from server.ledger.house import WIFI_LANE, House
from server.model.request import ForgetWifi
from server.model.wifi import checked_ssid
from server.ports import Wifi
from server.tasks.look_at_wifi import LookAtWifi
from server.tasks.scan_wifi import present

FORGET_BUDGET_S = 30.0
"""Every stored connection is read and some are removed, each with its own timeout."""

Then = tuple[Submission, ...]
Finished = Callable[[Outcome, float], Then]


def begin(house: House, wanted: ForgetWifi, finished: Finished, now: float) -> Then:
    """Raises WifiRefused, WifiUnavailable, and Busy while a network is being joined."""
    wifi = present(house)
    checked_ssid(wanted.ssid)
    if house.wifi.joining:
        raise Busy("a network is being joined; wait for that")
    return (Submission(ForgetNetwork(house, wifi, wanted.ssid, finished), now),)


class ForgetNetwork:
    """One network, on the lane where its profiles are."""

    kind = Kind.REQUEST
    lane = WIFI_LANE
    slack_s = 0.0
    budget_s = FORGET_BUDGET_S

    def __init__(self, house: House, wifi: Wifi, ssid: str, finished: Finished) -> None:
        self._house = house
        self._wifi = wifi
        self._ssid = ssid
        self._finished = finished

    def work(self, lane: LaneView) -> int:
        """Raises WifiUnavailable."""
        return self._wifi.forget(self._ssid)

    def abort(self) -> None:
        """Break it off."""
        self._wifi.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """How many, or why not; and a new look at what is left."""
        if isinstance(outcome, Ok) and not outcome.value:
            outcome = Failed(KeyError(f"no network named {self._ssid} is stored"))
        then = self._finished(outcome, now)
        look = LookAtWifi(self._house, self._wifi, once=True)
        return Done((*then, Submission(look, now)))
