"""Which version runs, which one last proved itself, and what became of the one on trial."""

from dataclasses import dataclass

TRIAL_EXIT_CODE = 79
"""The process ended because its version did not prove itself: whoever supervises it starts the
version before, once. One more than the last code of sysexits.h, so nothing else means it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A version on trial, or one that was. `devices` are those that the version before read."""

    version: str
    since_ms: int
    tries: int
    """How often it has been started."""
    devices: tuple[str, ...] = ()
    failed: str = ""
    """Why it did not prove itself, in words; empty while that is open."""


@dataclass(frozen=True, slots=True)
class Release:
    """What is remembered over starts. `proven` has proved itself, `running` was started last."""

    proven: str
    running: str
    trial: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Fallback:
    """What a supervisor noted when it started the version before."""

    version: str
    reason: str
