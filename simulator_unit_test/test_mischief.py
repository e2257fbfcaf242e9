"""What a trouble makes of a frame, byte by byte."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import mischief
from simulator.mischief import FRAMING_BYTES, Act, act
from simulator.trouble import Order, Trouble

FRAME = bytes.fromhex("0001 0000 0007 01 04 04 0E03 0064")


def test_nothing_ordered_nothing_done() -> None:
    """Without an order the right answer goes out at once."""
    assert Act(FRAME) == act(None, FRAME, random.Random(1))


@given(st.integers())
def test_garble_spoils_what_a_client_can_tell(seed: int) -> None:
    """The framing is never what it was, and the data behind it is."""
    spoiled = act(Order(Trouble.GARBLE), FRAME, random.Random(seed)).frame

    assert (len(FRAME), FRAME[FRAMING_BYTES:]) == (len(spoiled), spoiled[FRAMING_BYTES:])
    assert FRAME[:FRAMING_BYTES] != spoiled[:FRAMING_BYTES]


def test_garble_of_everything() -> None:
    """With the value 1 the data are spoiled too, sooner or later."""
    dice = random.Random(1)
    order = Order(Trouble.GARBLE, value=1)

    tails = {act(order, FRAME, dice).frame[FRAMING_BYTES:] for _ in range(50)}

    assert len(tails) > 10


@given(st.integers())
def test_wrong_transaction(seed: int) -> None:
    """Another number, and everything else as it was."""
    wrong = act(Order(Trouble.WRONG_TRANSACTION), FRAME, random.Random(seed)).frame

    assert (False, FRAME[2:]) == (wrong[:2] == FRAME[:2], wrong[2:])


@given(st.integers())
def test_short_frame(seed: int) -> None:
    """The beginning of the answer, at least a byte and never all."""
    short = act(Order(Trouble.SHORT_FRAME), FRAME, random.Random(seed)).frame

    assert FRAME.startswith(short)
    assert 0 < len(short) < len(FRAME)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order(Trouble.SLOW_DRIP, value=3), Act(FRAME, drip_s=3)),
        (Order(Trouble.LATE_REPLY, value=3), Act(FRAME, later_s=3)),
        (Order(Trouble.LATENCY, value=3), Act(FRAME)),
        (Order(Trouble.EXCEPTION, value=3), Act(FRAME)),
    ],
)
def test_times(order: Order, expected: Act) -> None:
    """Some troubles change no byte, but when they go out."""
    assert expected == act(order, FRAME, random.Random(1))


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (None, None),
        (Order(Trouble.DROP), None),
        (Order(Trouble.BUSY), 6),
        (Order(Trouble.EXCEPTION), 4),
        (Order(Trouble.EXCEPTION, value=2), 2),
    ],
)
def test_refusal(order: Order | None, code: int | None) -> None:
    """Busy is exception 6; an exception is the code that was ordered, 4 without one."""
    assert code == mischief.refusal(order)


@pytest.mark.parametrize("trouble", Trouble)
def test_each_trouble_is_one_thing(trouble: Trouble) -> None:
    """A trouble hangs up, swallows, refuses, waits before, or changes the answer: one of them."""
    order = Order(trouble, value=5)
    ways = (
        mischief.hangs_up(order),
        mischief.swallows(order),
        mischief.refusal(order) is not None,
        mischief.wait_before_s(order) > 0,
        act(order, FRAME, random.Random(1)) != Act(FRAME),
    )

    assert (trouble is not Trouble.CLOCK_WRONG) == sum(ways)
