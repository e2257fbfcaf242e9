"""The house: arithmetic on its clock, and one set of settings that counts."""

from server.devices.plant import Moment
from server.engine.modes import Mode
from server.ledger.house import SNAPSHOT_EVERY_S
from server.model.reading import ClockQuality
from server_unit_test.contracts.fake_clock import START_MS
from server_unit_test.tasks.houses import Home


def test_uptime_counts_from_the_start_in_milliseconds(home: Home) -> None:
    """Monotonic seconds become uptime; the wall clock has no part in it."""
    started = home.house.started
    home.clock.step(5_000)

    assert (0, 1_500) == (home.house.uptime_ms(started), home.house.uptime_ms(started + 1.5))


def test_a_moment_holds_all_three_clocks(home: Home) -> None:
    """Wall clock, uptime, and how far the wall clock is to be trusted."""
    home.clock.advance(2.0)
    home.clock.set_quality(ClockQuality.UNSYNCED)

    assert Moment(START_MS + 2_000, 2_000, ClockQuality.UNSYNCED) == home.house.moment()


def test_the_settings_that_count_are_the_newest(home: Home) -> None:
    """Replacing the settings replaces the configuration everywhere."""
    home.house.settings = home.house.settings.changed({"name": "Cellar"})

    assert "Cellar" == home.house.configuration.name


def test_a_house_begins_as_starting_and_is_drawn_every_second(home: Home) -> None:
    """Until links were tried nothing else is known; page and mode are a second old at most."""
    assert (Mode.STARTING, SNAPSHOT_EVERY_S) == (home.house.mode, home.house.snapshot_every_s)
    assert 1.0 >= SNAPSHOT_EVERY_S
