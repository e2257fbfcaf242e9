"""Lives of a gateway, from seeds. A failing seed is printed, and replays to the same log."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from server_unit_test.simulation.devices import Temper
from server_unit_test.simulation.scenario import Life, Plan, Tally

pytestmark = pytest.mark.no_cover
"""Tracing every line of a million polls costs more than the polls; the mirrors cover the lines."""

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S

EVERY_TEMPER = (
    Temper.HEALTHY,
    Temper.HEALTHY,
    Temper.HEALTHY,
    Temper.FLAKY,
    Temper.FLAKY,
    Temper.REFUSING,
    Temper.CLOSING,
    Temper.SLEEPER,
    Temper.HANGING,
    Temper.DEAD,
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Months of log lines are of no use; the world keeps its own log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def live(plan: Plan, folder: Path) -> tuple[Tally, Life]:
    """Run a life; a failure names the seed and shows the end of the log."""
    life = Life(plan, folder)
    try:
        return life.run(), life
    except BaseException as error:
        error.add_note(f"seed {plan.seed}; the last lines of its log:")
        error.add_note("\n".join(life.world.log[-40:]))
        raise


def hours(seed: int) -> Plan:
    """Six hours in which everything goes wrong that can."""
    return Plan(
        seed=seed,
        tempers=EVERY_TEMPER,
        interval_s=10.0,
        commit_s=5.0,
        duration_s=4 * HOUR_S,
        publish_s=30.0,
        crashes=3,
        away=((0.5 * HOUR_S, 1.5 * HOUR_S), (2.0 * HOUR_S, 2.1 * HOUR_S)),
        trouble=0.05,
        clock_steps=4,
        unsynced_starts=0.5,
        requests=60,
        poison=(33, 34, 190),
        max_records=15,
        slow_disk=(2.5 * HOUR_S,),
    )


@pytest.mark.parametrize("seed", range(1, 9))
def test_hours_of_trouble_lose_nothing(seed: int, tmp_path: Path) -> None:
    """Crashes, refusals, hangs, outages, clock steps: every accepted record arrives, once known."""
    tally, _ = live(hours(seed), tmp_path)

    assert 3 == tally.crashes
    assert {} == {sink: count for sink, count in tally.dropped.items() if count}
    assert 0 < tally.accepted


@pytest.mark.parametrize("seed", (11, 12))
def test_slow_endpoints_and_changing_settings_lose_nothing(seed: int, tmp_path: Path) -> None:
    """An endpoint that needs nine seconds a device gets everything, while devices come and go."""
    plan = replace(
        hours(seed), slow_endpoint_s=9.0, changes=12, poison=(), max_records=10_000, trouble=0.01
    )
    tally, _ = live(plan, tmp_path)

    assert 0 < tally.delivered["local"]
    assert {} == {sink: count for sink, count in tally.dropped.items() if count}


def test_a_seed_replays_to_the_same_log(tmp_path: Path) -> None:
    """Twice the same seed is twice the same life, to the last event."""
    first, second = (live(hours(99), tmp_path / name)[1].world for name in ("first", "second"))

    assert first.digest == second.digest
    assert first.log == second.log


def test_another_seed_is_another_life(tmp_path: Path) -> None:
    """The digest would show it if the faults were not drawn at all."""
    first, second = (live(hours(seed), tmp_path / str(seed))[1].world for seed in (5, 6))

    assert first.digest != second.digest


def test_poisoned_records_are_set_aside_and_everything_else_arrives(tmp_path: Path) -> None:
    """An endpoint that refuses three records for ever gets all the others; three are kept."""
    tally, life = live(hours(3), tmp_path)

    assert 3 == len(life.clouds[1].poison)
    assert tally.quarantined.get("local", 0) <= 3
    assert tally.missing["local"] <= 3 + len(EVERY_TEMPER) * 8


@pytest.mark.timeout(900)
def test_a_month_with_a_full_disk_and_the_cloud_away_for_twenty_days(tmp_path: Path) -> None:
    """What a full disk made retention drop is counted; nothing else is missing anywhere."""
    plan = Plan(
        seed=2026,
        tempers=EVERY_TEMPER,
        interval_s=30.0,
        commit_s=30.0,
        duration_s=30 * DAY_S,
        publish_s=300.0,
        crashes=8,
        away=((5 * DAY_S, 25 * DAY_S),),
        max_pages=15_000,
        clock_steps=20,
        unsynced_starts=0.5,
        requests=300,
        poison=(1_000,),
        slow_disk=(3 * DAY_S,),
    )
    tally, _ = live(plan, tmp_path)

    assert 600_000 < tally.accepted
    assert 0 < tally.dropped["cloud"]
    assert 0 == tally.dropped.get("local", 0)


@pytest.mark.timeout(600)
def test_a_day_at_one_second(tmp_path: Path) -> None:
    """86,400 beats of each device; the healthy ones miss none while others sleep and stumble."""
    plan = Plan(
        seed=86_400,
        tempers=(Temper.HEALTHY, Temper.HEALTHY, Temper.FLAKY, Temper.SLEEPER),
        interval_s=1.0,
        commit_s=1.0,
        duration_s=DAY_S,
        publish_s=10.0,
        crashes=2,
        away=((6 * HOUR_S, 8 * HOUR_S),),
        clock_steps=6,
        unsynced_starts=0.5,
        requests=100,
    )
    tally, _ = live(plan, tmp_path)

    assert 200_000 < tally.accepted
    assert {} == {sink: count for sink, count in tally.dropped.items() if count}
