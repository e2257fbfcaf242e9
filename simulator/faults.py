"""How a receiver misbehaves: rates and delays, changed while it runs, drawn from a seed."""

import random
import threading
from dataclasses import dataclass, fields, replace
from enum import Enum

MAX_DELAY_S = 600.0
"""The longest delay of an answer; longer than any client waits."""

MAX_BODY_BYTES = 4 * 1024 * 1024
"""The largest delivery that is read at all; a batch of ten readings takes some hundred kB."""


class Fate(Enum):
    """What becomes of one delivery."""

    TAKEN = "taken"
    FAILED = "failed"
    DROPPED = "dropped"
    ACK_LOST = "ack lost"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Rates are shares of the deliveries, 0 to 1."""

    status: int = 503
    """What a failed delivery is answered."""
    fail: float = 0.0
    """Deliveries that are answered `status` and not stored."""
    drop: float = 0.0
    """Deliveries that are not stored, and whose connection is closed without an answer."""
    lose_ack: float = 0.0
    """Deliveries that are stored, and whose connection is closed without an answer."""
    delay_s: float = 0.0
    """Before anything else happens."""
    bodies_max: int = MAX_BODY_BYTES
    """Bytes of the largest body; a larger one is answered 413."""

    def __post_init__(self) -> None:
        _check("status", self.status, int, 200, 599)
        for name in ("fail", "drop", "lose_ack"):
            _check(name, getattr(self, name), (int, float), 0, 1)
        _check("delay_s", self.delay_s, (int, float), 0, MAX_DELAY_S)
        _check("bodies_max", self.bodies_max, int, 1, MAX_BODY_BYTES)

    def changed(self, /, **changes: object) -> "Behaviour":
        """The same with some values changed. A status alone means: answer it to everything."""
        unknown = changes.keys() - {field.name for field in fields(self)}
        if unknown:
            names = ", ".join(field.name for field in fields(self))
            raise ValueError(f"no behaviour {', '.join(sorted(unknown))}; there are: {names}")
        if "status" in changes and "fail" not in changes:
            changes["fail"] = 0.0 if changes["status"] == 200 else 1.0
        return replace(self, **changes)  # type: ignore[arg-type]


def _check(
    name: str, value: object, kind: type | tuple[type, ...], low: float, high: float
) -> None:
    good = isinstance(value, kind) and not isinstance(value, bool)
    if not good or not low <= value <= high:  # type: ignore[operator]
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}")


class Faults:
    """Decides the fate of each delivery; the same seed decides alike."""

    def __init__(self, behaviour: Behaviour, seed: int) -> None:
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._behaviour = behaviour

    @property
    def behaviour(self) -> Behaviour:
        """How it behaves now."""
        return self._behaviour

    def change(self, /, **changes: object) -> Behaviour:
        """Behave otherwise from now on; raises ValueError and changes nothing."""
        with self._lock:
            self._behaviour = self._behaviour.changed(**changes)
            return self._behaviour

    def fate(self) -> Fate:
        """The next delivery's fate: one throw of the dice, whatever the rates."""
        with self._lock:
            throw, behaviour = self._dice.random(), self._behaviour
        for rate, fate in (
            (behaviour.drop, Fate.DROPPED),
            (behaviour.fail, Fate.FAILED),
            (behaviour.lose_ack, Fate.ACK_LOST),
        ):
            if throw < rate:
                return fate
            throw -= rate
        return Fate.TAKEN
