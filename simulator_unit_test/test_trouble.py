"""What befalls a request is decided by seed, rate and time, and by nothing else."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.trouble import (
    MAX_CLOCK_SHIFT_S,
    MAX_ORDERS,
    MAX_TROUBLE_S,
    Order,
    Quirk,
    Trouble,
    Troubles,
    parse_order,
    quirk_named,
)


def test_same_seed_same_run() -> None:
    """Two plants of one seed draw alike, request by request; another seed draws otherwise."""

    def run(seed: int) -> list[bool]:
        troubles = Troubles(seed)
        troubles.set(Order(Trouble.DROP, rate=0.3))
        return [troubles.draw("modbus") is not None for _ in range(200)]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_doors_do_not_disturb_each_other() -> None:
    """However often one door draws, the other one's run stays the same."""
    alone, beside = Troubles(7), Troubles(7)
    for troubles in (alone, beside):
        troubles.set(Order(Trouble.CLOSE, rate=0.5))
    quiet = [alone.draw("modbus") for _ in range(50)]

    busy = []
    for _ in range(50):
        beside.draw("winet")
        beside.dice("modbus").random()
        busy.append(beside.draw("modbus"))

    assert quiet == busy


def test_rates_add_up() -> None:
    """Each trouble befalls about its share of the requests, side by side."""
    troubles = Troubles(3)
    troubles.set(Order(Trouble.DROP, rate=0.2))
    troubles.set(Order(Trouble.CLOSE, rate=0.3))

    drawn = [troubles.draw("modbus") for _ in range(4000)]

    share = {
        trouble: sum(o is not None and o.trouble is trouble for o in drawn) / 4000
        for trouble in (Trouble.DROP, Trouble.CLOSE)
    }
    assert pytest.approx({Trouble.DROP: 0.2, Trouble.CLOSE: 0.3}, abs=0.03) == share


def test_a_trouble_has_its_door_and_its_hours() -> None:
    """It befalls only the door it was ordered for, from its first second up to its last."""
    now_s = [0.0]
    troubles = Troubles(0, lambda: now_s[0])
    order = Order(Trouble.BUSY, door="winet", from_s=10, until_s=20)
    troubles.set(order)

    seen = []
    for now in (9.9, 10.0, 19.9, 20.0):
        now_s[0] = now
        seen.append(troubles.draw("winet"))
        assert troubles.draw("modbus") is None

    assert [None, order, order, None] == seen


def test_cleared_troubles_are_gone() -> None:
    """One is cleared by its id, all without one, and an unknown id is told."""
    troubles = Troubles()
    first, second = troubles.set(Order(Trouble.DROP)), troubles.set(Order(Trouble.CLOSE))

    known, unknown = troubles.clear(first), troubles.clear(first)
    left = troubles.orders()
    troubles.clear()

    assert (True, False, {second: Order(Trouble.CLOSE)}, {}) == (
        known,
        unknown,
        left,
        troubles.orders(),
    )


def test_a_wrong_clock_is_a_state() -> None:
    """It is never drawn for a request; the shift is told, all orders together."""
    troubles = Troubles()
    troubles.set(Order(Trouble.CLOCK_WRONG, value=3600))
    troubles.set(Order(Trouble.CLOCK_WRONG, value=-60))

    assert (None, 3540) == (troubles.draw("modbus"), troubles.clock_shift_s("modbus"))


def test_quirks_are_switches() -> None:
    """Each quirk is on from when it is switched on until it is switched off."""
    troubles = Troubles()
    troubles.switch(Quirk.ZERO_IN_BLOCK)
    troubles.switch(Quirk.PADDED_FRAME)
    on = troubles.quirks()
    troubles.switch(Quirk.PADDED_FRAME, False)

    assert (Quirk.PADDED_FRAME, Quirk.ZERO_IN_BLOCK) == on
    assert (False, True) == (troubles.has(Quirk.PADDED_FRAME), troubles.has(Quirk.ZERO_IN_BLOCK))


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("drop", Order(Trouble.DROP)),
        ("latency:0.1:0.5", Order(Trouble.LATENCY, rate=0.1, value=0.5)),
        ("wrong_transaction:0.5", Order(Trouble.WRONG_TRANSACTION, rate=0.5)),
        ("busy:1@winet", Order(Trouble.BUSY, door="winet")),
    ],
)
def test_orders_in_words(text: str, order: Order) -> None:
    """The command line's way to write a trouble."""
    assert order == parse_order(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rain", "no trouble 'rain'; there are: latency, "),
        ("drop:often", "write it like latency:0.1:0.5"),
        ("drop:1:2:3", "write it like latency:0.1:0.5"),
        ("drop:2", "rate is 2; give 0 to 1"),
        ("drop:nan", "rate is nan; give 0 to 1"),
        ("latency:1:601", "give 0 to 600"),
        ("exception:1:256", "give 0 to 255"),
        ("drop@cellar", "no door 'cellar'; there are: modbus, encrypted, winet, winet-tls"),
    ],
)
def test_orders_refused_in_words(text: str, words: str) -> None:
    """What cannot be meant is answered with what would be right."""
    with pytest.raises(ValueError, match=words):
        parse_order(text)


def test_limits() -> None:
    """Delays, shifts and the number of orders end where they say, and not before."""
    Order(Trouble.LATENCY, value=MAX_TROUBLE_S)
    Order(Trouble.CLOCK_WRONG, value=-MAX_CLOCK_SHIFT_S)
    troubles = Troubles()
    for _ in range(MAX_ORDERS):
        troubles.set(Order(Trouble.DROP))

    for wrong in (MAX_TROUBLE_S + 1, math.nan):
        with pytest.raises(ValueError):
            Order(Trouble.LATENCY, value=wrong)
    with pytest.raises(ValueError):
        Order(Trouble.CLOCK_WRONG, value=-MAX_CLOCK_SHIFT_S - 1)
    for from_s in (5, 6, -1, math.inf, math.nan):
        with pytest.raises(ValueError, match="an end after it"):
            Order(Trouble.DROP, from_s=from_s, until_s=5)
    with pytest.raises(ValueError, match="clear one first"):
        troubles.set(Order(Trouble.DROP))
    with pytest.raises(ValueError, match="no quirk 'x'"):
        quirk_named("x")


def test_what_has_ended_makes_room() -> None:
    """A script that orders a trouble a minute for a month is never told that there are too many."""
    now_s = [0.0]
    troubles = Troubles(since_start_s=lambda: now_s[0])
    for _ in range(MAX_ORDERS):
        troubles.set(Order(Trouble.DROP, until_s=10))
    with pytest.raises(ValueError, match="clear one first"):
        troubles.set(Order(Trouble.CLOSE))
    now_s[0] = 10.0
    number = troubles.set(Order(Trouble.CLOSE))

    assert {number: Order(Trouble.CLOSE)} == troubles.orders()


def test_clocks_are_wrong_within_reason() -> None:
    """Shifts add up, and end where dates would."""
    troubles = Troubles()
    for _ in range(3):
        troubles.set(Order(Trouble.CLOCK_WRONG, value=-MAX_CLOCK_SHIFT_S))

    assert -MAX_CLOCK_SHIFT_S == troubles.clock_shift_s("modbus")


@given(st.text(max_size=30))
def test_no_words_crash_it(text: str) -> None:
    """Whatever is written, it is an order or an error in words."""
    try:
        order = parse_order(text)
    except ValueError:
        return

    assert 0 <= order.rate <= 1
