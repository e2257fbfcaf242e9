"""Opening a link: who answers, and what follows."""

from server.devices.plant import Device
from server.engine.task import Done, Submission
from server.model.delivery import DeviceFacts
from server.model.device import LinkState
from server.tasks.connect_device import CONNECT_BUDGET_S, ConnectDevice, TryLink
from server.tasks.poll_device import PollDevice
from server_unit_test.tasks.houses import Home, only, run

NOW = 1000.0


def connect(home: Home, **changes: object) -> tuple[Device, Submission]:
    """Try a device's link once; its device and what follows."""
    device = home.device("a", **changes)
    tried = run(TryLink(home.house, device), NOW)
    assert isinstance(tried, Done)
    task = only(tried.then).task
    assert isinstance(task, ConnectDevice)
    assert CONNECT_BUDGET_S == task.budget_s
    verdict = run(task, NOW)
    assert isinstance(verdict, Done)
    return device, verdict.then[-1]


def test_a_device_that_answers_is_online_and_polled_at_once(home: Home) -> None:
    """Identified, its driver is made, and the first poll does not wait for the grid."""
    device, then = connect(home)

    assert LinkState.ONLINE is device.link.state
    assert isinstance(then.task, PollDevice) and NOW == then.at


def test_a_device_that_is_away_is_tried_again_later(home: Home) -> None:
    """No connection is an error in words, a pause, and another try."""
    home.transport.reachable = False

    device, then = connect(home)

    assert LinkState.RETRYING is device.link.state
    assert "nobody there" == device.link.error
    assert isinstance(then.task, TryLink) and NOW < then.at


def test_another_device_at_the_address_is_not_polled(home: Home) -> None:
    """The serial is part of the configuration: a foreign device's values are never taken."""
    serial = dict(enumerate((0x4132, 0x3200, 0, 0, 0, 0, 0, 0, 0, 0), 200))
    home.transport.input.update(serial)
    device, _ = connect(home, serial="A1234567890")

    assert LinkState.RETRYING is device.link.state
    assert "says it is A22, but a has been A1234567890 until now" in device.link.error
    assert 0 == len(home.house.buffer)


def test_an_unknown_profile_names_those_that_exist(home: Home) -> None:
    """A permanent error is also a notice, because a person has to act."""
    device, _ = connect(home, profile="no_such")

    assert "no profile named 'no_such'" in device.link.error
    (notice,) = home.house.notices.shown()
    assert "simulated" in notice.text


def test_a_removed_device_is_not_tried(home: Home) -> None:
    """Tasks that were queued before the removal end quietly."""
    device = home.device()
    home.house.plant.remove("a")
    device.link.state = LinkState.REMOVED

    assert Done() == run(TryLink(home.house, device), NOW)
    assert Done() == run(ConnectDevice(home.house, device), NOW)
    assert 0 == home.transport.connections


def test_aborting_breaks_the_session(home: Home) -> None:
    """The engine can end a connect that overran its budget."""
    ConnectDevice(home.house, home.device()).abort()

    assert 1 == home.transport.aborts


def test_a_machine_that_was_exchanged_is_not_read_under_the_old_ones_id(home: Home) -> None:
    """What was learned before the restart counts, also where the settings name no serial."""
    serial = dict(enumerate((0x4132, 0x3200, 0, 0, 0, 0, 0, 0, 0, 0), 200))
    home.transport.input.update(serial)
    known = DeviceFacts("a", "Roof", "simulated", "A1", "M1")
    home.house.plant.facts = {"a": known}

    device, _ = connect(home)

    assert LinkState.RETRYING is device.link.state
    assert "a has been A1 until now" in device.link.error
