"""Mode and health, judged from facts alone."""

from dataclasses import replace

import pytest

from server.devices.link_table import LinkEvent
from server.devices.plant import Device
from server.engine.engine import Engine
from server.engine.modes import RANKS, Facts, Mode, mode_of
from server.errors import SinkUnavailable
from server.ledger.house import DATABASE_LANE
from server.ledger.review import (
    COMMIT_STALL_S,
    POLL_STALL_INTERVALS,
    POLL_STALL_S,
    STARTING_AT_MOST_S,
    facts_now,
    unhealthy,
)
from server.model.cursor import Span
from server.model.statistics import LaneStatistics, Statistics
from server_unit_test.ledger.readings import reading
from server_unit_test.tasks.houses import Home

NOW = 1000.0


def figures(*lanes: LaneStatistics) -> Statistics:
    """An engine at rest, but for these lanes."""
    engine = Engine(RANKS[Mode.RUNNING]).statistics(NOW, wakeups=0, inbox=0, inbox_refused=0)
    return replace(engine, lanes=lanes, stuck_lanes=sum(lane.stuck for lane in lanes))


def stuck(name: str) -> LaneStatistics:
    """A lane whose thread does not come back."""
    return LaneStatistics(name, "commit", 42.0, 0, 1, True)


def online(home: Home, interval_s: float = 10.0) -> Device:
    """A device whose link came up at NOW."""
    device = home.device(interval_s=interval_s)
    device.link.happened(LinkEvent.TRY, NOW, 0)
    device.link.happened(LinkEvent.CONNECTED, NOW, 0)
    return device


def test_a_house_without_devices_is_not_starting_but_to_be_commissioned(home: Home) -> None:
    """There is no link to wait for."""
    facts = facts_now(home.house, NOW)

    assert Mode.COMMISSIONING is mode_of(facts)


def test_starting_lasts_until_every_link_was_tried(home: Home) -> None:
    """A failed try is a try: a dead device does not keep the box from starting."""
    device = home.device()
    home.house.facts = before = facts_now(home.house, NOW)
    device.link.happened(LinkEvent.TRY, NOW, 0)
    home.house.facts = during = facts_now(home.house, NOW)
    device.link.failed(NOW, 0, "nobody there", 0.5)

    after = facts_now(home.house, NOW)

    assert (True, True, False) == (before.starting, during.starting, after.starting)


def test_starting_is_over_after_a_while_whatever_hangs(home: Home) -> None:
    """A connect that never comes back does not hold the mode."""
    home.device()

    just_before = facts_now(home.house, NOW + STARTING_AT_MOST_S - 0.1)
    after = facts_now(home.house, NOW + STARTING_AT_MOST_S)

    assert (True, False) == (just_before.starting, after.starting)


def test_a_device_added_later_does_not_begin_the_start_again(home: Home) -> None:
    """Starting happens once in the life of a process."""
    home.house.facts = facts_now(home.house, NOW)

    home.device()

    assert not facts_now(home.house, NOW).starting


def test_stopping_is_kept_and_sinks_are_looked_at(home: Home) -> None:
    """Facts that others set stay; the rest is what the owners say now."""
    home.house.facts = Facts(stopping=True)
    feed, _ = home.feed()
    feed.outlet.refused(Span(0, 1), SinkUnavailable("away"), NOW, 0.5)

    assert Facts(stopping=True, sink_configured=True) == facts_now(home.house, NOW)


def test_a_house_at_rest_is_healthy(home: Home) -> None:
    """Nothing to do is no fault."""
    assert "" == unhealthy(home.house, figures(), NOW + 100_000.0)


@pytest.mark.parametrize(("error", "said"), [("locked", "locked"), ("", "no answer")])
def test_readings_that_do_not_reach_the_disk_are_unhealthy(
    home: Home, error: str, said: str
) -> None:
    """With how long it has been, and what the database said."""
    home.house.buffer.add(reading(0))
    home.house.disk.error = error

    bound_s = COMMIT_STALL_S + home.house.configuration.store.commit_interval_s
    assert "" == unhealthy(home.house, figures(), NOW + bound_s)
    expected = f"no reading has reached the disk for {bound_s + 1:.0f} s: {said}"
    assert expected == unhealthy(home.house, figures(), NOW + bound_s + 1)


def test_the_first_reading_after_a_quiet_night_is_no_fault(home: Home) -> None:
    """The last commit is hours ago because there was nothing to commit."""
    home.house.buffer.add(reading(36_000))

    assert "" == unhealthy(home.house, figures(), NOW + 36_001.0)
    assert "reached the disk for 62 s" in unhealthy(home.house, figures(), NOW + 36_062.0)


def test_readings_may_wait_as_long_as_the_owner_commits_seldom(home: Home) -> None:
    """A commit a minute spares a card; a reading that waits for it is no fault."""
    home.house.settings = home.house.settings.changed({"store": {"commit_interval_s": 60}})
    home.house.buffer.add(reading(0))

    assert "" == unhealthy(home.house, figures(), NOW + 61.0)


def test_a_stuck_database_is_unhealthy(home: Home) -> None:
    """Its lane alone is enough; another stuck lane alone is not."""
    free = replace(stuck("modbus_tcp:10.0.0.1:502"), stuck=False)

    assert "" == unhealthy(home.house, figures(stuck("sink a"), free), NOW)
    assert "the database has not answered for 42 s" == unhealthy(
        home.house, figures(stuck(DATABASE_LANE), free), NOW
    )


def test_all_lanes_stuck_is_unhealthy(home: Home) -> None:
    """Nothing moves any more, whatever each one is."""
    assert "every lane is stuck" == unhealthy(home.house, figures(stuck("a"), stuck("b")), NOW)


def test_an_online_device_that_is_not_read_is_unhealthy(home: Home) -> None:
    """Online means read: silence beyond the bound is said with the device's name."""
    online(home)

    assert "" == unhealthy(home.house, figures(), NOW + POLL_STALL_S)
    expected = f"a is online but was not read for {POLL_STALL_S + 1:.0f} s"
    assert expected == unhealthy(home.house, figures(), NOW + POLL_STALL_S + 1)


def test_a_device_read_rarely_gets_several_intervals(home: Home) -> None:
    """An hourly meter is not stalled after a minute."""
    device = online(home, interval_s=3600.0)
    device.latest = reading(100)
    allowed_s = 100 + POLL_STALL_INTERVALS * 3600.0

    assert "" == unhealthy(home.house, figures(), NOW + allowed_s)
    assert "a is online" in unhealthy(home.house, figures(), NOW + allowed_s + 1)


def test_a_device_that_is_away_is_no_fault_of_the_box(home: Home) -> None:
    """A sleeping inverter leaves the box healthy."""
    device = online(home)
    device.link.failed(NOW, 0, "no answer", 0.5)

    assert "" == unhealthy(home.house, figures(), NOW + 100_000.0)
