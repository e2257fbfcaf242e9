"""Nothing that was accepted falls between a cursor's live edge and its gaps."""

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.model.cursor import MAX_GAPS, Cursor, Span


@dataclass
class World:
    """What is really true, position by position."""

    head: int = 0
    pruned: int = 0
    taken: set[int] = field(default_factory=set)


class CursorMachine(RuleBasedStateMachine):
    """Any sequence of commits, jumps, acknowledgements and prunings."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.cursor = Cursor(0)

    def owed(self) -> set[int]:
        """What the cursor says is still to be delivered."""
        live = set(range(self.cursor.live + 1, self.world.head + 1))
        return live.union(*(range(gap.after + 1, gap.upto + 1) for gap in self.cursor.gaps))

    @rule(count=st.integers(1, 20))
    def commit(self, count: int) -> None:
        """Records are accepted."""
        self.world.head += count

    @rule(back=st.integers(0, 10))
    def jump(self, back: int) -> None:
        """Live data goes first."""
        self.cursor = self.cursor.jump(max(0, self.world.head - back))

    @precondition(lambda self: self.owed())
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        """A sink takes the beginning of the live data or of a gap."""
        spans = list(self.cursor.gaps)
        if self.cursor.live < self.world.head:
            spans.append(Span(self.cursor.live, self.world.head))
        span = data.draw(st.sampled_from(spans))
        part = Span(span.after, data.draw(st.integers(span.after + 1, span.upto)))
        positions = set(range(part.after + 1, part.upto + 1))
        assert not positions & self.world.taken, "a position was delivered twice"
        self.world.taken |= positions
        self.cursor = self.cursor.acknowledged(part)

    @rule(data=st.data())
    def prune(self, data: st.DataObject) -> None:
        """Retention removes the oldest."""
        self.world.pruned = data.draw(st.integers(self.world.pruned, self.world.head))
        self.cursor = self.cursor.pruned(self.world.pruned)

    @invariant()
    def nothing_is_lost(self) -> None:
        """Taken, owed or pruned: every position is one of them, and none is owed twice."""
        everything = set(range(1, self.world.head + 1))
        owed = self.owed()
        gone = set(range(1, self.world.pruned + 1))
        assert everything == owed | self.world.taken | gone
        assert not owed & (self.world.taken | gone)
        assert len(owed) == self.cursor.backlog(self.world.head)

    @invariant()
    def gaps_are_bounded(self) -> None:
        """However often it jumps."""
        assert len(self.cursor.gaps) <= MAX_GAPS


TestAnySequence = CursorMachine.TestCase


def test_a_full_list_of_gaps_stops_the_jumping() -> None:
    """Delivery is later then, but nothing is skipped for good: MAX_GAPS is met."""
    cursor = Cursor(0)
    for number in range(1, MAX_GAPS + 1):
        cursor = cursor.jump(10 * number)
        cursor = cursor.acknowledged(Span(10 * number, 10 * number + 1))

    assert (MAX_GAPS, cursor) == (len(cursor.gaps), cursor.jump(10_000))


@pytest.mark.parametrize("span", [Span(5, 6), Span(11, 20), Span(2, 9)])
def test_an_acknowledgement_that_belongs_nowhere_is_refused(span: Span) -> None:
    """Accepting it would lose records: it begins at no edge, or reaches beyond its gap."""
    cursor = Cursor(10, (Span(2, 8),))

    with pytest.raises(ValueError, match="neither"):
        cursor.acknowledged(span)


@pytest.mark.parametrize(("after", "upto"), [(3, 3), (4, 3), (-1, 3)])
def test_a_span_holds_something(after: int, upto: int) -> None:
    """An empty or negative span is a mistake of the caller."""
    with pytest.raises(ValueError, match="hold something"):
        Span(after, upto)
