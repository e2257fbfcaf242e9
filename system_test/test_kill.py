"""`kill -9` at random moments: nothing accepted is lost, nothing comes under two identities.

The witness outside counts what the gateway reported as accepted; the receiver outside counts what
came. Between the two, the gateway is killed again and again, while it polls and publishes.
"""

from pathlib import Path
from random import Random

import pytest

from system_test.power.box import Box, let_run
from system_test.power.lives import (
    NOTHING_LOST,
    drawn_seed,
    early_death,
    live,
    misbehave,
    reckon,
)

pytestmark = pytest.mark.timeout(3600)


def test_no_accepted_reading_is_lost_to_kill_9(tmp_path: Path, rounds: int) -> None:
    """After all kills everything accepted is at the receiver, once, under one identity."""
    random = Random(drawn_seed())
    with Box(tmp_path, tmp_path / "data") as box:
        for number in range(rounds):
            misbehave(box, random)
            early = early_death(random) if number else None
            if early is not None:
                box.kill_while_starting(early)
                continue
            known = set(box.witness.accepted())
            with box.gateway() as program:
                let_run(program, live(box, program, known, random))
                program.kill()
        reckoning = reckon(box)
        print(f"accepted: {box.witness.accepted()}; receiver: {box.stats()}")

    assert (NOTHING_LOST, 1) == (reckoning, len(box.serials))
