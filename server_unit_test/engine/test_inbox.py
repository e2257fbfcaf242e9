"""The one way in: bounded for requests, never for completions, and it wakes the engine."""

import threading

import pytest

from server.engine.inbox import MAX_INBOX, Completion, Inbox
from server.engine.task import Ok
from server.errors import Busy
from server_unit_test.engine.puppet import Puppet


def test_a_full_inbox_refuses_tasks_and_still_takes_completions() -> None:
    """MAX_INBOX requests may wait; a lane's outcome is always taken."""
    inbox = Inbox()
    for _ in range(MAX_INBOX):
        inbox.put(Puppet())

    with pytest.raises(Busy, match="try again"):
        inbox.put(Puppet())
    inbox.complete(Completion("a", 0, Ok(None)))

    completions, tasks = inbox.wait(0.0)
    assert (1, MAX_INBOX, 1) == (len(completions), len(tasks), inbox.refused)
    assert 0 == len(inbox)


def test_waiting_ends_when_something_comes_in() -> None:
    """Another thread's hand-in wakes the engine thread long before the timeout."""
    inbox = Inbox()
    giver = threading.Thread(target=lambda: inbox.put(Puppet("from outside")))
    giver.start()

    _, tasks = inbox.wait(30.0)
    giver.join()

    assert 1 == len(tasks)


def test_a_bell_rung_twice_wakes_once_and_loses_nothing() -> None:
    """Ringing is idempotent, as a signal handler needs it."""
    inbox = Inbox()
    inbox.ring()
    inbox.ring()

    assert ([], []) == inbox.wait(30.0)
    inbox.put(Puppet())
    assert 1 == len(inbox.wait(30.0)[1])


def test_a_timeout_in_the_past_does_not_wait() -> None:
    """Work that is overdue already is not delayed by looking."""
    assert ([], []) == Inbox().wait(-5.0)


def test_nothing_is_lost_when_many_threads_hand_in_at_once() -> None:
    """Four threads, a thousand completions: every one of them arrives exactly once."""
    inbox = Inbox()

    def give(lane: str) -> None:
        for number in range(250):
            inbox.complete(Completion(lane, number, Ok(None)))

    givers = [threading.Thread(target=give, args=(str(number),)) for number in range(4)]
    for giver in givers:
        giver.start()
    came: list[tuple[str, int]] = []
    while len(came) < 1_000:
        came += [(each.lane, each.generation) for each in inbox.wait(30.0)[0]]
    for giver in givers:
        giver.join()

    assert 1_000 == len(set(came))
