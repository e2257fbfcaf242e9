"""The gateway as one machine: what begins with it, and what changes while it runs."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.engine.inbox import Inbox
from server.engine.modes import Mode
from server.engine.task import Done, Kind
from server.errors import Busy, SinkUnavailable
from server.gateway import (
    CLOSE_AT_MOST_S,
    FIRST_PRUNE_S,
    MAX_KEPT_PLACES,
    SPREAD_FROM_DEVICES,
    SPREAD_S,
    Counter,
)
from server.ledger.trial import LAST_WORDS_S, TRIAL_LEAST_S, TRIAL_S, Trial
from server.model.cursor import Cursor
from server.model.delivery import Ack, Batch
from server.model.device import Account, Endpoint, LinkState
from server.model.release import Attempt, Release
from server.model.request import AddDevice, ChangeSettings, DismissNotice, RemoveDevice
from server.tasks.connect_device import TryLink
from server.tasks.stop_gateway import DRAIN_AT_MOST_S, STOP_AT_MOST_S, StopGateway
from server_unit_test.boxes import EARLIER_BOOT, START, Box, box_in
from server_unit_test.contracts.fake_sink import FakeSink
from server_unit_test.contracts.fake_transport import FakeTransport
from server_unit_test.engine.puppet import Puppet
from server_unit_test.tasks.houses import ENDPOINT, config_of

RENAME = ChangeSettings({"name": "x"})
"""A change that brings devices and sinks in line with the settings."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A gateway with nothing configured."""
    with box_in(tmp_path) as built:
        yield built
        assert [] == built.bugs


class HangingSink(FakeSink):
    """Takes for ever, in virtual time."""

    def __init__(self, box: Box) -> None:
        super().__init__()
        self._box = box

    def publish(self, batch: Batch) -> Ack:
        """Never answers."""
        self._box.world.spend(math.inf)
        raise SinkUnavailable("never seen")


# -- the ordinary life -------------------------------------------------------------------------


def test_readings_travel_from_device_to_sink(box: Box) -> None:
    """Connected, polled on the grid, committed, delivered."""
    box.devices(config_of("a", interval_s=1.0))
    sink = box.sink()
    box.begin()

    box.until(10.0)

    snapshot = box.gateway.board.snapshot()
    (device,), (view,) = snapshot.devices, snapshot.sinks
    assert (LinkState.ONLINE, "running") == (device.state, snapshot.gateway.mode)
    assert 10 <= snapshot.store.accepted <= 12
    assert [each.record.sequence for each in sink.taken] == [*range(1, len(sink.taken) + 1)]
    assert view.delivered == len(sink.taken) >= 8


def test_a_box_without_devices_waits_to_be_commissioned(box: Box) -> None:
    """The page says so from the first moment, and is drawn anew every second."""
    box.begin()
    first = box.gateway.board.snapshot()

    box.until(3.0)

    later = box.gateway.board.snapshot()
    assert "commissioning" == first.gateway.mode
    assert 3 <= later.version - first.version <= 4


def test_the_disk_is_looked_at_soon_after_the_start(box: Box) -> None:
    """Links and first readings go first."""
    box.begin()
    box.until(FIRST_PRUNE_S - 0.5)
    before = box.home.house.disk.free_bytes

    box.until(2.0)

    assert 0 == before < box.home.house.disk.free_bytes


def test_many_links_are_not_opened_all_at_once(box: Box) -> None:
    """From some devices on the first tries are spread; a few are tried at once."""
    many = [config_of(f"d{number}") for number in range(SPREAD_FROM_DEVICES)]
    few = many[: SPREAD_FROM_DEVICES - 1]
    box.devices(*few)
    at_once = [each.at - box.now for each in box.gateway.reconfigured(box.now)]
    box.devices()
    box.gateway.reconfigured(box.now)
    draws = iter(number / len(many) for number in range(len(many)))
    box.home.house.draw = lambda: next(draws)
    box.devices(*many)

    tries = [each for each in box.gateway.reconfigured(box.now) if isinstance(each.task, TryLink)]

    assert {0.0} == set(at_once)
    assert len(many) == len({each.at for each in tries})
    assert all(0 <= each.at - box.now < SPREAD_S for each in tries)


# -- devices while it runs ---------------------------------------------------------------------


def test_a_device_is_added_and_removed_while_it_runs(box: Box) -> None:
    """Polled from then on; afterwards its session is given back and nothing is asked any more."""
    box.begin()
    added = box.ask(AddDevice(ENDPOINT, 1, "simulated", "Roof", 1.0))
    box.until(3.0)
    polled = box.gateway.board.snapshot().devices[0].polls

    box.ask(RemoveDevice(added.device_id))
    asked = len(box.home.transport.requests)
    box.until(5.0)

    assert 3 <= polled <= 5
    assert (asked, False) == (len(box.home.transport.requests), box.home.transport.connected)
    assert () == box.gateway.board.snapshot().devices
    assert "commissioning" == box.gateway.board.snapshot().gateway.mode


def test_what_was_learned_of_a_host_goes_with_its_last_device(box: Box) -> None:
    """A change of a device, or another one behind the same host, is no reason to forget it."""
    forgotten: list[str] = []
    house = box.home.house
    house.adapters = replace(house.adapters, forget_host=forgotten.append)
    box.devices(config_of("a"), config_of("b", unit_id=2))
    box.begin()
    house.settings = house.settings.with_devices([config_of("a", interval_s=7.0)])
    box.ask(RENAME)
    box.until(1.0)
    kept = [*forgotten]

    box.ask(RemoveDevice("a"))
    box.until(2.0)

    assert ([], [ENDPOINT.host]) == (kept, forgotten)


def test_a_device_that_is_unchanged_is_left_alone(box: Box) -> None:
    """Another setting, another device: its link and its grid go on."""
    box.devices(config_of("a"))
    box.begin()
    device = box.home.house.plant.devices["a"]

    box.ask(RENAME)
    box.ask(AddDevice(Endpoint("modbus_tcp", "10.0.0.2", 502), 1, "simulated"))

    assert device is box.home.house.plant.devices["a"]
    assert (LinkState.ONLINE, 2) == (device.link.state, len(box.home.house.plant.devices))


def test_a_device_that_is_changed_begins_anew(box: Box) -> None:
    """A new interval is a new grid; the old polls end."""
    box.devices(config_of("a", interval_s=1.0))
    box.begin()
    box.home.house.settings = box.home.house.settings.with_devices(
        [config_of("a", interval_s=100.0)]
    )
    box.ask(RENAME)
    box.until(1.0)
    asked = len(box.home.transport.requests)

    box.until(30.0)

    assert LinkState.ONLINE is box.home.house.plant.devices["a"].link.state
    assert asked == len(box.home.transport.requests)


def test_a_serial_that_was_learned_is_no_change(box: Box) -> None:
    """The settings do not know it; one that differs means another device."""
    box.devices(config_of("a"))
    box.begin()
    device = box.home.house.plant.devices["a"]
    device.config = replace(device.config, serial="A1", model="M1")
    box.ask(RENAME)
    kept = box.home.house.plant.devices["a"]

    box.home.house.settings = box.home.house.settings.with_devices([config_of("a", serial="B2")])
    box.ask(ChangeSettings({"name": "y"}))

    assert kept is device
    assert device is not box.home.house.plant.devices["a"]


def test_removing_a_device_takes_its_notice_down(box: Box) -> None:
    """What is wrong with something that is gone concerns nobody."""
    box.devices(config_of("a", profile="no_such"))
    box.begin()
    told = [each.key for each in box.home.house.notices.shown()]

    box.ask(RemoveDevice("a"))

    assert ["device a"] == told
    assert () == box.gateway.board.snapshot().notices


# -- sinks -------------------------------------------------------------------------------------


def test_a_known_sink_goes_on_at_its_cursor(tmp_path: Path) -> None:
    """What an earlier start delivered is not sent again, and what it quarantined is still known."""
    with box_in(tmp_path, stored={"sink": Cursor(6)}, quarantined={"sink": 2}) as box:
        box.fill(8)
        sink = box.sink()
        box.begin()

        box.until(2.0)

        assert [(EARLIER_BOOT, 7), (EARLIER_BOOT, 8)] == sink.identities
        assert 2 == box.gateway.board.snapshot().sinks[0].quarantined


@pytest.mark.parametrize(("history", "expected"), [(False, 0), (True, 8)])
def test_a_new_sink_starts_now_or_with_all_history(box: Box, history: bool, expected: int) -> None:
    """As its owner asked; its cursor is on disk at once, so that a restart does not forget it."""
    box.fill(8)
    sink = box.sink(history=history)
    box.begin()

    box.until(3.0)

    assert expected == len(sink.taken)
    assert {"sink": Cursor(8)} == box.home.opened.writer.cursors


def test_a_sink_that_is_not_configured_at_a_start_keeps_its_place(tmp_path: Path) -> None:
    """Broken settings or a missing variable cost it nothing: back again, it gets its backlog."""
    with box_in(tmp_path, stored={"gone": Cursor(1)}) as box:
        box.fill(8)
        box.home.opened.writer.commit([], {"gone": Cursor(1)})
        box.begin()
        kept = dict(box.home.opened.writer.cursors)
        told = [each.text for each in box.home.house.notices.shown()]

        sink = box.sink("gone")
        box.ask(RENAME)
        box.until(3.0)

        assert {"gone": Cursor(1)} == kept
        assert any("its place is kept" in each for each in told)
        assert 7 == len(sink.taken)
        assert {"gone": Cursor(8)} == box.home.opened.writer.cursors


def test_places_that_are_kept_are_bounded(tmp_path: Path) -> None:
    """Those furthest behind go first."""
    stored = {f"gone{number:02}": Cursor(number) for number in range(MAX_KEPT_PLACES + 2)}
    with box_in(tmp_path, stored=dict(stored)) as box:
        box.home.opened.writer.commit([], stored)
        box.begin()
        box.until(3.0)

        kept = box.home.opened.writer.cursors

    assert MAX_KEPT_PLACES == len(kept)
    assert not {"gone00", "gone01"} & set(kept)


def test_a_sink_is_added_and_removed_while_it_runs(box: Box) -> None:
    """Removed, it is closed on its lane and its cursor goes."""
    box.devices(config_of("a", interval_s=1.0))
    box.begin()
    sink = box.sink()
    box.ask(RENAME)
    box.until(5.0)
    taken = len(sink.taken)

    box.home.sinks.clear()
    box.ask(ChangeSettings({"name": "y"}))
    box.until(5.0)

    assert 3 <= taken == len(sink.taken)
    assert (True, {}, ()) == (
        sink.closed,
        box.home.opened.writer.cursors,
        box.gateway.board.snapshot().sinks,
    )


@pytest.mark.parametrize(
    "change",
    [{"interval_s": 2.0}, {"batch_records": 3}, {"timeout_s": 3.0}, {"target": "http://b"}],
)
def test_a_sink_that_is_changed_goes_on_at_its_cursor(box: Box, change: dict[str, Any]) -> None:
    """It is fed by its new settings at once; nothing is sent twice and nothing is left out."""
    box.fill(8)
    old = box.sink(history=True)
    box.begin()
    box.until(2.0)
    box.devices(config_of("a", interval_s=1.0))

    new = box.sink("sink", history=True, **change)
    box.ask(RENAME)
    box.until(6.0)

    assert (8, True) == (len(old.taken), old.closed)
    positions = [stored.position for stored in (*old.taken, *new.taken)]
    assert [*range(1, len(positions) + 1)] == positions
    assert 11 <= len(positions)


def test_a_sink_that_is_unchanged_is_left_alone(box: Box) -> None:
    """Whoever renames the box does not disturb its deliveries."""
    sink = box.sink()
    box.begin()
    box.home.sinks["sink"] = replace(box.home.sinks["sink"], history=True)  # type: ignore[type-var]

    box.ask(RENAME)

    assert not sink.closed


# -- looking -----------------------------------------------------------------------------------


def test_a_change_of_mode_is_counted_and_ranks_anew(box: Box) -> None:
    """Offline while no sink answers; what is ready is reordered by the new ranks."""
    box.devices(config_of("a", interval_s=1.0))
    sink = box.sink()
    box.begin()
    box.until(3.0)
    before = box.home.house.mode, box.home.house.mode_changes
    sink.fail_next(*[SinkUnavailable("away")] * 3)

    box.until(2.5)

    house = box.home.house
    assert (Mode.RUNNING, Mode.OFFLINE) == (before[0], house.mode)
    assert before[1] + 1 == house.mode_changes
    assert house.mode_since_ms > box.gateway.board.snapshot().at_ms - 3_000


def test_commits_are_shown_at_once_to_whoever_watches(box: Box) -> None:
    """Without an audience nothing is drawn in between."""
    box.begin()
    version = box.gateway.board.snapshot().version
    box.gateway.committed(box.now)
    unwatched = box.gateway.board.snapshot().version
    leave = box.gateway.board.subscribe(lambda: None)

    box.gateway.committed(box.now)
    leave()

    assert (version, version + 1) == (unwatched, box.gateway.board.snapshot().version)


def test_the_engines_figures_are_in_the_picture(box: Box) -> None:
    """With how often it woke, and what waits at its door."""
    before = box.gateway.statistics(box.now)
    box.begin()

    figures = box.gateway.board.snapshot().engine

    assert 0 == before.wakeups < figures.wakeups + 1
    assert 4 <= figures.queued + figures.ready + figures.running
    assert (0, 0) == (figures.inbox, figures.inbox_refused)


def test_a_bug_is_told_to_the_owner_and_the_rest_goes_on(tmp_path: Path) -> None:
    """What a task raised that it must not becomes a notice, once, however often it happens."""

    def broken(now: float) -> Done:
        raise ZeroDivisionError("by zero")

    with box_in(tmp_path) as box:
        box.begin()
        box.inbox.put(Puppet(kind=Kind.HOUSEKEEPING, then=broken))

        box.until(10.0)

        (notice,) = box.gateway.board.snapshot().notices
        assert "(Puppet, settle: ZeroDivisionError: by zero)" in notice.text
        assert notice.count == len(box.bugs) > 2
        assert box.gateway.board.snapshot().engine.bugs == len(box.bugs)


def test_the_counter_hands_requests_in_and_snapshots_out(box: Box) -> None:
    """A full inbox is said at once; a subscription is the board's."""
    counter = Counter(box.gateway, Inbox(limit=1))
    reply = counter.ask(DismissNotice(1))
    seen: list[int] = []

    with pytest.raises(Busy):
        counter.ask(DismissNotice(1))

    leave = counter.subscribe(lambda: seen.append(counter.snapshot().version))
    box.gateway.publish(box.now)
    leave()
    assert not reply.done()
    assert [box.gateway.board.snapshot().version] == seen


# -- the end -----------------------------------------------------------------------------------


def stop(box: Box) -> list[float]:
    """Ask for a stop; the list holds the moment at which it was finished."""
    finished: list[float] = []
    gateway = box.gateway
    gateway.stop(box.now)
    task = StopGateway(
        gateway.house,
        box.now,
        gateway.engine.in_flight,
        gateway.break_off,
        gateway.last_commit,
        lambda: finished.append(box.now),
    )
    gateway.engine.submit(task, box.now)
    return finished


def test_a_stop_commits_what_is_in_memory_and_starts_nothing_new(box: Box) -> None:
    """Readings and cursors are on disk; no poll begins any more."""
    box.home.house.settings = box.home.house.settings.changed({"store": {"commit_interval_s": 60}})
    box.devices(config_of("a", interval_s=1.0))
    box.begin()
    box.until(5.0)
    before = box.home.house.buffer.accepted, len(box.home.house.buffer)

    finished = stop(box)
    asked = len(box.home.transport.requests)
    box.until(3.0)

    assert 1 == len(finished) and before[1] > 0
    assert (sum(before), 0) == (box.home.house.buffer.accepted, len(box.home.house.buffer))
    assert asked == len(box.home.transport.requests)
    assert Mode.STOPPING is box.home.house.mode


def test_a_stop_breaks_off_what_hangs(box: Box) -> None:
    """A device and a sink that never answer are aborted after their time; others are not."""
    box.fill(1)
    sink = HangingSink(box)
    box.sink(history=True)
    box.home.sinks["sink"] = replace(box.home.sinks["sink"], sink=sink)  # type: ignore[type-var]
    idle = box.sink("idle")
    box.begin()
    box.until(2.0)
    began = box.now

    finished = stop(box)
    box.until(STOP_AT_MOST_S)

    assert 1 == len(finished)
    assert DRAIN_AT_MOST_S <= finished[0] - began <= STOP_AT_MOST_S
    assert (1, 0) == (sink.aborts, idle.aborts)


def test_a_device_in_flight_is_broken_off(box: Box) -> None:
    """Its lane is busy, so its session is closed from outside."""
    box.devices(config_of("a", interval_s=1.0))
    box.begin()
    real = box.home.transport.open

    def hang() -> None:
        box.world.spend(math.inf)
        real()

    box.home.transport.open = hang  # type: ignore[method-assign]  # a cable in a test's hands
    box.until(2.0)

    box.gateway.break_off()

    assert 1 == box.home.transport.aborts


def test_closing_gives_every_session_back(box: Box) -> None:
    """Devices and sinks alike."""
    box.devices(config_of("a"))
    sink = box.sink()
    box.begin()
    before = box.home.transport.connected

    box.gateway.close()

    assert (True, False, True) == (before, box.home.transport.connected, sink.closed)


def test_a_stuck_lane_keeps_its_own_session_alone(box: Box) -> None:
    """A call that never came back must not cost a dongle its farewell."""
    box.devices(config_of("a"))
    box.begin()

    box.gateway.close([ENDPOINT.lane])
    kept = box.home.transport.connected
    box.gateway.close(["another"])

    assert (True, False) == (kept, box.home.transport.connected)


def test_the_session_of_a_search_is_given_back_as_well(box: Box) -> None:
    """It was broken off by the stop."""
    guest = FakeTransport()
    guest.open()
    box.home.house.guests["winet:10.0.0.9:443"] = guest

    box.gateway.close()

    assert not guest.connected


def test_farewells_take_a_bounded_time(box: Box) -> None:
    """After CLOSE_AT_MOST_S the rest is broken off before it is closed."""

    class Slow(FakeTransport):
        """Takes its time over a farewell."""

        def close(self) -> None:
            """As long as all may take together."""
            box.world.now += CLOSE_AT_MOST_S
            super().close()

    slow = [Slow() for _ in range(3)]
    box.home.house.guests.update({f"lane {n}": each for n, each in enumerate(slow)})

    box.gateway.close()

    assert [0, 1, 1] == [each.aborts for each in slow]


def test_a_changed_account_rebuilds_the_session(box: Box) -> None:
    """For all behind the endpoint, because they share it; an unchanged one goes on."""
    other = config_of("c", endpoint=Endpoint("modbus_tcp", "10.0.0.2", 502))
    box.devices(config_of("a"), config_of("b", unit_id=2), other)
    box.begin()
    house = box.home.house
    before = {key: each.transport for key, each in house.plant.devices.items()}
    changed = config_of("b", unit_id=2, user="owner", password="s3cret")
    house.settings = house.settings.with_devices([config_of("a"), changed, other])
    opened: list[Account] = []
    open_before = house.plant._open_transport
    house.plant._open_transport = lambda endpoint, account: (
        opened.append(account),
        open_before(endpoint, account),
    )[1]
    box.ask(RENAME)
    after = {key: each.transport for key, each in house.plant.devices.items()}

    assert [Account("owner", "s3cret")] == opened
    assert before["a"] is not after["a"] is after["b"]
    assert before["c"] is after["c"]


# -- a version on trial ------------------------------------------------------------------------


def put_on_trial(box: Box, *devices: str) -> list[float]:
    """Run another version than the proven one; returns when it ends the process."""
    house, ended = box.home.house, list[float]()
    house.trial = Trial(Release("1", "2", Attempt("2", 0, 1, devices)))
    house.give_up = lambda: ended.append(box.now - START)
    return ended


def test_a_version_that_reads_and_delivers_is_proven(box: Box) -> None:
    """A minute after the start, and the box is healthy all the time."""
    box.devices(config_of("a"))
    box.sink()
    ended = put_on_trial(box, "a")
    box.begin()
    box.until(TRIAL_LEAST_S + 10)

    assert box.home.house.trial.is_proven()
    assert ([], True) == (ended, box.gateway.board.snapshot().gateway.healthy)


def test_a_version_that_cannot_read_makes_the_box_unhealthy_and_ends(box: Box) -> None:
    """With the reason, after TRIAL_S; readings of others are taken meanwhile."""
    box.home.transport.reachable = False
    box.devices(config_of("a"))
    ended = put_on_trial(box, "a")
    box.begin()
    box.until(TRIAL_S - 30)
    before = box.gateway.board.snapshot().gateway
    box.until(60)
    after = box.gateway.board.snapshot().gateway

    assert (True, False) == (before.healthy, after.healthy)
    assert "version 2 has not proved itself: it has not read Device a" in after.health
    assert [True] == [TRIAL_S + LAST_WORDS_S <= each < TRIAL_S + 30 for each in ended]


def test_a_version_without_a_network_is_proven_by_reading(box: Box) -> None:
    """After TRIAL_S, and not before."""
    box.devices(config_of("a"))
    box.sink().fail_next(*[SinkUnavailable("no route")] * 1000)
    ended = put_on_trial(box, "a")
    box.begin()
    box.until(TRIAL_S - 30)
    before = box.home.house.trial.is_proven()
    box.until(60)

    assert (False, True, []) == (before, box.home.house.trial.is_proven(), ended)
