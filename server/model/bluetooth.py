"""The phone's door as the gateway knows it: the window that the owner asks for, and what the
Bluetooth service last said of itself."""

from dataclasses import dataclass
from enum import StrEnum

MAX_REPORT_CHARACTERS = 200
"""Of each text in a report: a line on the page, and nothing that could fill memory."""
MAX_REPORT_UNTIL_S = 86_400.0
"""The longest time that a report may announce: a day, far beyond any window or pause."""


class DoorState(StrEnum):
    """What the Bluetooth service does."""

    CLOSED = "closed"
    OPEN = "open"
    PAUSED = "paused"
    CONNECTED = "connected"
    NO_ADAPTER = "no_adapter"


@dataclass(frozen=True, slots=True)
class DoorReport:
    """What the service says of itself; `until_s` are the seconds left in `state`, None: no end."""

    state: DoorState
    until_s: float | None = None
    name: str = ""
    adapter: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DoorView:
    """The door at one moment. `number` rises each time the owner asks for open or closed."""

    number: int = 0
    open: bool = False
    report: DoorReport | None = None
    """None when the service has not reported lately."""
