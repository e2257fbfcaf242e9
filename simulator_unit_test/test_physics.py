"""The plant's physics: everything balances, sums up, and runs alike from one seed."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.physics import STEP_S, WARM_UP_STEP_S, Energies, Orders, Physics, Room, balance
from simulator.physics import Site
from simulator.sky import DAY_S, Roof

MIDSUMMER_S = 1_782_000_000 // DAY_S * DAY_S
"""Midnight of 2026-06-21."""

HYBRID = Site(
    roofs=(Roof(6000, 30, 0), Roof(6000, 30, 90)),
    inverter_power_w=10_000,
    battery_capacity_wh=9600,
    battery_power_w=5000,
)
STRING = replace(HYBRID, battery_capacity_wh=0, battery_power_w=0)


def balanced(of: Energies) -> bool:
    """Whether sums of energy agree with each other."""
    closes = of.pv + of.discharged + of.imported == of.load + of.charged + of.exported
    return closes and of.pv == of.direct + of.pv_charged + of.pv_exported


def test_powers_balance_at_every_step() -> None:
    """Sun, battery and grid together are the load, and the strings are the sun."""
    physics = Physics(HYBRID, seed=1, start_s=MIDSUMMER_S + 8 * 3600)
    wrong = []

    for second in range(3600):
        physics.advance_to(MIDSUMMER_S + 8 * 3600 + second)
        moment, flow = physics.moment(), physics.moment().flow
        closes = flow.pv_w + flow.battery_w + flow.grid_w == flow.load_w
        if not closes or sum(moment.strings_w) != flow.pv_w:
            wrong.append(moment)

    assert [] == wrong


def test_energies_are_the_sum_of_powers() -> None:
    """Each energy grows by exactly its power times the time."""
    physics = Physics(HYBRID, seed=2, start_s=MIDSUMMER_S + 9 * 3600)
    before = physics.moment().total
    pv = load = imported = exported = charged = discharged = 0

    for second in range(1, 7201):
        physics.advance_to(MIDSUMMER_S + 9 * 3600 + second)
        flow = physics.moment().flow
        pv += flow.pv_w * STEP_S
        load += flow.load_w * STEP_S
        imported += max(0, flow.grid_w) * STEP_S
        exported += max(0, -flow.grid_w) * STEP_S
        charged += max(0, -flow.battery_w) * STEP_S
        discharged += max(0, flow.battery_w) * STEP_S

    after = physics.moment().total
    assert (pv, load, imported, exported, charged, discharged) == (
        after.pv - before.pv,
        after.load - before.load,
        after.imported - before.imported,
        after.exported - before.exported,
        after.charged - before.charged,
        after.discharged - before.discharged,
    )


@pytest.mark.parametrize("site", [HYBRID, STRING])
def test_sums_close(site: Site) -> None:
    """Today's sums and the sums of a life agree with each other at any time."""
    starts = [MIDSUMMER_S + hour * 3600 for hour in range(0, 30, 3)]

    moments = [Physics(site, seed=3, start_s=start_s).moment() for start_s in starts]

    # What the battery lost before the start is the only energy that does not come out again.
    lives = [moment.total for moment in moments]
    assert all(balanced(moment.today) for moment in moments)
    assert all(life.pv == life.direct + life.pv_charged + life.pv_exported for life in lives)


def test_daily_sums_reset_at_midnight() -> None:
    """Today's sums fall to 0 at the plant's midnight; the totals run on."""
    physics = Physics(HYBRID, seed=4, start_s=MIDSUMMER_S + 23 * 3600)
    physics.advance_to(MIDSUMMER_S + DAY_S - 1)
    evening = physics.moment()

    physics.advance_to(MIDSUMMER_S + DAY_S)
    midnight = physics.moment()

    assert (True, Energies(), 0) == (
        evening.today.pv > 0 and evening.today.load > 0,
        midnight.today,
        midnight.running_today_s,
    )
    assert midnight.total.load > evening.total.load


def test_a_start_at_noon_knows_the_morning() -> None:
    """The plant warms up from midnight, so today's sums are there from the first read."""
    noon = Physics(HYBRID, seed=5, start_s=MIDSUMMER_S + DAY_S // 2).moment()

    assert (True, MIDSUMMER_S + DAY_S // 2) == (noon.today.pv > 5 * 3_600_000, noon.time_s)


def test_same_seed_same_run() -> None:
    """Two plants from one seed and start are alike; another seed is another plant."""

    def run(seed: int) -> object:
        physics = Physics(HYBRID, seed, MIDSUMMER_S + 36_000)
        physics.advance_to(MIDSUMMER_S + 36_600)
        return physics.moment()

    assert run(6) == run(6)
    assert run(6) != run(7)


@given(st.lists(st.floats(0, 90), max_size=10))
def test_looking_changes_nothing(pauses: list[float]) -> None:
    """However often and at whatever moments it is looked at, the state is the same."""
    start_s = MIDSUMMER_S + 36_000 + 0.25
    watched, alone = Physics(HYBRID, 8, start_s), Physics(HYBRID, 8, start_s)
    now_s = start_s

    for pause_s in pauses:
        now_s += pause_s
        watched.advance_to(now_s)
        watched.moment()
    alone.advance_to(now_s)

    assert alone.moment() == watched.moment()


def test_time_never_goes_back() -> None:
    """A look into the past leaves the plant where it is."""
    physics = Physics(HYBRID, 9, MIDSUMMER_S + 600)

    changed = physics.advance_to(MIDSUMMER_S)

    assert (False, MIDSUMMER_S + 600) == (changed, physics.time_s)


def test_start_between_steps_of_warming_up() -> None:
    """A start that is no whole minute is reached to the second."""
    physics = Physics(HYBRID, 10, MIDSUMMER_S + WARM_UP_STEP_S * 7 + 23.9)

    assert MIDSUMMER_S + WARM_UP_STEP_S * 7 + 23 == physics.time_s


def test_night_is_dark_and_noon_is_bright() -> None:
    """There is no sun at night, and on a summer's day there is a good deal of it."""
    night = Physics(HYBRID, 11, MIDSUMMER_S + 3600).moment()
    noon = Physics(HYBRID, 11, MIDSUMMER_S + DAY_S // 2).moment()

    assert (0, False, True) == (night.flow.pv_w, night.daylight, noon.daylight)
    assert noon.today.pv > 5 * 3_600_000


def test_winter_gives_less_than_summer() -> None:
    """The day of the year decides how much a day can give."""
    summer = Physics(HYBRID, 12, MIDSUMMER_S + DAY_S - 1).moment().today.pv
    winter = Physics(HYBRID, 12, MIDSUMMER_S + 183 * DAY_S - 1).moment().today.pv

    assert winter < summer / 2


@pytest.mark.parametrize("forced_w", [5000, -5000])
def test_charge_stays_within_its_bounds(forced_w: int) -> None:
    """Forced either way for long enough, the battery stops at the bounds it was given."""
    physics = Physics(HYBRID, 13, MIDSUMMER_S)
    physics.orders = Orders(battery_power_w=forced_w, soc_min=0.1, soc_max=0.9)

    physics.advance_to(MIDSUMMER_S + 2 * 3600)

    bound = 0.1 if forced_w > 0 else 0.9
    assert bound == pytest.approx(physics.moment().soc, abs=0.001)


def test_battery_loses_what_its_efficiency_says() -> None:
    """What comes out of the terminals is less than what went in."""
    physics = Physics(HYBRID, 14, MIDSUMMER_S)
    soc_before = physics.moment().soc
    physics.orders = Orders(battery_power_w=-1000)
    physics.advance_to(MIDSUMMER_S + 1800)

    gained_wh = (physics.moment().soc - soc_before) * HYBRID.battery_capacity_wh

    assert 500 * 0.96 == pytest.approx(gained_wh)


def test_stopped_inverter() -> None:
    """A stopped inverter gives nothing, and the grid carries the house."""
    physics = Physics(HYBRID, 15, MIDSUMMER_S + DAY_S // 2)
    physics.orders = Orders(running=False)

    physics.advance_to(MIDSUMMER_S + DAY_S // 2 + 10)

    flow = physics.moment().flow
    assert (0, 0, flow.load_w) == (flow.pv_w, flow.battery_w, flow.grid_w)


limits = st.none() | st.integers(0, 12_000)


@given(
    pv_w=st.integers(0, 15_000),
    load_w=st.integers(0, 15_000),
    room=st.builds(Room, st.integers(0, 6000), st.integers(0, 6000)),
    forced_w=st.none() | st.integers(-8000, 8000),
    active_limit_w=limits,
    export_limit_w=limits,
)
def test_balance_keeps_every_limit(
    pv_w: int,
    load_w: int,
    room: Room,
    forced_w: int | None,
    active_limit_w: int | None,
    export_limit_w: int | None,
) -> None:
    """Whatever sun, load and orders: it closes, and no limit is exceeded."""
    orders = Orders(
        active_limit_w=active_limit_w, export_limit_w=export_limit_w, battery_power_w=forced_w
    )

    flow = balance(pv_w, load_w, room, 10_000, orders)

    output_w = flow.pv_w + flow.battery_w
    assert flow.load_w == load_w == flow.pv_w + flow.battery_w + flow.grid_w
    assert 0 <= flow.pv_w <= pv_w
    assert -room.charge_w <= flow.battery_w <= room.discharge_w
    assert abs(output_w) <= (10_000 if active_limit_w is None else min(10_000, active_limit_w))
    assert export_limit_w is None or -flow.grid_w <= export_limit_w


def test_balance_charges_before_it_exports() -> None:
    """Surplus goes into the battery first, and only the rest to the grid."""
    flow = balance(8000, 1000, Room(5000, 5000), 10_000, Orders())

    assert (-5000, -2000) == (flow.battery_w, flow.grid_w)


@pytest.mark.parametrize(
    ("orders", "curtailed"),
    [
        (Orders(), False),
        (Orders(active_limit_w=9000), True),
        (Orders(export_limit_w=0), True),
        (Orders(export_limit_w=10_000), False),
    ],
)
def test_what_the_rating_takes_is_not_curtailed(orders: Orders, curtailed: bool) -> None:
    """Panels that could give more than the inverter are usual; an order that takes some is told."""
    flow = balance(12_000, 500, Room(0, 0), 10_000, orders)

    assert curtailed == flow.curtailed


def test_life_before_the_start_is_plausible() -> None:
    """Totals never start at 0, and have given less than they took."""
    seeds = random.Random(16)
    lives = [Physics(HYBRID, seeds.randrange(1000), MIDSUMMER_S).moment().total for _ in range(20)]

    assert all(0 < life.discharged < life.charged < life.pv for life in lives)
