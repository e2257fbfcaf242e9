"""What the box tells its owner: one line per fact, never one per occurrence."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a notice matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. The same key raised again counts up and moves the notice to the front."""

    notice_id: int
    key: str
    level: Level
    text: str
    device: str
    first_at_ms: int
    last_at_ms: int
    count: int
