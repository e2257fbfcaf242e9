"""One plant through several doors, and what a dongle makes of it."""

import pytest

from simulator.clock import ManualClock
from simulator.modbus_pdu import Refused
from simulator.models import model_named
from simulator.physics import Physics
from simulator.plant_face import STALE_S, PlantFace
from simulator.trouble import Order, Quirk, Trouble, Troubles

NOON_S = 1_782_043_200.0  # 2026-06-21T12:00:00Z


class House:
    """A face, with its clock and troubles at hand; addresses are the documents' own."""

    def __init__(self, model: str = "sh10rt", unit_id: int = 1) -> None:
        self.clock = ManualClock(NOON_S)
        self.troubles = Troubles(0)
        kind = model_named(model)
        physics = Physics(kind.site(48.0), 0, NOON_S)
        self.face = PlantFace(kind, "A2212345678", physics, self.clock, self.troubles, unit_id)

    def input(self, door: str, at: int, count: int = 1, unit: int = 1) -> list[int]:
        return list(self.face.read(door, unit, "input", at - 1, count))

    def holding(self, door: str, at: int, count: int = 1) -> list[int]:
        return list(self.face.read(door, 1, "holding", at - 1, count))

    def write(self, door: str, at: int, *words: int) -> None:
        self.face.write(door, 1, at - 1, words)

    def refusal(self, door: str, at: int, count: int = 1, unit: int = 1) -> int:
        """The exception code of an input read, 0 where it is answered."""
        try:
            self.input(door, at, count, unit)
        except Refused as refused:
            return refused.code
        return 0


DOORS = ("modbus", "encrypted", "winet", "winet-tls")


def test_all_doors_show_the_same() -> None:
    """At one moment every door shows the same words."""
    house = House()

    shown = [house.input(door, 13000, 60) for door in DOORS]

    assert [shown[0]] * 4 == shown


@pytest.mark.parametrize(
    ("model", "door", "units"),
    [
        ("sh10rt", "modbus", {1: "inverter", 200: "battery"}),
        ("sh10rt", "encrypted", {1: "inverter", 200: "battery"}),
        ("sh10rt", "winet", {1: "inverter", 2: "battery"}),
        ("sh10rt", "winet-tls", {1: "inverter", 2: "battery"}),
        ("sg5.0rt", "modbus", {1: "inverter"}),
    ],
)
def test_units(model: str, door: str, units: dict[int, str]) -> None:
    """The battery has unit 200 on the inverter's ports and 2 behind a dongle."""
    assert units == House(model).face.units(door)


@pytest.mark.parametrize(
    ("door", "unit", "code"),
    [("modbus", 200, 0), ("modbus", 2, 11), ("winet", 2, 0), ("winet", 200, 11)],
)
def test_battery_answers_at_its_unit(door: str, unit: int, code: int) -> None:
    """Other units are refused with exception 11."""
    assert code == House().refusal(door, 10741, 4, unit)


def test_battery_takes_no_writes() -> None:
    """It shows, and is told nothing."""
    with pytest.raises(Refused) as refused:
        House().face.write("modbus", 200, 10740, [1])

    assert 2 == refused.value.code


def test_own_unit() -> None:
    """The inverter's own unit is configured; behind a dongle it is 1, and 200 is the battery's."""
    house = House(unit_id=7)

    assert (0, 11, 0) == (
        house.refusal("modbus", 5000, unit=7),
        house.refusal("modbus", 5000),
        house.refusal("winet", 5000),
    )
    with pytest.raises(ValueError, match="the battery's"):
        House(unit_id=200)


def test_zero_in_block() -> None:
    """(c) Through a dongle the flow bits are refused alone, and 0 inside a block."""
    house = House()
    house.troubles.switch(Quirk.ZERO_IN_BLOCK)

    alone = (house.refusal("winet", 13000, 2), house.refusal("modbus", 13000, 2))
    inside, true = house.input("winet", 13000, 4), house.input("modbus", 13000, 4)

    assert ((2, 0), [0, 0, *true[2:]]) == (alone, inside)
    assert 0 not in true[:2]


def test_not_forwarded() -> None:
    """(d) A dongle refuses a block that touches 6100 to 6195; the inverter's port serves it."""
    house = House()
    before = house.refusal("winet", 6100, 96)
    house.troubles.switch(Quirk.NOT_FORWARDED)

    codes = [
        house.refusal(*asked) for asked in (("winet", 6100), ("winet", 6195), ("modbus", 6100))
    ]

    assert (0, [2, 2, 0]) == (before, codes)


def test_stale_readback() -> None:
    """(f) A dongle shows for a while what was there before a write; the inverter does not."""
    house = House()
    house.troubles.switch(Quirk.STALE_READBACK)
    house.write("winet", 13050, 2, 0xAA, 500)

    at_once = (house.holding("winet", 13050, 3), house.holding("modbus", 13050, 3))
    house.clock.advance(STALE_S)

    assert ([0, 0xCC, 0], [2, 0xAA, 500], [2, 0xAA, 500]) == (
        *at_once,
        house.holding("winet", 13050, 3),
    )


def test_stale_readback_is_a_quirk() -> None:
    """Without it a dongle shows what was written."""
    house = House()

    house.write("winet", 13052, 500)

    assert [500] == house.holding("winet", 13052)


def test_wrong_clock() -> None:
    """The clock is wrong at the doors it is ordered for, and right at the others."""
    house = House()
    house.troubles.set(Order(Trouble.CLOCK_WRONG, door="modbus", value=-3600))

    assert ([2026, 6, 21, 11, 0, 0], [2026, 6, 21, 12, 0, 0]) == (
        house.holding("modbus", 5000, 6),
        house.holding("encrypted", 5000, 6),
    )


def test_fault() -> None:
    """A fault stops the flow, shows its code and time, and is over when it is taken back."""
    house = House("sg5.0rt")
    house.face.behave(fault=39)
    house.clock.advance(1)
    in_fault = (house.input("modbus", 5038, 8), house.face.moment().flow.pv_w)

    house.face.behave(fault=0)
    house.clock.advance(1)

    assert ([0x5500, 2026, 6, 21, 12, 0, 0, 39], 0) == in_fault
    assert ([0] * 7, True) == (house.input("modbus", 5039, 7), house.face.moment().flow.pv_w > 0)


def test_fault_of_a_hybrid() -> None:
    """A hybrid sets a bit of its fault bitmaps: code 39 is bit 6 of the second."""
    house = House()
    house.face.behave(fault=39)

    assert ([0x5500], [0, 0, 1 << 6, 0]) == (
        house.input("modbus", 13000),
        house.input("modbus", 13050, 4),
    )


@pytest.mark.parametrize(
    ("change", "state"),
    [({"alarm": 39}, 0x9100), ({"standby": True}, 0x1400), ({"derate_to": 0.1}, 0x8100)],
)
def test_states(change: dict[str, object], state: int) -> None:
    """Alarm, standby and derating have their states."""
    house = House("sg5.0rt")
    house.face.behave(**change)
    house.clock.advance(1)

    assert [state] == house.input("modbus", 5038)


def test_derating() -> None:
    """Heat leaves a share of the nominal power."""
    house = House("sg5.0rt")
    house.face.behave(derate_to=0.1)
    house.clock.advance(1)

    assert 500 == house.face.moment().flow.pv_w


def test_night_of_sentinels() -> None:
    """At night all that is measured is unavailable; what the device is and its state are not."""
    house = House("sg5.0rt")
    house.face.behave(night="sentinels")
    house.clock.advance(12 * 3600)

    assert [0x2430, 50, 1, 0xFFFF, 0xFFFF, 0xFFFF] == house.input("modbus", 5000, 6)
    assert ([0x7FFF], [0x1400]) == (house.input("modbus", 5008), house.input("modbus", 5038))


def test_starting_takes_a_while() -> None:
    """Stopped at once; started, it stands by for some seconds before power flows."""
    house = House("sg5.0rt")
    seen = []
    for word, wait_s in ((0xCE, 1), (0xCF, 1), (None, 10)):
        if word is not None:
            house.write("modbus", 5006, word)
        house.clock.advance(wait_s)
        house.face.tick()
        house.clock.advance(1)
        seen.append((house.input("modbus", 5038)[0], house.face.moment().flow.pv_w > 0))

    assert [(0x8000, False), (0x1600, False), (0x0000, True)] == seen


@pytest.mark.parametrize("words", [(13050, 3, 0xBB, 4000), (13000, 0xCF)])
def test_what_is_due_happens_unseen(words: tuple[int, ...]) -> None:
    """A heartbeat that lapses or a start that ends does so in its second, whoever looks."""
    leaping, watched = House(), House()
    for house in (leaping, watched):
        house.write("modbus", 13000, 0xCE)
        house.clock.advance(5)
        house.write("modbus", 13000, 0xCF if words[0] != 13000 else 0xCE)
        house.clock.advance(20)
        house.write("modbus", *words)

    leaping.clock.advance(600)
    for _ in range(600):
        watched.clock.advance(1)
        watched.face.moment()

    assert watched.face.moment() == leaping.face.moment()
    assert [0] == leaping.holding("modbus", 13050)


def test_day_of_quarters() -> None:
    """6100 to 6195 are today's power of each quarter of an hour; those to come are unavailable."""
    house = House("sg5.0rt")

    quarters = house.input("modbus", 6100, 96)

    lived, to_come = quarters[:48], quarters[48:]
    assert [0xFFFF] * 48 == to_come
    assert sum(lived) / 4 == pytest.approx(house.face.moment().today.pv / 3600, abs=24)


def test_midnight() -> None:
    """Daily sums begin at 0, and so do the quarters."""
    house = House("sg5.0rt")
    house.clock.advance(12 * 3600 + 60)

    assert ([0], [0xFFFF] * 96) == (
        house.input("modbus", 5003),
        house.input("modbus", 6100, 96),
    )
