"""When the door is open: one table, and the few numbers that go with it.

Everything that opens, closes or pauses the door stands in TABLE; a pair of state and event that
is not in it raises; the diagram in docs/bluetooth.md is drawn from it. Time is passed in, and
nothing here is done: who asks sees the state and acts on it.

The rules:

- After a start the door is closed; only a person at the box (the button) or the owner (the API)
  opens it, for a while, and it closes by itself.
- A box that was never configured is `fresh`: it can be found and a session with its label's
  secret can be opened, but nothing else. Once it is configured, whoever is inside may finish
  (`settling`).
- MAX_BAD_ATTEMPTS failed attempts pause the door. Each pause is twice as long as the one before,
  up to PAUSE_CEILING_S, and one doubling is forgotten for each PAUSE_FORGOTTEN_S without one.
- The button and the owner end a pause, but not before MIN_PAUSE_S of it have passed: a person at
  the box is not kept out for an hour by a stranger in the street, and a stranger who knows that
  the button is being pressed has no more than MAX_BAD_ATTEMPTS tries in MIN_PAUSE_S. Against a
  secret of 128 bits even that is nothing; the pause is there for what needs no secret.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_WINDOW_S = 180.0
"""How long the door stays open: time to take out a phone and walk over."""

MIN_WINDOW_S = 10.0
MAX_WINDOW_S = 3600.0
"""What may be configured: below, no phone finds the box; above, the door would just be open."""

MAX_BAD_ATTEMPTS = 5
"""Failed attempts that a person may make by mistake; the next thing is a pause."""

ATTEMPT_FORGOTTEN_S = 3600.0
"""A failed attempt counts for this long."""

FIRST_PAUSE_S = 60.0
PAUSE_CEILING_S = 3600.0
"""A pause lasts twice as long as the one before, up to this."""

MIN_PAUSE_S = 30.0
"""How much of a pause even the button cannot cut off; see above."""

PAUSE_FORGOTTEN_S = 3600.0
"""For each such time since the last pause one doubling is forgotten."""

MAX_PAUSES_COUNTED = 16
"""More doublings than lead to PAUSE_CEILING_S; a counter that cannot run away."""


class State(StrEnum):
    """How the door stands."""

    CLOSED = "closed"
    FRESH = "fresh"
    SETTLING = "settling"
    OPEN = "open"
    PAUSED = "paused"


class Event(StrEnum):
    """What happens to the door."""

    OPENED = "opened"
    """The button was pressed, or the owner opened it through the API."""
    CLOSED_BY_OWNER = "closed_by_owner"
    TIME_OVER = "time_over"
    EXHAUSTED = "exhausted"
    """The last of MAX_BAD_ATTEMPTS was made."""
    NEVER_CONFIGURED = "never_configured"
    """The gateway has no device and nobody has set anything up."""
    CONFIGURED = "configured"


TABLE: Mapping[State, Mapping[Event, State]] = {
    State.CLOSED: {
        Event.OPENED: State.OPEN,
        Event.NEVER_CONFIGURED: State.FRESH,
    },
    State.FRESH: {
        Event.OPENED: State.OPEN,
        Event.EXHAUSTED: State.PAUSED,
        Event.CONFIGURED: State.SETTLING,
    },
    State.SETTLING: {
        Event.OPENED: State.OPEN,
        Event.CLOSED_BY_OWNER: State.CLOSED,
        Event.TIME_OVER: State.CLOSED,
        Event.EXHAUSTED: State.PAUSED,
    },
    State.OPEN: {
        Event.OPENED: State.OPEN,
        Event.CLOSED_BY_OWNER: State.CLOSED,
        Event.TIME_OVER: State.CLOSED,
        Event.EXHAUSTED: State.PAUSED,
    },
    State.PAUSED: {
        Event.OPENED: State.OPEN,
        Event.TIME_OVER: State.CLOSED,
    },
}
"""state -> event -> next state. What is not listed cannot happen."""

ADVERTISING = frozenset({State.FRESH, State.SETTLING, State.OPEN})
"""States in which the box can be found and a session can be opened."""


class UnknownTransition(Exception):
    """A programmer error: the table has no such pair."""


def after(state: State, event: Event) -> State:
    """The state that `event` leads to; raises UnknownTransition for a pair not listed."""
    try:
        return TABLE[state][event]
    except KeyError:
        raise UnknownTransition(f"door: {event} in state {state}") from None


def mermaid() -> str:
    """The table as a Mermaid state diagram; events that lead to one state share an arrow."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.CLOSED}"]
    for state, row in TABLE.items():
        arrows: dict[State, list[str]] = {}
        for event, to in row.items():
            arrows.setdefault(to, []).append(event.replace("_", " "))
        lines += [f"    {state} --> {to}: {', '.join(on)}" for to, on in arrows.items()]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Standing:
    """The door at one moment."""

    state: State
    left_s: float | None
    """Seconds until it changes by itself; None when it does not."""
    attempts_left: int
    advertises: bool


class Window:
    """The door's state over time. Every call is told the time, monotonic seconds."""

    def __init__(self, window_s: float = DEFAULT_WINDOW_S) -> None:
        self._window_s = _within(window_s)
        self._state = State.CLOSED
        self._since = 0.0
        self._until: float | None = None
        # True until the gateway says otherwise: a box that was set up once must not stand open
        # because its gateway is not up yet.
        self._configured = True
        self._attempts: deque[float] = deque(maxlen=MAX_BAD_ATTEMPTS)
        self._pauses = 0
        self._paused_at = 0.0

    def standing(self, now: float) -> Standing:
        """How the door stands at `now`; time that is over has its effect first."""
        self._let_time_pass(now)
        left_s = None if self._until is None else max(0.0, self._until - now)
        left = MAX_BAD_ATTEMPTS - len(self._attempts)
        return Standing(self._state, left_s, left, self._state in ADVERTISING)

    def open(self, now: float) -> bool:
        """The button or the owner; False when a pause is too young to be cut off."""
        self._let_time_pass(now)
        if self._state is State.PAUSED and now - self._since < MIN_PAUSE_S:
            return False
        self._attempts.clear()
        self._happen(Event.OPENED, now)
        return True

    def close(self, now: float) -> None:
        """The owner closes it. A pause stays, and a box that was never configured stays fresh."""
        self._let_time_pass(now)
        if Event.CLOSED_BY_OWNER in TABLE[self._state]:
            self._happen(Event.CLOSED_BY_OWNER, now)

    def fail(self, now: float) -> bool:
        """Count a bad attempt; True when it was the last one and the door is paused now."""
        self._let_time_pass(now)
        if Event.EXHAUSTED not in TABLE[self._state]:
            return False
        self._attempts.append(now)
        if len(self._attempts) < MAX_BAD_ATTEMPTS:
            return False
        self._happen(Event.EXHAUSTED, now)
        return True

    def succeed(self) -> None:
        """A session with the label's secret stands: whoever is there is no stranger."""
        self._attempts.clear()

    def configure(self, configured: bool, window_s: float, now: float) -> None:
        """What the gateway says: whether it was ever set up, and how long a window is."""
        self._let_time_pass(now)
        self._window_s = _within(window_s)
        self._configured = configured
        if configured and self._state is State.FRESH:
            self._happen(Event.CONFIGURED, now)
        self._settle(now)

    def _let_time_pass(self, now: float) -> None:
        while self._attempts and now - self._attempts[0] >= ATTEMPT_FORGOTTEN_S:
            self._attempts.popleft()
        while self._until is not None and now >= self._until:
            self._happen(Event.TIME_OVER, self._until)
        self._settle(now)

    def _settle(self, now: float) -> None:
        """A closed door of a box that was never configured does not stay closed."""
        if self._state is State.CLOSED and not self._configured:
            self._happen(Event.NEVER_CONFIGURED, now)

    def _happen(self, event: Event, now: float) -> None:
        self._state = after(self._state, event)
        self._since = now
        self._until = self._end(now)

    def _end(self, now: float) -> float | None:
        if self._state in (State.OPEN, State.SETTLING):
            return now + self._window_s
        if self._state is State.PAUSED:
            return now + self._next_pause_s(now)
        return None

    def _next_pause_s(self, now: float) -> float:
        """How long the pause that begins now lasts."""
        self._attempts.clear()
        forgotten = max(0, int((now - self._paused_at) // PAUSE_FORGOTTEN_S))
        self._pauses = min(max(0, self._pauses - forgotten), MAX_PAUSES_COUNTED)
        pause_s = min(FIRST_PAUSE_S * 2.0**self._pauses, PAUSE_CEILING_S)
        self._pauses += 1
        self._paused_at = now + pause_s
        return pause_s


def _within(window_s: float) -> float:
    return min(max(window_s, MIN_WINDOW_S), MAX_WINDOW_S)
