"""Virtual time: a clock, an inbox whose waiting makes time pass, lanes whose calls take none.

A call's work runs at once, at the moment it is started, and says through `World.spend` how long
it would have taken; its outcome is handed in at start + duration. A call that hangs is handed in
when it is aborted, or never. Events of the outside (faults, commands, a crash) lie in one heap
by time. With the same seed everything happens in the same order.
"""

import math
import zlib
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from server.engine.decisions import Start
from server.engine.inbox import Completion
from server.engine.runner import perform
from server.engine.task import Failed, Task
from server.errors import EgretError
from server.model.reading import ClockQuality

BASE_UTC_MS = 1_767_225_600_000
"""1 January 2026, midnight UTC: the true time at virtual second zero."""

LOG_LINES_MAX = 20_000


class Crash(Exception):
    """The power goes, or the process is killed: everything in memory is gone."""


class World:
    """Time, the events to come, and the log."""

    def __init__(self) -> None:
        self.now = 0.0
        self.spent = 0.0
        self.log: list[str] = []
        self.digest = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = count()

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Let something happen at a virtual second."""
        heappush(self._events, (moment, next(self._sequence), action))

    def next_event(self) -> float:
        """When the next one is due."""
        return self._events[0][0] if self._events else math.inf

    def happen(self) -> None:
        """Let everything happen that is due now."""
        events = self._events
        while events and events[0][0] <= self.now:
            heappop(events)[2]()

    def spend(self, seconds: float) -> None:
        """The call under way takes this much longer."""
        self.spent += seconds

    def note(self, *words: object) -> None:
        """One line of the log; the digest covers all of them, the list keeps the last ones."""
        line = f"{self.now:.3f} " + " ".join(str(word) for word in words)
        self.digest = zlib.crc32(line.encode(), self.digest)
        self.log.append(line)
        if len(self.log) > LOG_LINES_MAX:
            del self.log[: LOG_LINES_MAX // 2]

    def tick(self, number: int) -> None:
        """Fold a number into the digest: for what is too frequent for a line."""
        self.digest = zlib.crc32(number.to_bytes(8, "big", signed=True), self.digest)


class VirtualClock:
    """`ports.Clock`: the true time plus the error that the wall clock has now."""

    def __init__(self, world: World, started: float) -> None:
        self._world = world
        self.offset_ms = 0
        self.trusted = ClockQuality.SYNCED
        self.started = started

    def monotonic(self) -> float:
        """Virtual seconds, also within a call."""
        return self._world.now + self._world.spent

    def utc_ms(self) -> int:
        """What the wall clock shows, right or wrong."""
        return BASE_UTC_MS + round(self.monotonic() * 1000) + self.offset_ms

    def quality(self) -> ClockQuality:
        """What was last set."""
        return self.trusted


class VirtualInbox:
    """The engine thread's side of the inbox: waiting makes time pass."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.refused = 0
        self.completions: list[Completion] = []
        self.tasks: list[Task] = []

    def wait(self, timeout_s: float | None) -> tuple[list[Completion], list[Task]]:
        """Leap to the next event, but not beyond the timeout."""
        world = self._world
        until = math.inf if timeout_s is None else world.now + max(0.0, timeout_s)
        if not self.completions and not self.tasks:
            world.now = max(world.now, min(until, world.next_event()))
            world.happen()
        completions, tasks = self.completions, self.tasks
        self.completions, self.tasks = [], []
        return completions, tasks

    def put(self, task: Task) -> None:
        """Something from outside."""
        self.tasks.append(task)

    def __len__(self) -> int:
        return len(self.tasks) + len(self.completions)


class _View:
    """What work sees of its lane: also what will have arrived by the time it asks."""

    def __init__(self, lane: str, preempted: Callable[[str], bool]) -> None:
        self._lane = lane
        self._preempted = preempted

    def preempted(self) -> bool:
        """Whether something of better rank waits for this lane."""
        return self._preempted(self._lane)


class VirtualLanes:
    """Runs each call at once and hands its outcome in when it would have come."""

    def __init__(self, world: World, inbox: VirtualInbox, preempted: Callable[[str], bool]) -> None:
        self._world = world
        self._inbox = inbox
        self._preempted = preempted
        self._inside: dict[str, Start] = {}
        self._hung: dict[str, Start] = {}
        self.alive = True

    def start(self, call: Start) -> None:
        """One call per lane: a second one is a defect of the engine."""
        assert call.lane not in self._inside, f"two calls at once on {call.lane}"
        world = self._world
        self._inside[call.lane] = call
        world.spent = 0.0
        outcome = perform(call, _View(call.lane, self._preempted))
        duration, world.spent = world.spent, 0.0
        if isinstance(outcome, Failed) and not isinstance(outcome.error, EgretError):
            raise AssertionError(f"work raised {outcome.error!r}") from outcome.error
        if math.isinf(duration):
            self._hung[call.lane] = call
            return
        completion = Completion(call.lane, call.generation, outcome)
        world.at(world.now + duration, lambda: self._come_back(call, completion))

    def aborted(self, lane: str, outcome: Failed, comes_back: bool) -> None:
        """The session of a lane was closed from outside: a hung call returns, or never does."""
        call = self._hung.get(lane)
        if call is not None and comes_back:
            del self._hung[lane]
            completion = Completion(lane, call.generation, outcome)
            self._world.at(self._world.now + 0.01, lambda: self._come_back(call, completion))

    def replace(self, lane: str) -> None:
        """The thread is left behind."""
        self._inside.pop(lane, None)
        self._hung.pop(lane, None)

    def _come_back(self, call: Start, completion: Completion) -> None:
        if not self.alive:
            return
        if self._inside.get(call.lane) is call:
            del self._inside[call.lane]
        self._inbox.completions.append(completion)
