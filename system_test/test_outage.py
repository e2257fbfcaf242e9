"""The receiver is away for a while: everything is kept, and arrives when it is back.

Live readings go first, then the gap is filled. `make soak` stays away for ten minutes.
"""

from pathlib import Path

import pytest

from system_test.power.box import DRAIN_TIMEOUT_S, Box, ask, let_run
from system_test.power.lives import NOTHING_LOST, Reckoning
from system_test.witness import within

OUTAGE_S = 60.0
"""How long the receiver is away in each run of the tests."""

LONG_OUTAGE_S = 600.0
"""How long it is away in `make soak`."""


@pytest.mark.parametrize(
    "outage_s",
    [OUTAGE_S, pytest.param(LONG_OUTAGE_S, marks=pytest.mark.soak)],
)
@pytest.mark.timeout(1800)
def test_an_outage_of_the_receiver_leaves_no_gap(tmp_path: Path, outage_s: float) -> None:
    """While it is away the gateway goes on; once it is back, live data comes first, then all."""
    with Box(tmp_path, tmp_path / "data") as box, box.gateway() as program:
        before = box.wait_accepted(set(), accepted=20)
        assert {} == box.wait_drained()
        port = box.kill_receiver()
        let_run(program, outage_s)
        after = box.wait_accepted(set(), accepted=before.accepted + 1)
        box.start_receiver(port)
        live_first = live_came_first(box, after.boot, after.accepted)
        program.stop()
        reckoning = settle(box)
        stats = box.stats()

    assert (NOTHING_LOST, 0, True) == (reckoning, stats["gaps"], live_first)
    assert after.accepted - before.accepted > outage_s


def live_came_first(box: Box, boot: str, during_outage: int) -> bool:
    """Whether readings from after the outage came while some from the outage were missing."""
    for _ in within(DRAIN_TIMEOUT_S, step_s=0.01):
        ranges = ask(f"{box.receiver_url}/identities").get(boot, {"ranges": []})["ranges"]
        highest = max((last for _, last in ranges), default=0)
        if highest > during_outage:
            return len(ranges) > 1
    return False


def settle(box: Box) -> Reckoning:
    """Let everything arrive that was accepted before the stop."""
    with box.gateway():
        missing = box.wait_drained()
    return Reckoning(missing, box.conflicts(), box.witness.complaints())
