"""One gateway's many lives: which moments it is killed at, and what must hold in the end.

Owns the draw of the moments from a seed and the final reckoning; how it dies (killed, or with
its power) is the test's own.
"""

import secrets
from dataclasses import dataclass
from random import Random
from typing import Any

from system_test.power.box import Box
from system_test.processes import Program

FIRST_DEATH_S = 0.3
"""The earliest death after the first accepted reading."""

LAST_DEATH_S = 2.0
"""The latest."""

EARLY_SHARE = 0.15
"""The share of lives that end while the gateway still starts."""

EARLY_DEATH_S = 1.5
"""The latest of those: a start takes about as long."""

LOSE_ACK_SHARE = 0.05
"""Acknowledgements that the receiver loses, so that records come twice."""

FAIL_SHARES = (0.0, 0.5, 1.0)
"""Deliveries that it refuses, drawn for each life: without a backlog at death, what a death loses
would have been delivered before, and nobody would miss it."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What is left to say in the end; all of it must be empty."""

    missing: dict[str, list[tuple[int, int]]]
    conflicts: list[Any]
    complaints: list[str]


NOTHING_LOST = Reckoning({}, [], [])


def drawn_seed() -> int:
    """A new seed each time; printed, so that a failing run can be looked into."""
    seed = secrets.randbits(32)
    print(f"seed of the moments of death: {seed}")
    return seed


def early_death(random: Random) -> float | None:
    """Seconds after the start at which this life ends, None when it is to be a longer one."""
    return random.uniform(0.0, EARLY_DEATH_S) if random.random() < EARLY_SHARE else None


def misbehave(box: Box, random: Random) -> None:
    """Let the receiver be a bad one, anew for each life."""
    box.behave(lose_ack=LOSE_ACK_SHARE, fail=random.choice(FAIL_SHARES))


def live(box: Box, program: Program, known: set[str], random: Random) -> float:
    """Let a gateway accept something, then draw how long it may go on; returns the seconds."""
    try:
        box.wait_accepted(known)
    except TimeoutError as error:
        raise AssertionError(f"{error}\n{program.output()}") from error
    return random.uniform(FIRST_DEATH_S, LAST_DEATH_S)


def reckon(box: Box) -> Reckoning:
    """Start the gateway a last time, let everything arrive, and see what is amiss."""
    box.behave(lose_ack=0.0, fail=0.0)
    known = set(box.witness.accepted())
    with box.gateway() as program:
        box.wait_accepted(known)
        program.stop()
    with box.gateway():
        missing = box.wait_drained()
    return Reckoning(missing, box.conflicts(), box.witness.complaints())
