"""Misbehaviour on order: rates, bounds, and the same dice from the same seed."""

from collections import Counter

import pytest

from simulator.faults import MAX_BODY_BYTES, MAX_DELAY_S, Behaviour, Fate, Faults


def test_good_by_default() -> None:
    """Nobody asked for faults: there are none."""
    faults = Faults(Behaviour(), seed=1)

    assert {Fate.TAKEN} == {faults.fate() for _ in range(100)}


def test_rates() -> None:
    """Each fault comes about as often as it was asked for."""
    faults = Faults(Behaviour(fail=0.2, drop=0.1, lose_ack=0.3), seed=1)

    fates = Counter(faults.fate() for _ in range(10_000))

    wanted = {Fate.FAILED: 2000, Fate.DROPPED: 1000, Fate.ACK_LOST: 3000, Fate.TAKEN: 4000}
    assert pytest.approx(wanted, rel=0.1) == fates


def test_same_seed_same_fates() -> None:
    """A seed repeats itself."""
    first, second = (Faults(Behaviour(fail=0.5), seed=3) for _ in range(2))

    assert [first.fate() for _ in range(50)] == [second.fate() for _ in range(50)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": 500}, (500, 1.0)),
        ({"status": 200}, (200, 0.0)),
        ({"status": 429, "fail": 0.5}, (429, 0.5)),
        ({"fail": 0.5}, (503, 0.5)),
    ],
)
def test_status_alone_means_all(changes: dict[str, object], expected: tuple[int, float]) -> None:
    """A status without a rate is answered to everything; 200 ends that."""
    behaviour = Behaviour().changed(**changes)

    assert expected == (behaviour.status, behaviour.fail)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fail": 1.1}, "fail must be a number from 0 to 1"),
        ({"drop": -0.1}, "drop must be"),
        ({"lose_ack": "often"}, "lose_ack must be"),
        ({"fail": float("nan")}, "fail must be"),
        ({"fail": True}, "fail must be"),
        ({"status": 99}, "status must be a number from 200 to 599"),
        ({"status": 503.5}, "status must be"),
        ({"delay_s": MAX_DELAY_S + 1}, "delay_s must be a number from 0 to 600"),
        ({"bodies_max": MAX_BODY_BYTES + 1}, "bodies_max must be"),
        ({"bodies_max": 0}, "bodies_max must be"),
        ({"colour": 1}, "no behaviour colour; there are: status, fail"),
    ],
)
def test_change_that_cannot_be(changes: dict[str, object], words: str) -> None:
    """A wrong value is refused in words, and nothing changes."""
    faults = Faults(Behaviour(), seed=1)

    with pytest.raises(ValueError, match=words):
        faults.change(**changes)

    assert Behaviour() == faults.behaviour


def test_bounds_themselves_are_allowed() -> None:
    """The longest delay and the largest body can be asked for."""
    behaviour = Behaviour(delay_s=MAX_DELAY_S, bodies_max=MAX_BODY_BYTES)

    assert (MAX_DELAY_S, MAX_BODY_BYTES) == (behaviour.delay_s, behaviour.bodies_max)
