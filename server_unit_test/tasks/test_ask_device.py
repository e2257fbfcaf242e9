"""One-shot calls to a device that somebody waits for."""

import threading

from server.devices.plant import Device
from server.engine.task import Done, Failed, Ok, Outcome, Submission
from server.errors import DeviceTimeout, RegisterRefused
from server.model.device import Space
from server.model.request import PauseStep, ReadRegisters, WriteRegisters, WriteStep
from server.tasks.ask_device import (
    ASK_BUDGET_S,
    MAX_PAUSE_MS,
    MAX_WRITE_STEPS,
    CloseSession,
    ReadOnce,
    WriteOnce,
)
from server_unit_test.tasks.houses import ENDPOINT, Home, run, work

NOW = 1000.0
READ = ReadRegisters("a", Space.INPUT, 100, 2)


class Asker:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[Outcome] = []

    def finished(self, outcome: Outcome, now: float) -> tuple[Submission, ...]:
        """Nothing follows."""
        self.heard.append(outcome)
        return ()


def writing(device: Device, *steps: WriteStep | PauseStep) -> tuple[WriteOnce, Asker]:
    """Raw writes to a device."""
    asker = Asker()
    return WriteOnce(device, WriteRegisters("a", steps), asker.finished), asker


def test_words_are_read_and_handed_over(home: Home) -> None:
    """On the device's lane, within its budget."""
    asker = Asker()
    task = ReadOnce(home.device(), READ, asker.finished)

    assert Done() == run(task, NOW)

    assert [Ok((7, 7))] == asker.heard
    assert (ENDPOINT.lane, ASK_BUDGET_S) == (task.lane, task.budget_s)


def test_a_refused_read_is_handed_over_as_it_is(home: Home) -> None:
    """With the device's own code, for whoever explores registers."""
    asker = Asker()
    request = ReadRegisters("a", Space.INPUT, 5000, 1)

    run(ReadOnce(home.device(), request, asker.finished), NOW)

    (outcome,) = asker.heard
    assert isinstance(outcome, Failed) and isinstance(outcome.error, RegisterRefused)


def test_writes_go_out_in_order(home: Home) -> None:
    """Steps are written one after the other; pauses lie in between."""
    home.transport.holding.update({10: 0, 11: 0, 20: 0})
    steps = (WriteStep(10, (1, 2)), PauseStep(0), WriteStep(20, (3,)))
    task, asker = writing(home.device(), *steps)

    assert Done() == run(task, NOW)

    assert [(1, 10, (1, 2)), (1, 20, (3,))] == home.transport.writes
    assert [Ok(None)] == asker.heard
    assert len(steps) <= MAX_WRITE_STEPS


def test_the_first_failure_ends_a_sequence_of_writes(home: Home) -> None:
    """What comes after it might rely on it."""
    home.transport.faults.append(DeviceTimeout("no answer"))
    task, asker = writing(home.device(), WriteStep(10, (1,)), WriteStep(11, (2,)))

    run(task, NOW)

    assert [(1, 10, (1,))] == home.transport.writes
    assert isinstance(asker.heard[0], Failed)


def test_a_pause_is_bounded_and_counts_into_the_budget(home: Home) -> None:
    """A pause holds the device's lane, so it can be neither long nor cut off by the budget."""
    task, _ = writing(home.device(), PauseStep(2_000), PauseStep(MAX_PAUSE_MS + 1))

    assert ASK_BUDGET_S + 2.0 + MAX_PAUSE_MS / 1000 == task.budget_s


def test_a_pause_can_be_broken_off(home: Home) -> None:
    """A stop does not wait for it."""
    task, _ = writing(home.device(), PauseStep(MAX_PAUSE_MS))
    thread = threading.Thread(target=work, args=(task,))
    thread.start()

    task.abort()
    thread.join(timeout=MAX_PAUSE_MS / 1000 / 2)

    assert not thread.is_alive()
    assert 1 == home.transport.aborts


def test_a_broken_off_sequence_writes_no_more(home: Home) -> None:
    """What was broken off counts as failed: a write after it would be one that nobody expects."""
    home.transport.holding.update({10: 0})
    task, _ = writing(home.device(), PauseStep(MAX_PAUSE_MS), WriteStep(10, (1,)))
    task.abort()

    outcome = work(task)

    assert isinstance(outcome, Failed) and isinstance(outcome.error, DeviceTimeout)
    assert [] == home.transport.writes


def test_calls_can_be_broken_off(home: Home) -> None:
    """Each reaches the session."""
    device = home.device()
    for task in (
        ReadOnce(device, READ, Asker().finished),
        CloseSession(ENDPOINT.lane, device.transport),
    ):
        task.abort()

    assert 2 == home.transport.aborts


def test_a_session_is_given_back_on_its_lane(home: Home) -> None:
    """Nobody uses it any more."""
    home.transport.open()
    task = CloseSession(ENDPOINT.lane, home.transport)

    assert Done() == run(task, NOW)

    assert (False, ENDPOINT.lane) == (home.transport.connected, task.lane)
