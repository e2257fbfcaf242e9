"""Heaps keep their order through cancels and changes of rank."""

from hypothesis import given
from hypothesis import strategies as some

from server.engine.heaps import GONE, READY, REBUILD_FROM, Figures, Ready, Ticket, Waiting
from server.engine.modes import RANKS, Mode
from server.engine.task import Kind
from server_unit_test.engine.puppet import Puppet


def ticket(kind: Kind = Kind.POLL) -> Ticket:
    """A ticket of that kind, waiting."""
    return Ticket(Puppet(kind=kind), Ready(None), Figures(6))


@given(some.lists(some.floats(0, 1e6), max_size=60))
def test_waiting_tickets_come_out_by_due_time_then_by_arrival(moments: list[float]) -> None:
    """A stable sort of the due times."""
    waiting, home = Waiting(), Ready("a")
    tickets = [ticket() for _ in moments]
    for moment, each in zip(moments, tickets, strict=True):
        waiting.push(moment, each)

    for each in tickets:
        each.home = home
    lanes = [*waiting.promote(1e6)]

    came = [entry[3] for entry in iter(home.pop, None)]
    ordered = sorted(range(len(moments)), key=lambda index: moments[index])
    assert [tickets[index] for index in ordered] == came
    assert ["a"] * len(moments) == lanes


def test_the_dead_are_removed_once_they_are_the_majority() -> None:
    """Below REBUILD_FROM they stay; beyond it the heap is rebuilt without them."""
    waiting = Waiting()
    tickets = [ticket() for _ in range(3 * REBUILD_FROM)]
    for number, each in enumerate(tickets):
        waiting.push(float(number), each)

    for each in tickets[: 2 * REBUILD_FROM]:
        each.place = GONE
        waiting.buried()

    assert len(waiting.entries) < 2 * REBUILD_FROM
    assert REBUILD_FROM == len(waiting)
    assert float(2 * REBUILD_FROM) == waiting.next_due()


def test_ready_tickets_change_their_order_with_the_ranks() -> None:
    """A new mode's ranks are applied to what is ready; cancelled ones are dropped."""
    ready = Ready(None)
    tickets = {kind: ticket(kind) for kind in (Kind.PUBLISH, Kind.PRUNE, Kind.POLL)}
    for number, (kind, each) in enumerate(tickets.items()):
        each.place = READY
        each.figures.rank = RANKS[Mode.RUNNING][kind]
        ready.entries.append((each.figures.rank, 1.0, number, each))
    tickets[Kind.POLL].place = GONE

    for kind, each in tickets.items():
        each.figures.rank = RANKS[Mode.OFFLINE][kind]
    ready.rerank()

    assert 2 == len(ready)
    first = ready.pop()
    assert first is not None
    assert tickets[Kind.PRUNE] is first[3]
