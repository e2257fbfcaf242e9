"""The engine's rules, each as a sentence; time is a number that the test passes in."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as some

from server.engine.decisions import Break, Replace, Start
from server.engine.engine import (
    BUG_CEILING_S,
    BUG_FIRST_S,
    LANE_ABANDON_S,
    MAX_ABANDONED,
    MAX_LANES,
    MAX_QUEUED,
    Engine,
)
from server.engine.modes import ALLOWED_WHILE_STOPPING, RANKS, Mode
from server.engine.runner import NOTHING
from server.engine.task import Again, Done, Grid, Kind, Submission
from server.errors import Busy
from server_unit_test.engine.puppet import Puppet

RUNNING = RANKS[Mode.RUNNING]


def engine(**options: object) -> Engine:
    """An engine in the mode `running`."""
    return Engine(RUNNING, **options)  # type: ignore[arg-type]  # passed through for brevity


def names_taken(engine: Engine, now: float) -> list[str]:
    """The lane-less tasks that are handed out at `now`, settled as they come."""
    names = []
    while (ticket := engine.take(now)) is not None:
        assert isinstance(ticket.task, Puppet)
        names.append(ticket.task.name)
        engine.settle(ticket, ticket.task.settle(NOTHING, now), now)
    return names


def starts(engine: Engine, now: float) -> list[str]:
    """The names of the tasks whose work is to be started at `now`."""
    tasks = [each.task for each in engine.due(now) if isinstance(each, Start)]
    return [each.name for each in tasks if isinstance(each, Puppet)]


def test_a_task_is_handed_out_when_it_is_due_and_not_before() -> None:
    """A lane-less task waits for its time."""
    subject = engine()
    subject.submit(Puppet("a"), 5.0)

    assert [] == names_taken(subject, 4.999)
    assert ["a"] == names_taken(subject, 5.0)


def test_due_tasks_go_by_rank_then_due_time_then_order_of_arrival() -> None:
    """Rank first, then due time, then sequence: the order is total and fair."""
    subject = engine()
    subject.submit(Puppet("prune", kind=Kind.PRUNE), 1.0)
    subject.submit(Puppet("poll late"), 3.0)
    subject.submit(Puppet("poll early"), 2.0)
    subject.submit(Puppet("poll early too"), 2.0)
    subject.submit(Puppet("command", kind=Kind.COMMAND), 4.0)

    taken = names_taken(subject, 10.0)

    assert ["command", "poll early", "poll early too", "poll late", "prune"] == taken


def test_a_task_added_while_settling_takes_its_turn_by_rank() -> None:
    """What a verdict adds overtakes what was due before, if its rank is better."""
    subject = engine()
    urgent = Puppet("urgent", kind=Kind.COMMAND)
    subject.submit(Puppet("first", then=lambda now: Done((Submission(urgent, now),))), 1.0)
    subject.submit(Puppet("second"), 2.0)

    assert ["first", "urgent", "second"] == names_taken(subject, 5.0)


def test_a_change_of_mode_rebuilds_what_is_ready() -> None:
    """In another mode another kind goes first, also among tasks that are ready already."""
    subject = engine()
    subject.submit(Puppet("publish", kind=Kind.PUBLISH), 1.0)
    subject.submit(Puppet("prune", kind=Kind.PRUNE), 1.0)
    subject.due(2.0)

    subject.rerank(RANKS[Mode.OFFLINE])

    assert ["prune", "publish"] == names_taken(subject, 2.0)


def test_while_stopping_only_allowed_kinds_start() -> None:
    """A stop lets commits and reverts through and drops everything else."""
    subject = engine()
    subject.submit(Puppet("poll"), 1.0)
    subject.submit(Puppet("poll on a lane", lane="a"), 1.0)
    subject.submit(Puppet("commit", kind=Kind.COMMIT), 1.0)

    subject.rerank(RANKS[Mode.STOPPING], ALLOWED_WHILE_STOPPING)

    assert ["commit"] == names_taken(subject, 2.0)
    assert [] == starts(subject, 2.0)


def test_a_lane_has_one_call_in_flight() -> None:
    """The second task of a lane starts only when the first one's outcome has come."""
    subject = engine()
    subject.submit(Puppet("first", lane="a"), 1.0)
    subject.submit(Puppet("second", lane="a"), 1.0)
    subject.submit(Puppet("elsewhere", lane="b"), 1.0)

    assert ["first", "elsewhere"] == starts(subject, 1.0)
    assert [] == starts(subject, 2.0)

    ticket = subject.complete("a", 0)
    assert ticket is not None
    subject.settle(ticket, Done(), 3.0)

    assert ["second"] == starts(subject, 3.0)


def test_a_command_overtakes_the_polls_that_wait_for_its_lane() -> None:
    """Among what is ready for a lane, commands go first."""
    subject = engine()
    for name in ("poll", "poll too"):
        subject.submit(Puppet(name, lane="a"), 1.0)
    assert ["poll"] == starts(subject, 1.0)
    subject.submit(Puppet("command", kind=Kind.COMMAND, lane="a"), 2.0)
    assert [] == starts(subject, 2.0)

    subject.settle(subject.complete("a", 0), Done(), 3.0)  # type: ignore[arg-type]  # it is live

    assert ["command"] == starts(subject, 3.0)


def test_a_running_poll_is_told_that_a_command_waits() -> None:
    """`preempted` is True as soon as something of better rank is due, and only then."""
    subject = engine()
    subject.submit(Puppet("poll", lane="a"), 1.0)
    subject.submit(Puppet("another poll", lane="a"), 1.0)
    subject.due(1.0)
    assert not subject.preempted("a")

    subject.submit(Puppet("command", kind=Kind.COMMAND, lane="a"), 2.0)
    subject.due(2.0)

    assert subject.preempted("a")


def test_a_call_over_its_budget_is_broken_off_and_its_answer_discarded() -> None:
    """The generation is raised, so that a late answer settles nothing; the lane is free then."""
    subject = engine()
    task = Puppet("slow", lane="a", budget_s=5.0)
    subject.submit(task, 0.0)
    subject.submit(Puppet("next", lane="a"), 0.0)
    subject.due(0.0)

    assert 5.0 == subject.next_wakeup()
    (broken,) = subject.due(5.0)
    assert isinstance(broken, Break) and broken.ticket is not None
    subject.settle(broken.ticket, Done(), 5.0)

    assert 1 == subject.statistics(6.0, wakeups=0, inbox=0, inbox_refused=0).stuck_lanes
    assert subject.complete("a", 0) is None
    assert ["next"] == starts(subject, 6.0)


def test_a_thread_that_does_not_come_back_is_replaced_within_a_bound() -> None:
    """After LANE_ABANDON_S the lane gets a new thread, at most MAX_ABANDONED times in all."""
    subject = engine()
    now = 0.0
    for _ in range(MAX_ABANDONED):
        subject.submit(Puppet("hangs", lane="a", budget_s=1.0), now)
        subject.due(now)
        (broken,) = subject.due(now + 1.0)
        assert isinstance(broken, Break) and broken.ticket is not None
        subject.settle(broken.ticket, Done(), now + 1.0)
        now += 1.0 + LANE_ABANDON_S
        assert [Replace("a")] == subject.due(now)
    subject.submit(Puppet("hangs once more", lane="a", budget_s=1.0), now)
    subject.submit(Puppet("waits", lane="a"), now)
    subject.due(now)
    subject.due(now + 1.0)

    decisions = subject.due(now + 1.0 + LANE_ABANDON_S)

    assert [] == decisions
    figures = subject.statistics(now, wakeups=0, inbox=0, inbox_refused=0)
    assert (MAX_ABANDONED, 1) == (figures.abandoned, figures.stuck_lanes)


def test_an_abandoned_thread_that_answers_late_disturbs_nobody() -> None:
    """The answer of a replaced thread neither settles nor frees the lane's present call."""
    subject = engine()
    subject.submit(Puppet("hangs", lane="a", budget_s=1.0), 0.0)
    subject.due(0.0)
    (broken,) = subject.due(1.0)
    assert isinstance(broken, Break) and broken.ticket is not None
    subject.settle(broken.ticket, Done(), 1.0)
    subject.due(1.0 + LANE_ABANDON_S)
    subject.submit(Puppet("present", lane="a"), 40.0)
    (start,) = subject.due(40.0)
    assert isinstance(start, Start)

    assert subject.complete("a", 0) is None
    assert subject.complete("a", start.generation) is not None


def test_the_patient_lane_is_never_written_off() -> None:
    """The database's overdue call is interrupted, but its answer is awaited and settled."""
    subject = engine(patient=("database",))
    subject.submit(Puppet("commit", kind=Kind.COMMIT, lane="database", budget_s=1.0), 0.0)
    subject.due(0.0)

    (broken,) = subject.due(1.0)
    assert isinstance(broken, Break)
    assert broken.ticket is None
    assert [] == subject.due(1.0 + 10 * LANE_ABANDON_S)
    assert subject.complete("database", 0) is not None


def test_cancelling_takes_a_task_out_wherever_it_is() -> None:
    """Waiting or ready, a cancelled task never runs; a running one is dropped when it settles."""
    subject = engine()
    waiting = subject.submit(Puppet("waiting"), 9.0)
    ready = subject.submit(Puppet("ready", lane="a"), 1.0)
    running = subject.submit(Puppet("running", lane="a", then=lambda now: Again(now)), 0.0)
    assert ["running"] == starts(subject, 1.0)

    assert subject.cancel(waiting)
    assert subject.cancel(ready)
    assert not subject.cancel(running)
    assert running is subject.complete("a", 0)
    subject.settle(running, Again(2.0), 2.0)

    assert subject.next_wakeup() is None or subject.due(100.0) == []
    figures = subject.statistics(3.0, wakeups=0, inbox=0, inbox_refused=0)
    assert (0, 0, 0) == (figures.queued, figures.ready, figures.running)


def test_many_cancelled_tasks_are_swept_out() -> None:
    """Lazy cancel does not let a heap fill up with the dead."""
    subject = engine()
    tickets = [subject.submit(Puppet(), 1.0 + number) for number in range(1_000)]

    for ticket in tickets[:900]:
        subject.cancel(ticket)

    assert len(subject._waiting.entries) < 300
    assert 100 == subject.statistics(0.0, wakeups=0, inbox=0, inbox_refused=0).queued


def test_slack_rounds_up_and_lets_wake_ups_merge() -> None:
    """Two tasks due within one slack are handed out by one wake-up, and never early."""
    subject = engine()
    subject.submit(Puppet("a", slack_s=0.5), 1.1)
    subject.submit(Puppet("b", slack_s=0.5), 1.4)

    assert 1.5 == subject.next_wakeup()
    assert ["a", "b"] == names_taken(subject, 1.5)


def test_missed_beats_are_counted_and_not_queued() -> None:
    """A task that comes late runs once and says how many beats it missed."""
    subject = engine()
    grid = Grid(1.0, 0.0)
    beats: list[float] = []

    def beat(now: float) -> Again:
        following, missed = grid.next(beats[-1] if beats else 0.0, now)
        beats.append(following)
        return Again(following, missed)

    task = Puppet("beat", then=beat)
    subject.submit(task, 0.0)
    for now in (0.0, 1.0, 5.5, 6.0):
        names_taken(subject, now)

    assert [0.0, 1.0, 5.5, 6.0] == task.settled_at
    assert 3 == subject.statistics(6.0, wakeups=0, inbox=0, inbox_refused=0).missed


def test_a_bug_backs_the_task_off_and_keeps_it() -> None:
    """After an unexpected exception the task runs again, after a pause that doubles."""
    subject = engine()
    subject.submit(Puppet("buggy"), 0.0)
    now, pauses = 0.0, []
    for _ in range(12):
        ticket = subject.take(now)
        assert ticket is not None
        pauses.append(subject.bug(ticket, now, keep=True))
        now += pauses[-1]

    assert [BUG_FIRST_S, 2 * BUG_FIRST_S, 4 * BUG_FIRST_S] == pauses[:3]
    assert BUG_CEILING_S == pauses[-1]
    assert 12 == subject.statistics(now, wakeups=0, inbox=0, inbox_refused=0).bugs


def test_a_bug_of_a_one_shot_task_ends_it() -> None:
    """A task that somebody waits for is not repeated behind his back."""
    subject = engine()
    subject.submit(Puppet("asked", kind=Kind.REQUEST), 0.0)
    ticket = subject.take(0.0)
    assert ticket is not None

    subject.bug(ticket, 0.0, keep=False)

    assert subject.next_wakeup() is None


def test_lanes_are_bounded() -> None:
    """Beyond MAX_LANES live lanes a submit is refused with words; idle ones make room."""
    assert 1_000 <= MAX_LANES
    subject = engine(max_lanes=2)
    subject.submit(Puppet(lane="a"), 1.0)
    subject.submit(Puppet(lane="b"), 9.0)
    with pytest.raises(Busy, match="2 lanes already"):
        subject.submit(Puppet(lane="c"), 1.0)

    subject.due(1.0)
    ticket = subject.complete("a", 0)
    assert ticket is not None
    subject.settle(ticket, Done(), 1.0)
    subject.submit(Puppet(lane="c"), 2.0)

    assert [Replace("a"), "c"] == [
        each if isinstance(each, Replace) else each.lane for each in subject.due(2.0)
    ]


def test_an_answer_of_a_forgotten_lane_is_never_taken_for_a_later_call() -> None:
    """Generations rise over all lanes, so a lane of the same name begins beyond all of them."""
    subject = engine(max_lanes=1)
    subject.submit(Puppet(lane="a", budget_s=1.0), 0.0)
    subject.due(0.0)
    (broken,) = subject.due(1.0)
    assert isinstance(broken, Break) and broken.ticket is not None
    subject.settle(broken.ticket, Done(), 1.0)
    subject.due(1.0 + LANE_ABANDON_S)
    subject.submit(Puppet(lane="b"), 90.0)
    with pytest.raises(Busy):
        subject.submit(Puppet(lane="a"), 99.0)
    subject.due(90.0)
    subject.settle(subject.complete("b", 2), Done(), 90.0)  # type: ignore[arg-type]  # it is live
    subject.submit(Puppet(lane="a"), 99.0)
    starting = [each for each in subject.due(99.0) if isinstance(each, Start)]

    assert subject.complete("a", 0) is None
    assert subject.complete("a", starting[0].generation) is not None


def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond MAX_QUEUED tasks a submit is refused."""
    assert 1_000_000 < MAX_QUEUED
    monkeypatch.setattr("server.engine.engine.MAX_QUEUED", 3)
    subject = engine()
    for _ in range(3):
        subject.submit(Puppet(), 1.0)

    with pytest.raises(Busy, match="3 tasks"):
        subject.submit(Puppet(), 1.0)


def test_statistics_tell_the_lateness_by_kind() -> None:
    """A start counts in the bucket of its lateness."""
    subject = engine()
    for late_s in (0.0, 0.005, 0.05, 0.5, 5.0, 50.0):
        subject.submit(Puppet(), 100.0 - late_s)
        subject.take(100.0)

    figures = subject.statistics(100.0, wakeups=0, inbox=0, inbox_refused=0)

    assert (1, 1, 1, 1, 1, 1) == figures.kinds["poll"].lateness


def test_a_queued_task_costs_little_memory() -> None:
    """At most 200 bytes beside the task itself: entry, numbers and ticket."""
    subject = engine()
    ticket = subject.submit(Puppet(), 1.5)
    entry = subject._waiting.entries[0]

    size = sum(map(sys.getsizeof, (entry, entry[0], entry[1], ticket))) + 8

    assert size <= 200


@given(
    some.lists(
        some.tuples(some.floats(0, 100), some.sampled_from([*Kind]), some.booleans()), max_size=40
    )
)
def test_every_task_runs_exactly_once_whatever_the_order(
    tasks: list[tuple[float, Kind, bool]],
) -> None:
    """Nothing is lost and nothing runs twice, whatever due times, kinds and cancels there are."""
    subject = engine()
    puppets = [(Puppet(kind=kind), at, cancelled) for at, kind, cancelled in tasks]
    tickets = [subject.submit(puppet, at) for puppet, at, _ in puppets]
    for ticket, (_, _, cancelled) in zip(tickets, puppets, strict=True):
        if cancelled:
            subject.cancel(ticket)

    for now in (10.0, 50.0, 100.0):
        names_taken(subject, now)

    expected = [0 if cancelled else 1 for _, _, cancelled in puppets]
    assert expected == [len(puppet.outcomes) for puppet, _, _ in puppets]
