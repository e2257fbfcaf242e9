"""One phone at a time."""

import pytest

from bluetooth.errors import Refused
from bluetooth.gatt import AttError
from bluetooth.seat import FAREWELL_S, SEAT_IDLE_S, YIELD_PAUSE_S, YIELD_S, Seat
from bluetooth_unit_test.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio


class Row:
    """A seat, and what became of phones."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.sent_away: list[str] = []
        self.left: list[str] = []
        self.seat = Seat(
            self.time, self.time.spawn, self.time.wait, self.sent_away.append, self._left
        )

    def _left(self, client: str) -> None:
        self.left.append(client)
        self.seat.free()


async def test_the_first_phone_sits_until_it_leaves() -> None:
    """It comes in once, whatever it says afterwards."""
    row = Row()

    assert [True, False, False] == [row.seat.admit("a") for _ in range(3)]
    assert row.seat.is_of("a")
    row.seat.free()
    assert row.seat.admit("b")


async def test_a_second_phone_is_sent_away_at_once() -> None:
    """With an error that says why."""
    row = Row()
    row.seat.admit("a")

    with pytest.raises(Refused, match="another phone") as refused:
        row.seat.admit("b")
    assert AttError.INSUFFICIENT_RESOURCES is refused.value.code
    assert (["b"], True) == (row.sent_away, row.seat.is_of("a"))


async def test_a_phone_that_says_nothing_is_dismissed() -> None:
    """SEAT_IDLE_S after its last word, and FAREWELL_S for ours."""
    row = Row()
    row.seat.admit("a")
    await row.time.advance(SEAT_IDLE_S - 1)
    row.seat.admit("a")
    await row.time.advance(SEAT_IDLE_S - 1)
    row.seat.check()
    before = list(row.sent_away)
    await row.time.advance(1)
    row.seat.check()
    row.seat.check()
    await row.time.advance(FAREWELL_S)

    assert ([], ["a"], ["a"]) == (before, row.sent_away, row.left)
    assert row.time.is_quiet


async def test_a_phone_that_keeps_another_out_for_nothing_gives_way() -> None:
    """Some time after the other one knocked; and it is not let in again before that one."""
    row = Row()
    row.seat.admit("a")
    with pytest.raises(Refused):
        row.seat.admit("b")
    await row.time.advance(YIELD_S)
    row.seat.admit("a")
    row.seat.check(yields=False)
    await row.time.advance(FAREWELL_S)
    inside = row.seat.is_of("a")
    row.seat.check(yields=True)
    row.seat.check(yields=True)
    await row.time.advance(FAREWELL_S)

    assert (True, ["a"]) == (inside, row.left)
    with pytest.raises(Refused, match="turn"):
        row.seat.admit("a")
    assert row.seat.admit("b")
    row.seat.free()
    await row.time.advance(YIELD_PAUSE_S)
    assert row.seat.admit("a")


async def test_a_phone_that_nobody_waits_for_may_stay() -> None:
    """However long, as long as it says something."""
    row = Row()
    row.seat.admit("a")
    for _ in range(10):
        await row.time.advance(YIELD_S)
        row.seat.admit("a")
        row.seat.check(yields=True)

    assert row.seat.is_of("a")
    assert row.time.is_quiet


async def test_a_phone_that_waits_for_an_answer_stays() -> None:
    """Joining a Wi-Fi takes longer than a phone may be silent otherwise."""
    row = Row()
    row.seat.admit("a")
    await row.time.advance(SEAT_IDLE_S)
    row.seat.stay()
    row.seat.check()
    await row.time.advance(FAREWELL_S)

    assert ([], True) == (row.sent_away, row.seat.is_of("a"))


async def test_a_phone_that_left_by_itself_is_not_sent_away_again() -> None:
    """Nor is the one that took its place."""
    row = Row()
    row.seat.admit("a")
    row.seat.dismiss("the door is closed")
    row.seat.free()
    row.seat.admit("b")
    await row.time.advance(FAREWELL_S)

    assert ([], True) == (row.sent_away, row.seat.is_of("b"))


async def test_there_may_be_nobody_to_dismiss() -> None:
    """Then nothing happens."""
    row = Row()
    row.seat.dismiss("the door is closed")
    row.seat.check()

    assert row.time.is_quiet
