"""The loop: wait, collect, settle, dispatch. The only place with a broad except.

It owns no decision: what is due comes from the engine, when to wake comes from the engine, and
what to do with an outcome comes from the task. The same loop runs under a virtual clock, with
an inbox whose waiting makes time pass and lanes whose calls take no real time.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from server.engine.decisions import Break, Replace, Start
from server.engine.engine import Engine
from server.engine.heaps import Ticket
from server.engine.inbox import Completion
from server.engine.task import ONE_SHOT, Again, Failed, LaneView, Ok, Outcome, Task
from server.errors import Busy, EgretError, Overrun

log = logging.getLogger(__name__)

NOTHING = Ok(None)
"""The outcome of a task that has no work."""

MAX_TURN_S = 3_600.0
"""The longest wait when nothing is due, so that a lost wake-up could never last for ever."""


class Waiter(Protocol):
    """The engine thread's side of the inbox."""

    refused: int

    def wait(self, timeout_s: float | None) -> tuple[list[Completion], list[Task]]:
        """Wait at most that long; hand out everything that came."""
        ...

    def __len__(self) -> int: ...


class Starter(Protocol):
    """The engine thread's side of the lanes."""

    def start(self, call: Start) -> None:
        """Run the call's work, and hand its outcome to the inbox."""
        ...

    def replace(self, lane: str) -> None:
        """Leave the lane's thread behind."""
        ...


Report = Callable[[str, Task, Exception], None]
"""Told of every bug: which half raised (`work`, `settle`, `abort`, `then`), of which task, what."""


def perform(call: Start, view: LaneView) -> Outcome:
    """Run a call's work and turn whatever happens into a value."""
    try:
        return Ok(call.task.work(view))
    except Exception as error:  # noqa: B902  # A helper thread must outlive any bug in a task.
        return Failed(error)


class Runner:
    """See the module's docstring. Everything runs on the thread that calls `turn`."""

    def __init__(
        self,
        engine: Engine,
        inbox: Waiter,
        lanes: Starter,
        monotonic: Callable[[], float],
        report: Report,
    ) -> None:
        self._engine = engine
        self._inbox = inbox
        self._lanes = lanes
        self._monotonic = monotonic
        self._report = report
        self.wakeups = 0
        self.outcomes = 0
        """Tasks that have come to an end so far, well or badly: the watchdog's measure."""

    def turn(self) -> None:
        """One round: dispatch what is due, then wait for the next moment or the bell."""
        engine = self._engine
        now = self._monotonic()
        while (ticket := engine.take(now)) is not None:
            self._settle(ticket, NOTHING, now)
        for decision in engine.due(now):
            self._execute(decision, now)
        for task in engine.turned_away():
            if task.kind in ONE_SHOT:
                self._refuse(task, Busy("the gateway is stopping"), now)
        self._wait(engine.next_wakeup(), now)

    def _wait(self, wake_at: float | None, now: float) -> None:
        pause_s = MAX_TURN_S if wake_at is None else min(wake_at - now, MAX_TURN_S)
        completions, tasks = self._inbox.wait(pause_s)
        self.wakeups += 1
        if not completions and not tasks:
            return
        now = self._monotonic()
        for completion in completions:
            ticket = self._engine.complete(completion.lane, completion.generation)
            if ticket is not None:
                self._settle(ticket, completion.outcome, now)
        for task in tasks:
            self._admit(task, now)

    def _admit(self, task: Task, now: float) -> None:
        try:
            self._engine.submit(task, now)
        except Busy as error:
            self._refuse(task, error, now)

    def _refuse(self, task: Task, error: Busy, now: float) -> None:
        """There is no room for a task: it settles as failed, and what it asks for then is tried."""
        try:
            verdict = task.settle(Failed(error), now)
        except Exception as bug:  # noqa: B902  # One task's bug must not stop the loop.
            self._report("settle", task, bug)
            return
        if type(verdict) is Again:
            self._report("then", task, error)
        for lost in self._engine.submit_all(verdict.then):
            self._report("then", lost, error)

    def _execute(self, decision: Start | Break | Replace, now: float) -> None:
        if type(decision) is Start:
            self._start(decision, now)
        elif type(decision) is Break:
            self._break(decision, now)
        else:
            self._lanes.replace(decision.lane)

    def _start(self, call: Start, now: float) -> None:
        try:
            self._lanes.start(call)
        except RuntimeError as error:  # "can't start new thread": the machine has no more.
            log.error("no thread", extra={"lane": call.lane, "error": str(error)})
            ticket = self._engine.complete(call.lane, call.generation)
            if ticket is not None:
                self._settle(ticket, Failed(Busy(f"no thread for {call.lane}: {error}")), now)

    def _break(self, decision: Break, now: float) -> None:
        try:
            decision.task.abort()
        except Exception as error:  # noqa: B902  # One task's bug must not stop the loop.
            self._report("abort", decision.task, error)
        if decision.ticket is not None:
            overrun = Overrun(f"no answer within {decision.task.budget_s:g} s; broken off")
            self._settle(decision.ticket, Failed(overrun), now)

    def _settle(self, ticket: Ticket, outcome: Outcome, now: float) -> None:
        task = ticket.task
        self.outcomes += 1
        if type(outcome) is Failed:
            expected = isinstance(outcome.error, EgretError)
            if not expected:
                self._report("work", task, outcome.error)
            if not expected and task.kind not in ONE_SHOT:
                self._engine.bug(ticket, now, keep=True)
                return
            self._engine.failed(ticket)
        try:
            verdict = task.settle(outcome, now)
        except Exception as error:  # noqa: B902  # One task's bug must not stop the loop.
            self._report("settle", task, error)
            self._engine.bug(ticket, now, keep=task.kind not in ONE_SHOT)
            return
        for refused in self._engine.settle(ticket, verdict, now):
            self._refuse(refused, Busy("there is no lane left; remove a device or a sink"), now)
