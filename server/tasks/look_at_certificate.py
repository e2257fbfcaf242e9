"""Renew and reload the TLS certificate in time, and tell the owner what is wrong with it."""

import logging

from server.engine.task import Again, Failed, Kind, LaneView, Outcome, Verdict
from server.ledger.house import FILES_LANE, House
from server.model.notice import Level
from server.ports import Certificates

LOOK_EVERY_S = 60.0
"""How late a file that an ACME client changed, or a new address of the box, may count."""
LOOK_BUDGET_S = 8.0
"""Reads three small files and at times writes one; a worn card may take its time."""
LOOK_SLACK_S = 10.0
"""Nobody waits for it, so it shares a wake-up with what comes shortly after."""

NOTICE = "certificate"

log = logging.getLogger(__name__)


class LookAtCertificate:
    """One look each minute, on the lane of files."""

    kind = Kind.HOUSEKEEPING
    lane = FILES_LANE
    slack_s = LOOK_SLACK_S
    budget_s = LOOK_BUDGET_S

    def __init__(self, house: House, certificates: Certificates, problem: str = "") -> None:
        """`problem` is what the first look, at start, found."""
        self._house = house
        self._certificates = certificates
        self._problem = ""
        self._tell(problem)

    def work(self, lane: LaneView) -> str:
        """Raises IdentityError."""
        return self._certificates.look()

    def abort(self) -> None:
        """A read or write of a file cannot be broken off; it is whole or not at all anyway."""

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """What was shown last goes on being shown, whatever happened."""
        self._tell(str(outcome.error) if isinstance(outcome, Failed) else str(outcome.value))
        return Again(now + LOOK_EVERY_S)

    def _tell(self, problem: str) -> None:
        if problem == self._problem:
            return
        self._problem = problem
        if not problem:
            self._house.notices.clear(NOTICE)
            return
        log.warning("the TLS certificate needs attention", extra={"problem": problem})
        self._house.notices.post(NOTICE, Level.WARNING, problem, self._house.clock.utc_ms())
