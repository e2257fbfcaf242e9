"""How long to wait after failures: exponential with full jitter, and a circuit breaker.

Pure arithmetic on a count of consecutive failures and a draw in [0, 1); who counts and who
draws is the caller's business, so that a seed replays.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: a uniform draw between `floor_s` and a cap that grows to `ceiling_s`.

    From `breaker_after` consecutive failures on the circuit is open: attempts are then spaced
    by `open_s`, plus up to a tenth of it, so that many of them do not fall together.
    """

    first_s: float
    factor: float
    ceiling_s: float
    floor_s: float = 0.0
    breaker_after: int = 0
    """Consecutive failures that open the breaker; 0 means never."""
    open_s: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.first_s <= self.ceiling_s and self.factor >= 1):
            raise ValueError(f"a backoff must grow: {self}")
        if not 0 <= self.floor_s <= self.first_s:
            raise ValueError(f"the floor lies above the first step: {self}")

    def opened(self, failures: int) -> bool:
        """Whether the breaker is open after this many consecutive failures."""
        return 0 < self.breaker_after <= failures

    def delay_s(self, failures: int, draw: float) -> float:
        """Seconds to wait after the `failures`-th consecutive failure; `draw` in [0, 1)."""
        if self.opened(failures):
            return self.open_s * (1 + draw / 10)
        # The exponent is bounded so that a week of failures cannot overflow a float.
        cap = min(self.ceiling_s, self.first_s * self.factor ** min(failures - 1, 64))
        return self.floor_s + draw * (cap - self.floor_s)
