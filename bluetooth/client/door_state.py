"""The door of a box as a phone reads it: the value of DOOR_STATE_UUID."""

import json
from dataclasses import dataclass
from typing import Any

from bluetooth.client.errors import NoAnswer

ADVERTISING = frozenset(("fresh", "settling", "open"))
"""States in which the box lets somebody in."""

_WORDS = {
    "closed": "closed: press the button at the box",
    "fresh": "never set up: the label opens it",
    "settling": "just set up: it closes soon",
    "open": "open",
    "paused": "paused after too many failed attempts: wait, or press the button half a minute on",
}


@dataclass(frozen=True, slots=True)
class DoorState:
    """How the door stood when it was read."""

    state: str
    """closed, fresh, settling, open or paused."""
    left_s: float | None = None
    """Seconds until it changes by itself; None when it does not."""
    legacy: bool = False
    """Whether apps without encryption may change something now."""
    attempts_left: int = 0
    sessions: tuple[int, ...] = ()
    """Versions of the encrypted session that it speaks."""

    @property
    def lets_in(self) -> bool:
        """Whether anything can be asked."""
        return self.state in ADVERTISING

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS.get(self.state, self.state)


def parse(value: bytes) -> DoorState:
    """Raises NoAnswer."""
    try:
        fields = json.loads(value)
        if not isinstance(fields, dict):
            raise ValueError("no object")
        return _of(fields)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise NoAnswer(f"the box does not say how its door stands: {error}") from error


def _of(fields: dict[str, Any]) -> DoorState:
    left_s = fields.get("left_s")
    return DoorState(
        state=str(fields["state"]) if "state" in fields else "unknown",
        left_s=None if left_s is None else float(left_s),
        legacy=fields.get("legacy") is True,
        attempts_left=int(fields.get("attempts_left", 0)),
        sessions=tuple(int(each) for each in fields.get("session", ())),
    )
