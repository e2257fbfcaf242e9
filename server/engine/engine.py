"""The engine: decides what runs next. No input or output, no clock, no threads.

Rules:
- Every method that depends on time takes `now`, in monotonic seconds.
- A task waits in one heap by due time; once due it moves to its lane's ready heap, or to the
  lane-less one, ordered by rank (of its kind, in the present mode), due time and sequence.
- One call is in flight per lane. A call that overruns its budget is settled as `Overrun`; its
  lane's generation is raised, so that whatever it answers later is discarded; when its thread
  does not come back within LANE_ABANDON_S it is replaced, at most MAX_ABANDONED times.
- The engine decides and the runner does: decisions are values.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from server.engine.decisions import Break, Decision, Replace, Start
from server.engine.heaps import GONE, READY, RUNNING, WAITING, Figures, Ready, Ticket, Waiting
from server.engine.lane import Lane, count_late, kind_statistics, lane_statistics
from server.engine.task import Again, Kind, LaneTask, Submission, Task, Verdict
from server.errors import Busy
from server.model.statistics import LATENESS_EDGES_S, Statistics

MAX_LANES = 1_200
"""Helper threads at most: a thousand endpoints, their sinks, and the store."""

MAX_QUEUED = 1_100_000
"""Tasks at most; beyond it `submit` raises Busy. The largest measured queue is a million."""

LANE_ABANDON_S = 30.0
"""How long a broken-off call may take to give its thread back before the thread is replaced."""

MAX_ABANDONED = 32
"""Threads written off at most over the life of the process; each costs a stack."""

SOONEST_EDGE_S = LATENESS_EDGES_S[0]

BUG_FIRST_S = 1.0
BUG_CEILING_S = 300.0
"""Pause after a task raised what it must not: doubled each time in a row, up to the ceiling."""


@dataclass(slots=True)
class Totals:
    """Totals over the life of the engine."""

    missed: int = 0
    abandoned: int = 0
    bugs: int = 0
    streaks: dict[int, int] = field(default_factory=dict)
    """Bugs in a row, by the identity of a task that is still queued."""


class Engine:
    """See the module's docstring."""

    def __init__(
        self,
        ranks: Mapping[Kind, int],
        *,
        patient: Collection[str] = (),
        max_lanes: int = MAX_LANES,
    ) -> None:
        self._patient = frozenset(patient)
        self._max_lanes = max_lanes
        self._allowed: Collection[Kind] = frozenset(Kind)
        self._open = True
        self._waiting = Waiting()
        self._inline = Ready(None)
        self._lanes: dict[str, Lane] = {}
        self._idle: dict[str, Lane] = {}
        """Lanes that may have something to start: ready work and no thread inside a call."""
        self._busy: dict[str, Lane] = {}
        """Lanes with a thread inside a call, be it one that was broken off."""
        self._soonest_deadline = math.inf
        """No deadline of a busy lane lies before this; it may be stale on the early side."""
        self._generation = 0
        """Rises whenever a call is given up, over all lanes: no answer of one that was given up
        can ever be taken for the answer of a later call, even on a lane of the same name."""
        self._leave: list[str] = []
        """Lanes that were forgotten, whose threads are still to be told."""
        self._turned_away: list[Task] = []
        """Tasks whose kind may not start any more; whoever waits for them is told."""
        self._figures = {kind: Figures(len(LATENESS_EDGES_S) + 1) for kind in Kind}
        self._counters = Totals()
        self.rerank(ranks)

    # -- tasks come in -------------------------------------------------------------------------

    def submit(self, task: Task, at: float) -> Ticket:
        """Queue `task`, due at monotonic second `at`. Raises Busy at MAX_QUEUED or MAX_LANES."""
        if len(self._waiting.entries) >= MAX_QUEUED:
            raise Busy(f"the engine already holds {MAX_QUEUED} tasks")
        home = self._inline if task.lane is None else self._lane(task.lane).ready
        ticket = Ticket(task, home, self._figures[task.kind])
        self._wait(ticket, at)
        return ticket

    def cancel(self, ticket: Ticket) -> bool:
        """Withdraw a task: True if it had not begun. What is running is settled, then dropped."""
        place, ticket.place = ticket.place, GONE
        if place == WAITING:
            self._waiting.buried()
        return place in (WAITING, READY)

    def rerank(self, ranks: Mapping[Kind, int], allowed: Collection[Kind] | None = None) -> None:
        """The mode has changed: order what is ready anew; start only `allowed` kinds, if given."""
        self._allowed = frozenset(Kind) if allowed is None else allowed
        self._open = allowed is None
        for kind, rank in ranks.items():
            self._figures[kind].rank = rank
        for home in self._homes():
            home.rerank()

    # -- decisions go out ----------------------------------------------------------------------

    def due(self, now: float) -> list[Decision]:
        """What the runner must do now, besides settling what `take` hands out."""
        self._promote(now)
        decisions: list[Decision] = [Replace(lane) for lane in self._leave]
        self._leave.clear()
        if self._soonest_deadline <= now:
            decisions += self._overdue(now)
        for lane in [*self._idle.values()]:
            del self._idle[lane.name]
            ticket = self._pop(lane.ready, now)
            if ticket is not None:
                decisions.append(self._start(lane, ticket, now))
        return decisions

    def take(self, now: float) -> Ticket | None:
        """The lane-less task to settle now, best rank first; None when there is none."""
        entries = self._waiting.entries
        if entries and entries[0][0] <= now:
            due_at, _, ticket = entries[0]
            size = len(entries)
            # The common case, kept short: one task alone is due, so no turn has to be decided.
            if (
                not self._inline.entries
                and self._open
                and ticket.home is self._inline
                and not ticket.place
                and (size < 2 or entries[1][0] > now)
                and (size < 3 or entries[2][0] > now)
            ):
                heappop(entries)
                ticket.place = RUNNING
                figures = ticket.figures
                figures.started += 1
                if now - due_at < SOONEST_EDGE_S:
                    figures.lateness[0] += 1
                else:
                    count_late(figures, now - due_at)
                return ticket
            self._promote(now)
        return self._pop(self._inline, now) if self._inline.entries else None

    def next_wakeup(self) -> float | None:
        """When something must be decided next; None when nothing ever will by itself."""
        entries = self._waiting.entries
        if entries and not entries[0][2].place:
            due_at: float | None = entries[0][0]
        else:
            due_at = self._waiting.next_due()
        soonest = self._soonest_deadline
        if due_at is not None and due_at < soonest:
            return due_at
        return None if soonest == math.inf else soonest

    # -- outcomes come back --------------------------------------------------------------------

    def complete(self, name: str, generation: int) -> Ticket | None:
        """A lane's thread is back. The ticket to settle, or None if its answer is stale."""
        lane = self._lanes.get(name)
        if lane is None or generation != lane.inside:
            return None
        ticket = lane.running
        lane.free()
        del self._busy[name]
        self._idle[name] = lane
        return ticket

    def settle(self, ticket: Ticket, verdict: Verdict, now: float) -> Sequence[Task]:
        """Take what `ticket.task.settle` decided; returns the tasks it asked for in vain."""
        if type(verdict) is Again:
            if verdict.missed:
                ticket.figures.missed += verdict.missed
                self._counters.missed += verdict.missed
            if ticket.place == RUNNING:
                # As `_wait`, written out: this is the path of every periodic task.
                ticket.place = WAITING
                at, slack = verdict.at, ticket.task.slack_s
                if slack:
                    at = math.ceil(at / slack) * slack
                heappush(self._waiting.entries, (at, next(self._waiting.sequence), ticket))
        else:
            ticket.place = GONE
        if self._counters.streaks:
            self._counters.streaks.pop(id(ticket), None)
        return self.submit_all(verdict.then) if verdict.then else ()

    def submit_all(self, submissions: Sequence[Submission]) -> Sequence[Task]:
        """Queue what a verdict asked for; returns the tasks for which there was no room."""
        refused = []
        for submission in submissions:
            try:
                self.submit(submission.task, submission.at)
            except Busy:
                refused.append(submission.task)
        return refused

    def turned_away(self) -> Sequence[Task]:
        """Hand out, once, the tasks whose kind was not allowed to start."""
        if not self._turned_away:
            return ()
        away, self._turned_away = self._turned_away, []
        return away

    def bug(self, ticket: Ticket, now: float, *, keep: bool) -> float:
        """A task raised what it must not. Kept, it runs again after a pause, in seconds."""
        self._counters.bugs += 1
        ticket.figures.failed += 1
        if not keep or ticket.place != RUNNING:
            ticket.place = GONE
            self._counters.streaks.pop(id(ticket), None)
            return 0.0
        streak = self._counters.streaks[id(ticket)] = self._counters.streaks.get(id(ticket), 0) + 1
        pause = min(BUG_CEILING_S, BUG_FIRST_S * 2.0 ** min(streak - 1, 32))
        ticket.place = WAITING
        self._wait(ticket, now + pause)
        return pause

    def failed(self, ticket: Ticket) -> None:
        """Count a call whose work raised, or overran."""
        ticket.figures.failed += 1

    # -- questions -----------------------------------------------------------------------------

    def preempted(self, name: str) -> bool:
        """Whether something of better rank waits for this lane. Any thread; a hint."""
        lane = self._lanes[name]
        best = lane.ready.best_rank()
        return best is not None and best < lane.rank

    def in_flight(self) -> tuple[str, ...]:
        """The lanes with a thread inside a call, be it one that was broken off."""
        return tuple(self._busy)

    def running(self) -> Mapping[str, LaneTask]:
        """The tasks whose work is under way, by their lane."""
        return {
            name: lane.running.task  # type: ignore[misc]  # lane tasks have all parts
            for name, lane in self._busy.items()
            if lane.running is not None
        }

    def statistics(self, now: float, *, wakeups: int, inbox: int, inbox_refused: int) -> Statistics:
        """Everything at this moment, as one immutable value."""
        queued = Counter(entry[2].task.kind for entry in self._waiting.live())
        ready = Counter(ticket.task.kind for home in self._homes() for ticket in home.live())
        running = Counter(task.kind for task in self.running().values())
        return Statistics(
            queued=queued.total(),
            ready=ready.total(),
            running=running.total(),
            missed=self._counters.missed,
            stuck_lanes=sum(lane.stuck for lane in self._lanes.values()),
            abandoned=self._counters.abandoned,
            bugs=self._counters.bugs,
            wakeups=wakeups,
            inbox=inbox,
            inbox_refused=inbox_refused,
            kinds={
                kind.value: kind_statistics(figures, queued[kind], ready[kind], running[kind])
                for kind, figures in self._figures.items()
            },
            lanes=tuple(lane_statistics(lane, now) for lane in self._lanes.values()),
        )

    # -- inside --------------------------------------------------------------------------------

    def _homes(self) -> Iterator[Ready]:
        yield self._inline
        yield from (lane.ready for lane in self._lanes.values())

    def _lane(self, name: str) -> Lane:
        lane = self._lanes.get(name)
        if lane is None:
            if len(self._lanes) >= self._max_lanes:
                self._forget_idle_lanes()
            if len(self._lanes) >= self._max_lanes:
                raise Busy(f"there are {self._max_lanes} lanes already; remove a device or a sink")
            lane = Lane(name, Ready(name), name in self._patient)
            lane.generation = self._generation
            self._lanes[name] = lane
        return lane

    def _forget_idle_lanes(self) -> None:
        homes = {id(entry[2].home) for entry in self._waiting.entries if not entry[2].place}
        for name, lane in [*self._lanes.items()]:
            if lane.inside < 0 and not lane.ready.entries and id(lane.ready) not in homes:
                del self._lanes[name]
                self._idle.pop(name, None)
                self._leave.append(name)

    def _wait(self, ticket: Ticket, at: float) -> None:
        slack = ticket.task.slack_s
        if slack:
            at = math.ceil(at / slack) * slack
        self._waiting.push(at, ticket)

    def _promote(self, now: float) -> None:
        for name in self._waiting.promote(now):
            lane = self._lanes[name]
            if lane.inside < 0:
                self._idle[name] = lane

    def _pop(self, ready: Ready, now: float) -> Ticket | None:
        while (entry := ready.pop()) is not None:
            _, due_at, _, ticket = entry
            if self._open or ticket.task.kind in self._allowed:
                ticket.place = RUNNING
                ticket.figures.started += 1
                count_late(ticket.figures, now - due_at)
                return ticket
            ticket.place = GONE
            self._turned_away.append(ticket.task)
        return None

    def _start(self, lane: Lane, ticket: Ticket, now: float) -> Start:
        task: LaneTask = ticket.task  # type: ignore[assignment]  # lane tasks have all parts
        lane.running, lane.inside = ticket, lane.generation
        lane.rank = ticket.figures.rank
        lane.since, lane.deadline = now, now + task.budget_s
        self._busy[lane.name] = lane
        self._soonest_deadline = min(self._soonest_deadline, lane.deadline)
        return Start(lane.name, lane.generation, task)

    def _overdue(self, now: float) -> Iterator[Decision]:
        for lane in [*self._busy.values()]:
            if lane.deadline > now:
                continue
            if not lane.stuck:
                yield self._break(lane, now)
            elif not lane.patient and self._counters.abandoned < MAX_ABANDONED:
                self._counters.abandoned += 1
                lane.free()
                self._give_up(lane)
                del self._busy[lane.name]
                self._idle[lane.name] = lane
                yield Replace(lane.name)
            else:
                lane.deadline = math.inf
        self._soonest_deadline = min(
            (lane.deadline for lane in self._busy.values()), default=math.inf
        )

    def _give_up(self, lane: Lane) -> None:
        self._generation += 1
        lane.generation = self._generation

    def _break(self, lane: Lane, now: float) -> Break:
        ticket = lane.running
        assert ticket is not None, "a lane that is busy and not stuck runs something"
        task: LaneTask = ticket.task  # type: ignore[assignment]  # lane tasks have all parts
        lane.stuck, lane.deadline = True, now + LANE_ABANDON_S
        if lane.patient:
            return Break(lane.name, task, None)
        self._give_up(lane)
        lane.running = None
        return Break(lane.name, task, ticket)
