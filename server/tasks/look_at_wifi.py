"""Look what the box's Wi-Fi is connected to and what is in range, without asking the radio."""

import logging

from server.engine.task import Again, Done, Failed, Kind, LaneView, Outcome, Verdict
from server.errors import Busy
from server.ledger.house import WIFI_LANE, House
from server.ledger.wifi import sentence
from server.model.wifi import WifiState
from server.ports import Wifi

LOOK_EVERY_S = 30.0
"""Between looks while there is Wi-Fi: what the page shows is as old as this at most."""
LOOK_AGAIN_S = 4.0
"""After the first look that finds no Wi-Fi: at boot NetworkManager may come up after us. The pause
doubles from look to look."""
LOOK_WITHOUT_S = 120.0
"""The longest pause while there is none: an adapter may be plugged in, NetworkManager installed."""
LOOK_BUDGET_S = 30.0
"""One look: some fifty short calls over the message bus, each with its own timeout."""

log = logging.getLogger(__name__)


class LookAtWifi:
    """Runs for ever, or once."""

    kind = Kind.HOUSEKEEPING
    lane = WIFI_LANE
    slack_s = 1.0
    budget_s = LOOK_BUDGET_S

    def __init__(self, house: House, wifi: Wifi, *, once: bool = False) -> None:
        self._house = house
        self._wifi = wifi
        self._once = once
        self._pause_s = LOOK_AGAIN_S

    def work(self, lane: LaneView) -> WifiState:
        """Raises WifiUnavailable."""
        return self._wifi.look()

    def abort(self) -> None:
        """Break it off."""
        self._wifi.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """What was seen counts from here on; a change is logged once."""
        ledger = self._house.wifi
        if isinstance(outcome, Failed):
            state = WifiState(False, sentence(str(outcome.error)))
        else:
            assert isinstance(outcome.value, WifiState)
            state = outcome.value
        if (state.available, state.message) != (ledger.state.available, ledger.state.message):
            log.info("wifi", extra={"available": state.available, "state": state.message})
        if not (isinstance(outcome, Failed) and isinstance(outcome.error, Busy)):
            ledger.state = state
        if self._once:
            self._house.publish(now)
            return Done()
        return Again(now + self._pause(state))

    def _pause(self, state: WifiState) -> float:
        if state.available:
            self._pause_s = LOOK_AGAIN_S
            return LOOK_EVERY_S
        pause_s, self._pause_s = self._pause_s, min(LOOK_WITHOUT_S, self._pause_s * 2)
        return pause_s
