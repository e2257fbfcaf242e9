"""Real threads: one a lane, one call each, replaced when left behind."""

import threading
from collections.abc import Iterator

import pytest

from server.engine.decisions import Start
from server.engine.inbox import Completion, Inbox
from server.engine.lanes import STACK_BYTES, Lanes
from server.engine.runner import perform
from server.engine.task import Failed, LaneView, Ok
from server.errors import DeviceTimeout
from server_unit_test.engine.puppet import Puppet

PATIENCE_S = 30.0


@pytest.fixture
def inbox() -> Inbox:
    """Where outcomes arrive."""
    return Inbox()


@pytest.fixture
def lanes(inbox: Inbox) -> Iterator[Lanes]:
    """Lanes that nothing preempts."""
    subject = Lanes(inbox, perform, lambda lane: lane == "busy")
    yield subject
    subject.close()


def test_work_runs_on_its_lanes_own_thread(inbox: Inbox, lanes: Lanes) -> None:
    """Each lane has a thread of its own, which it keeps."""
    seen: list[str] = []

    def note(view: LaneView) -> None:
        seen.append(threading.current_thread().name)

    for lane in ("a", "b", "a"):
        lanes.start(Start(lane, 0, Puppet(lane=lane, work=note)))
        inbox.wait(PATIENCE_S)

    assert ["lane a", "lane b", "lane a"] == seen


def test_what_work_returns_or_raises_comes_back_as_a_value(inbox: Inbox, lanes: Lanes) -> None:
    """Nothing that work does can end the thread."""
    error = DeviceTimeout("no answer")

    def fail(view: LaneView) -> object:
        raise error

    lanes.start(Start("a", 7, Puppet(work=lambda view: 42)))
    (first,) = inbox.wait(PATIENCE_S)[0]
    lanes.start(Start("a", 8, Puppet(work=fail)))
    (second,) = inbox.wait(PATIENCE_S)[0]

    assert (7, Ok(42)) == (first.generation, first.outcome)
    assert (8, Failed(error)) == (second.generation, second.outcome)


def test_work_may_ask_whether_it_is_preempted(inbox: Inbox, lanes: Lanes) -> None:
    """The view of a lane passes the engine's hint on."""
    for lane in ("busy", "idle"):
        lanes.start(Start(lane, 0, Puppet(work=lambda view: view.preempted())))
    outcomes: dict[str, object] = {}
    while len(outcomes) < 2:
        for each in inbox.wait(PATIENCE_S)[0]:
            assert isinstance(each.outcome, Ok)
            outcomes[each.lane] = each.outcome.value

    assert {"busy": True, "idle": False} == outcomes


def test_a_replaced_thread_leaves_its_lane_to_a_new_one(inbox: Inbox, lanes: Lanes) -> None:
    """While one thread hangs in its call, the lane goes on with another."""
    release = threading.Event()
    lanes.start(Start("a", 0, Puppet(work=lambda view: release.wait(PATIENCE_S))))
    lanes.replace("a")
    lanes.start(Start("a", 2, Puppet(work=lambda view: "fresh")))

    (came,) = inbox.wait(PATIENCE_S)[0]
    release.set()
    (late,) = inbox.wait(PATIENCE_S)[0]

    assert (2, Ok("fresh")) == (came.generation, came.outcome)
    assert 0 == late.generation


class EagerInbox(Inbox):
    """Hands the next call over from within `complete`, before the thread can look up."""

    def __init__(self, calls: list[Start]) -> None:
        super().__init__()
        self.lanes: Lanes | None = None
        self._calls = calls

    def complete(self, completion: Completion) -> None:
        """The engine may be that quick: completion in, next call out."""
        super().complete(completion)
        if self._calls and self.lanes is not None:
            self.lanes.start(self._calls.pop(0))


def test_a_call_handed_over_while_the_last_one_is_handed_in_is_not_lost() -> None:
    """Between `complete` and waiting again the thread must not touch its next call."""
    numbers = range(1, 50)
    inbox = EagerInbox([Start("a", number, Puppet()) for number in numbers])
    inbox.lanes = Lanes(inbox, perform, lambda lane: False)
    inbox.lanes.start(Start("a", 0, Puppet()))
    came: list[int] = []
    while len(came) < 50:
        completions, _ = inbox.wait(PATIENCE_S)
        assert completions, f"lost after {came}"
        came += [each.generation for each in completions]
    inbox.lanes.close()

    assert [0, *numbers] == came


def test_helper_threads_have_small_stacks() -> None:
    """A thousand lanes must fit a small box; other threads keep the default."""
    before = threading.stack_size()
    assert STACK_BYTES <= 1024 * 1024
    assert before == threading.stack_size()
