"""One device on its grid."""

from server.devices.plant import Device
from server.engine.task import Again, Done
from server.errors import DeviceTimeout
from server.model.device import LinkState
from server.model.reading import ClockQuality
from server.tasks.connect_device import ConnectDevice, TryLink, retry
from server.tasks.poll_device import POLL_BUDGET_S, SLACK_MAX_S, PollDevice
from server_unit_test.tasks.houses import Home, Still, only, run, work

NOW = 1000.0


def online(home: Home, interval_s: float = 10.0) -> tuple[Device, PollDevice]:
    """A connected device and its poll."""
    device = home.device(interval_s=interval_s)
    run(TryLink(home.house, device), NOW)
    verdict = run(ConnectDevice(home.house, device), NOW)
    assert isinstance(verdict, Done)
    task = verdict.then[-1].task
    assert isinstance(task, PollDevice)
    return device, task


def test_a_reading_reaches_the_buffer_and_the_latest_values(home: Home) -> None:
    """Values decoded, raw words beside them, stamped with all three clocks."""
    device, task = online(home)

    run(task, NOW)

    assert device.latest is not None
    assert 7 == device.latest.words[105]
    assert home.clock.utc_ms() == device.latest.taken_at_ms
    (record,) = home.house.buffer.freeze()
    assert device.latest is record.reading


def test_beats_keep_to_the_grid_and_missed_ones_are_counted(home: Home) -> None:
    """However late a poll comes back, the next one is on the device's own grid."""
    device, task = online(home)
    first = run(task, NOW)
    assert isinstance(first, Again)

    late = run(task, first.at + 25.0)

    assert isinstance(late, Again)
    assert (2, 2) == (late.missed, device.missed)
    assert 0.0 == (late.at - first.at) % 10.0
    assert POLL_BUDGET_S == task.budget_s and task.slack_s <= SLACK_MAX_S


def test_a_failure_hands_over_to_the_link(home: Home) -> None:
    """One failed poll: the device is retrying, and its link is tried again."""
    device, task = online(home)
    home.transport.faults.append(DeviceTimeout("no answer in 3 s"))

    verdict = run(task, NOW)

    assert isinstance(verdict, Done)
    assert isinstance(only(verdict.then).task, TryLink)
    assert (LinkState.RETRYING, "no answer in 3 s") == (device.link.state, device.link.error)
    assert (1, 0) == (device.failures, len(home.house.buffer))


def test_a_preempted_poll_goes_on_where_it_stopped(home: Home) -> None:
    """A command goes between two frames; no frame is read twice."""
    device, task = online(home)
    before = len(home.transport.requests)
    lane = Still()
    lane.preempting = True
    paused = task.settle(work(task, lane), NOW)
    lane.preempting = False

    assert Again(NOW) == paused
    finished = run(task, NOW, lane)

    assert isinstance(finished, Again) and finished.at > NOW
    assert 1 == device.polls
    frames = home.transport.requests[before:]
    assert 2 == len(frames) == len(set(frames))


def test_two_readings_never_share_a_millisecond(home: Home) -> None:
    """A clock that stands still moves the second reading on by one."""
    device, task = online(home)
    run(task, NOW)
    run(task, NOW)

    first, second = home.house.buffer.freeze()

    assert first.reading.taken_at_ms + 1 == second.reading.taken_at_ms


def test_a_reading_begun_before_the_clock_was_set_is_corrected(home: Home) -> None:
    """What was sampled unsynced and settles afterwards gets its true time at once."""
    _, task = online(home)
    home.clock.set_quality(ClockQuality.UNSYNCED)
    outcome = work(task)
    home.house.epoch_ms = 1_800_000_000_000

    task.settle(outcome, NOW)

    (record,) = home.house.buffer.freeze()
    assert 1_800_000_000_000 + record.reading.uptime_ms == record.reading.taken_at_ms
    assert ClockQuality.CORRECTED is record.reading.clock


def test_a_removed_device_leaves_nothing_behind(home: Home) -> None:
    """An outcome that comes after the removal is dropped."""
    device, task = online(home)
    outcome = work(task)
    device.link.state = LinkState.REMOVED

    assert Done() == task.settle(outcome, NOW)
    assert 0 == len(home.house.buffer)


def test_a_removed_device_is_not_asked_again(home: Home) -> None:
    """Its session was given back; the beat that was waiting already must not open it anew."""
    device, task = online(home)
    _, session = home.house.plant.remove("a")
    assert session is not None
    device.link.state = LinkState.REMOVED
    session.close()

    assert Done() == run(task, NOW)
    assert not home.transport.connected


def test_failures_grow_into_sleep_and_a_success_wakes_it(home: Home) -> None:
    """After eight failures in a row the device counts as asleep; one reading ends the streak."""
    device, _ = online(home)
    for attempt in range(8):
        if attempt:
            run(TryLink(home.house, device), NOW)
        retry(home.house, device, DeviceTimeout("dark"), NOW)
    assert LinkState.ASLEEP is device.link.state

    run(TryLink(home.house, device), NOW)
    verdict = run(ConnectDevice(home.house, device), NOW)
    assert isinstance(verdict, Done)
    assert 8 == device.link.failures
    run(verdict.then[-1].task, NOW)

    assert (LinkState.ONLINE, 0, "") == (device.link.state, device.link.failures, device.link.error)
