"""Write and read the audit log, on the lane of files. `NoteAudit` is how an entry comes in."""

import logging
from collections.abc import Callable

from server.engine.task import Again, Done, Failed, Kind, LaneView, Outcome, Submission, Verdict
from server.ledger.house import FILES_LANE, House
from server.model.audit import AuditEntry, AuditRange
from server.model.notice import Level
from server.ports import AuditKeeper

AUDIT_BUDGET_S = 8.0
"""Writes a few lines, or reads a megabyte; a worn card may take its time."""
AUDIT_RETRY_S = 30.0
"""After a failure of the disk."""

NOTICE = "audit"

log = logging.getLogger(__name__)


class NoteAudit:
    """An entry from another thread."""

    kind = Kind.REQUEST
    lane = None
    slack_s = 0.0

    def __init__(self, house: House, entry: AuditEntry) -> None:
        self._house = house
        self._entry = entry

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """It waits for the writer, which is begun where none is under way."""
        house = self._house
        keeper = house.adapters.audit
        if keeper is None:
            return Done()
        house.audit.add(self._entry, now)
        if house.audit.writing or not len(house.audit):
            return Done()
        house.audit.writing = True
        return Done((Submission(WriteAudit(house, keeper), now),))


class WriteAudit:
    """Everything that waits, until nothing does."""

    kind = Kind.HOUSEKEEPING
    lane = FILES_LANE
    slack_s = 0.0
    budget_s = AUDIT_BUDGET_S

    def __init__(self, house: House, keeper: AuditKeeper) -> None:
        self._house = house
        self._keeper = keeper
        self._entries = house.audit.take()

    def work(self, lane: LaneView) -> None:
        """Raises SettingsError."""
        self._keeper.append(self._entries)

    def abort(self) -> None:
        """A write to disk cannot be broken off; a line is whole or not there in any case."""

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """What was not written waits, and the owner is told."""
        house = self._house
        if isinstance(outcome, Failed):
            house.audit.put_back(self._entries)
            self._tell(str(outcome.error))
            self._entries = house.audit.take()
            return Again(now + AUDIT_RETRY_S)
        house.notices.clear(NOTICE)
        self._entries = house.audit.take()
        if self._entries:
            return Again(now)
        house.audit.writing = False
        return Done()

    def _tell(self, problem: str) -> None:
        text = f"Who changed what is not being kept: {problem}."
        log.warning("audit log not written", extra={"error": problem})
        self._house.notices.post(NOTICE, Level.WARNING, text, self._house.clock.utc_ms())


class ReadAudit:
    """One page of the log, or with `wanted` None all of it as a file."""

    kind = Kind.REQUEST
    lane = FILES_LANE
    slack_s = 0.0
    budget_s = AUDIT_BUDGET_S

    def __init__(
        self,
        keeper: AuditKeeper,
        wanted: AuditRange | None,
        finished: Callable[[Outcome, float], tuple[Submission, ...]],
    ) -> None:
        self._keeper = keeper
        self._wanted = wanted
        self._finished = finished

    def work(self, lane: LaneView) -> tuple[AuditEntry, ...] | bytes:
        """Raises SettingsError."""
        return self._keeper.export() if self._wanted is None else self._keeper.page(self._wanted)

    def abort(self) -> None:
        """A read of a file cannot be broken off."""

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Whoever asked gets the outcome."""
        return Done(self._finished(outcome, now))
