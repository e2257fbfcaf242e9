"""What one sink has taken: a live edge plus a bounded list of gaps.

Positions rise in the order of commit. Everything up to `live` was acknowledged, except what
lies in `gaps`. Live data goes first: after an outage the edge jumps ahead and what was skipped
becomes a gap, which is backfilled in order. When the list of gaps is full, the edge stops
jumping and the backlog is delivered in order: later, but never lost.
"""

from dataclasses import dataclass

MAX_GAPS = 16
"""Each is one outage that is still being made up for; all are saved with every move."""


@dataclass(frozen=True, slots=True)
class Span:
    """The positions in (after, upto]."""

    after: int
    upto: int

    def __post_init__(self) -> None:
        if not 0 <= self.after < self.upto:
            raise ValueError(f"a span must hold something: ({self.after}, {self.upto}]")

    @property
    def size(self) -> int:
        """How many positions lie in it; pruned ones count too."""
        return self.upto - self.after


@dataclass(frozen=True, slots=True)
class Cursor:
    """See the module's docstring. Immutable: every move returns a new one."""

    live: int
    gaps: tuple[Span, ...] = ()

    def backlog(self, head: int) -> int:
        """How many positions up to `head` have not been acknowledged."""
        return max(0, head - self.live) + sum(gap.size for gap in self.gaps)

    def jump(self, edge: int) -> "Cursor":
        """Leave (live, edge] as a gap; unchanged when there is nothing to skip or no room.

        A gap that ends where this one begins is made longer, so that one outage is one gap.
        """
        if edge <= self.live:
            return self
        if self.gaps and self.gaps[-1].upto == self.live:
            return Cursor(edge, (*self.gaps[:-1], Span(self.gaps[-1].after, edge)))
        if len(self.gaps) >= MAX_GAPS:
            return self
        return Cursor(edge, (*self.gaps, Span(self.live, edge)))

    def acknowledged(self, span: Span) -> "Cursor":
        """The sink has taken `span`, which begins at the live edge or at a gap's edge.

        Raises ValueError for a span that belongs nowhere: acknowledging it would lose records.
        """
        if span.after == self.live:
            return Cursor(span.upto, self.gaps)
        for index, gap in enumerate(self.gaps):
            if gap.after == span.after and span.upto <= gap.upto:
                rest = (Span(span.upto, gap.upto),) if span.upto < gap.upto else ()
                return Cursor(self.live, self.gaps[:index] + rest + self.gaps[index + 1 :])
        raise ValueError(f"{span} begins neither at the live edge nor at a gap of {self}")

    def pruned(self, upto: int) -> "Cursor":
        """Retention has removed everything up to `upto`: nothing there is owed any more."""
        gaps = tuple(Span(max(gap.after, upto), gap.upto) for gap in self.gaps if gap.upto > upto)
        return Cursor(max(self.live, upto), gaps)
