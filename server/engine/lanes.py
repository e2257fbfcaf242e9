"""Threaded helpers: one daemon thread a lane, one call in flight.

A lane's thread is started when it is first needed and waits on a one-slot hand-over. It knows
nothing of due times and ranks: it is given a call and puts the outcome into the inbox.
"""

import threading
from collections.abc import Callable

from server.engine.decisions import Start
from server.engine.inbox import Completion, Inbox
from server.engine.task import LaneView, Outcome

STACK_BYTES = 512 * 1024
"""Stack of a helper thread: a thousand of them must fit a small box; the default is 8 MB."""

Perform = Callable[[Start, LaneView], Outcome]


class _View:
    """What work sees of its lane."""

    __slots__ = ("_lane", "_preempted")

    def __init__(self, lane: str, preempted: Callable[[str], bool]) -> None:
        self._lane = lane
        self._preempted = preempted

    def preempted(self) -> bool:
        """Whether something of better rank waits for this lane."""
        return self._preempted(self._lane)


class _Helper:
    """One thread and its one slot."""

    def __init__(self, view: LaneView, perform: Perform, inbox: Inbox, name: str) -> None:
        self._view = view
        self._perform = perform
        self._inbox = inbox
        self._call: Start | None = None
        self._dismissed = False
        self._go = threading.Lock()
        self._go.acquire()
        self._thread = threading.Thread(target=self._run, name=f"lane {name}", daemon=True)
        self._thread.start()

    def hand_over(self, call: Start) -> None:
        """Give the thread its next call; the engine guarantees that it is free."""
        self._call = call
        self._go.release()

    def dismiss(self) -> None:
        """Let the thread end once it is free; what was handed over before is still run."""
        try:
            self._go.release()
        except RuntimeError:
            self._dismissed = True  # It has not yet picked up its last call.

    def _run(self) -> None:
        while True:
            self._go.acquire()
            # Taken out before anything is handed in: from `complete` on, the engine may hand
            # over the next call, and that one must not be touched here.
            call, self._call = self._call, None
            if call is None:
                return  # Woken with nothing to do: dismissed.
            completion = Completion(call.lane, call.generation, self._perform(call, self._view))
            del call
            self._inbox.complete(completion)
            # Nothing may keep the last call's values alive while the lane is idle.
            del completion
            if self._dismissed:
                return


class Lanes:
    """All helper threads; used from the engine thread alone."""

    def __init__(self, inbox: Inbox, perform: Perform, preempted: Callable[[str], bool]) -> None:
        self._inbox = inbox
        self._perform = perform
        self._preempted = preempted
        self._helpers: dict[str, _Helper] = {}

    def start(self, call: Start) -> None:
        """Run the call's work on its lane's thread."""
        helper = self._helpers.get(call.lane)
        if helper is None:
            helper = self._helpers[call.lane] = self._new(call.lane)
        helper.hand_over(call)

    def replace(self, lane: str) -> None:
        """Leave the lane's thread behind; it ends by itself if it ever comes back."""
        helper = self._helpers.pop(lane, None)
        if helper is not None:
            helper.dismiss()

    def close(self) -> None:
        """Let every idle thread end; those inside a call are daemons and die with the process."""
        for helper in self._helpers.values():
            helper.dismiss()
        self._helpers.clear()

    def _new(self, lane: str) -> _Helper:
        before = threading.stack_size(STACK_BYTES)
        try:
            return _Helper(_View(lane, self._preempted), self._perform, self._inbox, lane)
        finally:
            threading.stack_size(before)
