"""Who changed what, when, from where: one line of the audit log. A value without any secret."""

from dataclasses import dataclass
from enum import StrEnum

from server.model.reading import ClockQuality

MAX_AUDIT_PAGE = 500
"""Entries of one answer; all of them are in the exported file."""
MAX_ABOUT = 32
"""Names that one entry tells; whoever sends all settings back changes few of them."""
MAX_AUDIT_TEXT = 100
"""Characters of each text of an entry: of a path, of a name."""

REFUSED = frozenset((401, 403, 429))
"""Answers to somebody who may not, or may not yet."""


class Door(StrEnum):
    """How a request came in."""

    HTTP = "http"
    HTTPS = "https"
    BLUETOOTH = "bluetooth"
    """Through the phone's door, whose service then asked over HTTP."""
    INSIDE = "inside"
    """The gateway itself: it started."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One request that changed something, or wanted to.

    `at_ms` is UTC milliseconds, `clock` how far they can be trusted; `source` is an address;
    `path` a path without its query; `status` the HTTP status of the answer; `about` names what
    was changed: keys of settings, ids, never values. `number` counts up in the log, gaps and all
    restarts included; `more` are entries like it, since the one before, that could not be kept.
    """

    at_ms: int
    clock: ClockQuality
    who: str
    source: str
    door: Door
    method: str
    path: str
    status: int
    about: tuple[str, ...] = ()
    more: int = 0
    number: int = 0

    @property
    def refused(self) -> bool:
        """Whether it was turned away: such entries have a log of their own, because anybody can
        cause them by the thousand."""
        return self.status in REFUSED


@dataclass(frozen=True, slots=True)
class AuditRange:
    """What is asked of the log: the newest `limit` entries below number `before` (0: of all)."""

    before: int = 0
    limit: int = MAX_AUDIT_PAGE
    refused: bool = False


def cut(text: str) -> str:
    """A text from outside, as an entry may hold it."""
    return text if len(text) <= MAX_AUDIT_TEXT else text[: MAX_AUDIT_TEXT - 1] + "\u2026"
