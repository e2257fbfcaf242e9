"""What a run found, as values, and how it is written down. Pure: measures nothing, reads no clock.

A section holds tables of figures and the aims that they were held against. An aim that is missed
is written down as missed, with its figure.
"""

import statistics
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NOT_MEASURED = "—"
"""A cell that has no figure: the text of the section says why."""

PAGE_WIDTH = 100
"""Columns of the page's prose."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One promise: what it is about, the limit, what was measured, and whether it holds."""

    what: str
    limit: str
    figure: str
    reached: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a head; the first column is left-aligned, the others right-aligned."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.head) for row in self.rows):
            raise ValueError(f"every row needs {len(self.head)} cells: {self.rows}")


@dataclass(frozen=True, slots=True)
class Section:
    """One subject of the page: how it was measured, what came out, which aims it met."""

    title: str
    text: str
    tables: tuple[Table, ...]
    aims: tuple[Aim, ...]


def at_most(what: str, figure: float, limit: float, unit: str) -> Aim:
    """An aim whose figure must not exceed the limit."""
    return Aim(what, f"≤ {number(limit)}{unit}", f"{number(figure)}{unit}", figure <= limit)


def at_least(what: str, figure: float, limit: float, unit: str) -> Aim:
    """An aim whose figure must not fall below the limit."""
    return Aim(what, f"≥ {number(limit)}{unit}", f"{number(figure)}{unit}", figure >= limit)


def median(figures: Iterable[float]) -> float:
    """The middle one; raises ValueError (statistics.StatisticsError) when there is none."""
    return statistics.median(figures)


def percentile(figures: Iterable[float], share: float) -> float:
    """The smallest figure that at least `share` (0 to 1) of them do not exceed (nearest rank)."""
    ordered = sorted(figures)
    if not ordered or not 0 < share <= 1:
        raise ValueError(f"no share {share} of {len(ordered)} figures")
    rank = -(-len(ordered) * share // 1)
    return ordered[int(rank) - 1]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of pairs measured one right after the other.

    A disturbance that lasts longer than one pair touches both halves and so cancels out, which
    the ratio of two medians would not do.
    """
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def number(figure: float) -> str:
    """Three significant digits, thousands separated: 1.17, 23.4, 12,300."""
    if figure == int(figure) and abs(figure) < 1_000_000_000:
        return f"{int(figure):,}"
    if abs(figure) >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.3g}"


def micro(seconds: float) -> str:
    """Seconds as microseconds."""
    return f"{number(seconds * 1e6)} µs"


def milli(seconds: float) -> str:
    """Seconds as milliseconds."""
    return f"{number(seconds * 1e3)} ms"


def ratio(figure: float) -> str:
    """How many times as much."""
    return f"{number(figure)} ×"


def percent(share: float) -> str:
    """A share as per cent."""
    return f"{number(share * 100)} %"


def markdown_table(table: Table) -> str:
    """A Markdown table."""
    rule = ["---", *["---:"] * (len(table.head) - 1)]
    lines = (table.head, rule, *table.rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def wrapped(text: str) -> str:
    """Paragraphs in lines of at most PAGE_WIDTH, whatever figures were put into them."""
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(textwrap.fill(" ".join(each.split()), PAGE_WIDTH) for each in paragraphs)


def aims_table(aims: Iterable[Aim]) -> Table:
    """The aims with their verdicts; what is missed stands out."""
    return Table(
        ("What", "aim", "measured", "verdict"),
        tuple(
            (aim.what, aim.limit, aim.figure, "reached" if aim.reached else "**missed**")
            for aim in aims
        ),
    )


def page(intro: str, sections: Sequence[Section]) -> str:
    """The whole page: introduction, all aims at a glance, then section after section."""
    aims = [aim for section in sections for aim in section.aims]
    reached = sum(aim.reached for aim in aims)
    parts = [
        "# Performance",
        wrapped(intro),
        f"## The aims: {reached} of {len(aims)} reached in this run",
        markdown_table(aims_table(aims)),
    ]
    for section in sections:
        parts += [f"## {section.title}", wrapped(section.text)]
        parts += [markdown_table(table) for table in section.tables]
    parts.append(
        "Fifty inverters through mixed doors, a tenth of them failing, for ten minutes:\n"
        "[performance-fleet.md](performance-fleet.md). The phone's door, its virtual radio and\n"
        "the images: [performance-phone.md](performance-phone.md)."
    )
    parts.append("Made by `make bench`; run it again, do not edit this page.")
    return "\n\n".join(parts) + "\n"
