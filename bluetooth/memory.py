"""What the door remembers over a new start: what the gateway said last, and the box's name.

A box that was set up must not stand there like a new one because its gateway starts more slowly
than its Bluetooth. One small file in the data folder; if it cannot be read the careful answers
count, and nothing is lost by it.
"""

import dataclasses
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from bluetooth import durable_file
from bluetooth.door import Policy
from bluetooth.settings import MAX_NAME_BYTES
from bluetooth.window import MAX_WINDOW_S, MIN_WINDOW_S

log = logging.getLogger(__name__)

MEMORY_FILE = "bluetooth_door.json"
MAX_MEMORY_BYTES = 4096
"""More is not read: the file has 120 bytes."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered."""

    policy: Policy | None = None
    """None: the gateway has never been heard."""
    name: str = ""
    """"": not known yet."""


def load(folder: Path) -> Memory:
    """Read it. Blocks; never raises."""
    path = folder / MEMORY_FILE
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MAX_MEMORY_BYTES))
        if not isinstance(found, dict):
            raise ValueError("not an object")
        name = found.get("name")
        named = isinstance(name, str) and len(name.encode()) <= MAX_NAME_BYTES
        return Memory(policy_of(found), str(name) if named else "")
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError) as error:
        log.warning("the door's memory cannot be read", extra={"path": path, "why": error})
        return Memory(Policy())


def save(folder: Path, memory: Memory) -> None:
    """Write it. Blocks; never raises: what is not remembered is asked for again."""
    values = dataclasses.asdict(memory.policy) if memory.policy is not None else {}
    content = json.dumps({**values, "name": memory.name})
    try:
        durable_file.replace(folder / MEMORY_FILE, f"{content}\n".encode())
    except OSError as error:
        log.warning("the door's memory cannot be kept", extra={"folder": folder, "why": error})


def policy_of(found: dict[str, object]) -> Policy | None:
    """What the gateway (or the file) says of the door; None unless all of it is there."""
    configured, legacy = found.get("configured"), found.get("legacy_apps")
    window_s = found.get("window_s")
    if not isinstance(configured, bool) or not isinstance(legacy, bool):
        return None
    if isinstance(window_s, bool) or not isinstance(window_s, int | float):
        return None
    return Policy(configured, legacy, min(max(float(window_s), MIN_WINDOW_S), MAX_WINDOW_S))
