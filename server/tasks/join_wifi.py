"""Join a Wi-Fi network, and tell each step while it happens.

The work blocks on the lane until there is something to tell, hands that back, and is run again:
so every step is settled on the engine thread and is in a snapshot at once.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from server.engine.task import (
    Again,
    Done,
    Failed,
    Kind,
    LaneView,
    Ok,
    Outcome,
    Submission,
    Verdict,
)
from server.errors import Busy, Overrun
from server.ledger.house import WIFI_LANE, House
from server.model.request import JoinWifi
from server.model.wifi import (
    WifiJoined,
    WifiReason,
    WifiStep,
    WifiTold,
    checked_psk,
    checked_ssid,
)
from server.ports import WifiAttempt
from server.tasks.look_at_wifi import LookAtWifi
from server.tasks.scan_wifi import present

JOIN_STEP_BUDGET_S = 120.0
"""Between two steps: the longest is a failed network and the way back to the old one, each with
its own time limit."""

log = logging.getLogger(__name__)

Then = tuple[Submission, ...]
Finished = Callable[[Outcome, float], Then]


def begin(house: House, wanted: JoinWifi, finished: Finished, now: float) -> Then:
    """Begin to join; raises WifiRefused, WifiUnavailable, and Busy while another one is joined."""
    wifi, ledger = present(house), house.wifi
    checked_ssid(wanted.ssid)
    checked_psk(wanted.psk)
    if ledger.joining:
        raise Busy(f"{ledger.progress.ssid or 'another network'} is being joined; wait for that")
    ledger.joining = True
    ledger.tell(WifiStep.CONNECTING, f"Connecting to {wanted.ssid}.", wanted.ssid)
    house.publish(now)
    then: Then = (Submission(JoinNetwork(house, wanted, wifi.join(wanted), finished), now),)
    if wanted.wait:
        return then
    return (*then, *finished(Ok(None), now))


class JoinNetwork:
    """One attempt, from its first step to its answer."""

    kind = Kind.REQUEST
    lane = WIFI_LANE
    slack_s = 0.0
    budget_s = JOIN_STEP_BUDGET_S

    def __init__(
        self, house: House, wanted: JoinWifi, attempt: WifiAttempt, finished: Finished
    ) -> None:
        self._house = house
        self._ssid = wanted.ssid
        self._wait = wanted.wait
        self._attempt = attempt
        self._finished = finished

    def work(self, lane: LaneView) -> WifiTold | WifiJoined:
        """Raises WifiRefused, WifiUnanswered, WifiUnavailable."""
        return self._attempt.advance()

    def abort(self) -> None:
        """Break it off; NetworkManager goes back to a network it knows by itself."""
        self._attempt.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Tell the step and go on, or answer."""
        if isinstance(outcome, Failed):
            return self._end(outcome, self._failed(outcome.error), now)
        news = outcome.value
        if isinstance(news, WifiTold):
            self._tell(news, now)
            return Again(now)
        assert isinstance(news, WifiJoined)
        ledger = self._house.wifi  # Seen at once by whoever looks as soon as he is answered.
        ledger.state = replace(ledger.state, connected=news.ssid, message=news.message)
        return self._end(outcome, WifiTold(WifiStep.CONNECTED, news.message, news.reason), now)

    def _failed(self, error: Exception) -> WifiTold:
        if isinstance(error, Busy):
            self._attempt.close()  # It was not begun, or not gone on with.
        if isinstance(error, Overrun):
            text = f"{self._ssid} could not be joined in the time there was."
            return WifiTold(WifiStep.FAILED, text, WifiReason.TIMEOUT)
        reason = WifiReason(getattr(error, "reason", WifiReason.UNAVAILABLE))
        return WifiTold(WifiStep.FAILED, str(error), reason)

    def _tell(self, news: WifiTold, now: float) -> None:
        self._house.wifi.tell(news.step, news.message, self._ssid, news.reason)
        self._house.publish(now)

    def _end(self, outcome: Outcome, news: WifiTold, now: float) -> Verdict:
        house = self._house
        house.wifi.joining = False
        log.info("wifi join ended", extra={"step": str(news.step), "reason": str(news.reason)})
        self._tell(news, now)
        then = self._finished(outcome, now) if self._wait else ()
        wifi = present(house)
        return Done((*then, Submission(LookAtWifi(house, wifi, once=True), now)))
