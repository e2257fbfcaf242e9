"""The two kinds of heaps: tasks that wait for their time, and tasks that wait for their turn.

Entries are plain tuples that compare in C; a sequence number makes the order total and fair.
Cancelling is lazy: a cancelled ticket changes its place, and its entry is dropped when it comes
up, or when more than half of the heap is dead.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count

from server.engine.task import Task

REBUILD_FROM = 64
"""Below this many dead entries a rebuild costs more than it frees."""


class Figures:
    """The totals of one kind; mutable, owned by the engine.

    What is queued, ready or running now is counted when somebody asks, once a second, rather
    than kept up to date at every dispatch, of which there may be ten thousand.
    """

    __slots__ = ("failed", "lateness", "missed", "rank", "started")

    def __init__(self, buckets: int) -> None:
        self.rank = 0
        """In the present mode."""
        self.started = 0
        self.failed = 0
        self.missed = 0
        self.lateness = [0] * buckets


WAITING, READY, RUNNING, GONE = range(4)
"""The places a ticket can be in; plain integers, because they are compared at every dispatch."""


class Ticket:
    """A task inside the engine. `home` is the ready heap it goes to when due."""

    __slots__ = ("figures", "home", "place", "task")

    def __init__(self, task: Task, home: "Ready", figures: Figures) -> None:
        self.task = task
        self.home = home
        self.figures = figures
        self.place = WAITING


class Ready:
    """Tasks that are due, by (rank, due_at, sequence): one heap per lane, one for the engine."""

    __slots__ = ("entries", "lane")

    def __init__(self, lane: str | None) -> None:
        self.lane = lane
        self.entries: list[tuple[int, float, int, Ticket]] = []

    def pop(self) -> tuple[int, float, int, Ticket] | None:
        """The entry whose turn it is; cancelled ones are dropped on the way."""
        while self.entries:
            entry = heappop(self.entries)
            if entry[3].place == READY:
                return entry
        return None

    def best_rank(self) -> int | None:
        """The rank of the head, for a glance from another thread: a hint, never a decision."""
        head = self.entries[:1]
        return head[0][0] if head else None

    def rerank(self) -> None:
        """Rebuild after a change of mode; the order among equals is kept by their sequence."""
        self.entries = [
            (ticket.figures.rank, due_at, sequence, ticket)
            for _, due_at, sequence, ticket in self.entries
            if ticket.place == READY
        ]
        heapify(self.entries)

    def live(self) -> Iterator[Ticket]:
        """The tickets whose turn may still come."""
        return (entry[3] for entry in self.entries if entry[3].place == READY)

    def __len__(self) -> int:
        return sum(1 for _ in self.live())


class Waiting:
    """Tasks whose time has not come, by (due_at, sequence)."""

    __slots__ = ("_dead", "entries", "sequence")

    def __init__(self) -> None:
        self.entries: list[tuple[float, int, Ticket]] = []
        self.sequence = count(1)
        self._dead = 0

    def push(self, due_at: float, ticket: Ticket) -> None:
        """Add a ticket due at monotonic second `due_at`."""
        heappush(self.entries, (due_at, next(self.sequence), ticket))

    def next_due(self) -> float | None:
        """When the next live ticket is due; None when nothing waits."""
        while self.entries and self.entries[0][2].place:
            heappop(self.entries)
            self._dead -= 1
        return self.entries[0][0] if self.entries else None

    def promote(self, now: float) -> Iterator[str]:
        """Move every live entry due at `now` to its home; yields the lanes that got one."""
        entries = self.entries
        while entries and entries[0][0] <= now:
            due_at, sequence, ticket = heappop(entries)
            if ticket.place:
                self._dead -= 1
                continue
            ticket.place = READY
            home = ticket.home
            heappush(home.entries, (ticket.figures.rank, due_at, sequence, ticket))
            if home.lane is not None:
                yield home.lane

    def live(self) -> Iterator[tuple[float, int, Ticket]]:
        """The entries that were not cancelled, in no order."""
        return (entry for entry in self.entries if not entry[2].place)

    def buried(self) -> None:
        """A ticket in here was cancelled; rebuild once more than half of the heap is dead."""
        self._dead += 1
        if self._dead > REBUILD_FROM and self._dead * 2 > len(self.entries):
            self.entries = [entry for entry in self.entries if not entry[2].place]
            heapify(self.entries)
            self._dead = 0

    def __len__(self) -> int:
        return len(self.entries) - self._dead
