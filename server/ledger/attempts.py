"""Who has tried to enter how often, and how long the next try must wait.

Two counts: one per source, so that nobody can lock the owner out from another address, and one
over all of them, so that a thousand addresses are no thousand times five tries. What a source tries
between its own pauses is slow enough, and counts for itself alone: otherwise one address that goes
on for two days would make everybody wait.
"""

from dataclasses import dataclass

FREE_TRIES = 5
"""Wrong tries of one source before it has to wait."""

FREE_TRIES_OF_ALL = 50
"""Wrong tries of all sources, each without those after a pause, before everybody has to wait."""

FIRST_PAUSE_S = 30.0
"""After the last free try; each further one doubles it."""

PAUSE_CEILING_S = 3_600.0
"""An owner who has forgotten waits an hour at most."""

FORGET_AFTER_S = 86_400.0
"""A day without a try wipes the slate."""

MAX_SOURCES = 256
"""Sources remembered; the one that was heard longest ago goes, while the count of all stays."""


@dataclass(slots=True)
class _Slate:
    wrong: int = 0
    last_at: float = 0.0
    wait_until: float = 0.0


class Attempts:
    """See the module's docstring; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._slates: dict[str, _Slate] = {}
        self._all = _Slate()

    def __len__(self) -> int:
        return len(self._slates)

    def wait_s(self, source: str, now: float) -> float:
        """Seconds that `source` has to wait before it may try; 0 if it may now."""
        slate = self._slates.get(source)
        mine = slate.wait_until if slate is not None else 0.0
        return max(0.0, mine - now, self._all.wait_until - now)

    def wrong(self, source: str, now: float) -> None:
        """A try failed."""
        slate = self._slates.pop(source, None) or _Slate()
        self._slates[source] = slate  # The newest is last.
        if len(self._slates) > MAX_SOURCES:
            del self._slates[next(iter(self._slates))]
        _count(slate, FREE_TRIES, now)
        if slate.wrong <= FREE_TRIES:
            _count(self._all, FREE_TRIES_OF_ALL, now)

    def right(self, source: str) -> None:
        """A try succeeded: this source starts anew, the count of all does not."""
        self._slates.pop(source, None)


def _count(slate: _Slate, free: int, now: float) -> None:
    if now - slate.last_at >= FORGET_AFTER_S:
        slate.wrong = 0
    slate.wrong += 1
    slate.last_at = now
    if slate.wrong >= free:
        pause_s = FIRST_PAUSE_S * 2.0 ** min(slate.wrong - free, 16)
        slate.wait_until = now + min(PAUSE_CEILING_S, pause_s)
