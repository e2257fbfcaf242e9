"""Have the radio look for networks; whoever asks meanwhile is answered by the same scan."""

from collections.abc import Callable

from server.engine.task import Done, Failed, Kind, LaneView, Ok, Outcome, Submission, Verdict
from server.errors import WifiUnavailable
from server.ledger.house import WIFI_LANE, House
from server.model.wifi import WifiReason, WifiState, WifiStep
from server.ports import Wifi

SCAN_BUDGET_S = 45.0
"""A scan and a look after it, each with its own time limit."""
SCAN_PAUSE_S = 10.0
"""A scan that is asked for sooner is answered with what the last one found: each one takes the
radio away from the network it is on, and anybody on the network may ask for one."""

Then = tuple[Submission, ...]
Finished = Callable[[Outcome, float], Then]


def begin(house: House, finished: Finished, now: float) -> Then:
    """A new scan, the one under way, or what is known; raises WifiUnavailable, Busy."""
    wifi, ledger = present(house), house.wifi
    if ledger.scanning:
        ledger.wait(finished)
        return ()
    if ledger.joining or now - ledger.scanned_at < SCAN_PAUSE_S:
        return finished(Ok(ledger.state), now)
    ledger.wait(finished)
    ledger.tell(WifiStep.SCANNING, "Looking for networks.")
    house.publish(now)
    return (Submission(ScanForNetworks(house, wifi), now),)


def present(house: House) -> Wifi:
    """The Wi-Fi of this box; raises WifiUnavailable when it was built without."""
    wifi = house.adapters.wifi
    if wifi is None:
        raise WifiUnavailable("this box manages no Wi-Fi")
    return wifi


class ScanForNetworks:
    """One scan, for all who wait."""

    kind = Kind.REQUEST
    lane = WIFI_LANE
    slack_s = 0.0
    budget_s = SCAN_BUDGET_S

    def __init__(self, house: House, wifi: Wifi) -> None:
        self._house = house
        self._wifi = wifi

    def work(self, lane: LaneView) -> WifiState:
        """Raises WifiUnavailable, WifiUnanswered."""
        return self._wifi.scan()

    def abort(self) -> None:
        """Break it off."""
        self._wifi.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Keep what was found and answer everybody."""
        ledger = self._house.wifi
        waiters, ledger.waiters = ledger.waiters, []
        if isinstance(outcome, Failed):
            reason = getattr(outcome.error, "reason", WifiReason.UNAVAILABLE)
            ledger.tell(WifiStep.IDLE, str(outcome.error), None, WifiReason(reason))
        else:
            assert isinstance(outcome.value, WifiState)
            ledger.state, ledger.scanned_at = outcome.value, now
            ledger.tell(WifiStep.IDLE, f"{len(outcome.value.networks)} networks are in range.")
        self._house.publish(now)
        then: Then = ()
        for waiter in waiters:
            then = (*then, *waiter(outcome, now))
        return Done(then)
