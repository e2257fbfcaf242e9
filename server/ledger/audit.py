"""Entries of the audit log on their way to disk, as the engine thread keeps them. Bounded.

An entry never holds up what it tells of: a login, or a change that makes room on a full disk, must
be possible when nothing can be written. What cannot be kept is counted, and the next entry that can
be kept tells the number.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from server.model.audit import AuditEntry

MAX_AUDIT_WAITING = 256
"""Entries that wait for the disk; beyond, the oldest go."""
REFUSALS_AT_ONCE = 60.0
"""Refusals that are kept one by one; a person who forgot a password causes ten."""
REFUSAL_EVERY_S = 600.0
"""And then one in ten minutes: someone who tries for a week fills a third of their log, and the
rest is told as a number."""


class AuditLedger:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.writing = False
        """A batch is on its way; one at a time, so that the order stays."""
        self._waiting: deque[AuditEntry] = deque()  # bounded by MAX_AUDIT_WAITING
        self._lost = {False: 0, True: 0}
        self._refusals = REFUSALS_AT_ONCE
        self._at: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, entry: AuditEntry, now: float) -> None:
        """Keep it, or count it."""
        if entry.refused and not self._may_keep_refusal(now):
            self._lost[True] += 1 + entry.more
            return
        self._waiting.append(entry)
        if len(self._waiting) > MAX_AUDIT_WAITING:
            oldest = self._waiting.popleft()
            self._lost[oldest.refused] += 1 + oldest.more

    def take(self) -> tuple[AuditEntry, ...]:
        """Everything that waits, to be written; the first of a kind tells what was lost before."""
        taken = []
        while self._waiting:
            entry = self._waiting.popleft()
            lost, self._lost[entry.refused] = self._lost[entry.refused], 0
            taken.append(replace(entry, more=entry.more + lost) if lost else entry)
        return tuple(taken)

    def put_back(self, entries: Sequence[AuditEntry]) -> None:
        """They could not be written: the newest of them wait on."""
        self._waiting.extendleft(reversed(entries))
        while len(self._waiting) > MAX_AUDIT_WAITING:
            oldest = self._waiting.popleft()
            self._lost[oldest.refused] += 1 + oldest.more

    def _may_keep_refusal(self, now: float) -> bool:
        elapsed_s = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._refusals = min(REFUSALS_AT_ONCE, self._refusals + elapsed_s / REFUSAL_EVERY_S)
        if self._refusals < 1:
            return False
        self._refusals -= 1
        return True
