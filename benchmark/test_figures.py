"""The arithmetic and the tables of the benchmark."""

import pytest

from benchmark.figures import (
    Aim,
    Section,
    Table,
    aims_table,
    at_least,
    at_most,
    markdown_table,
    median_ratio,
    number,
    page,
    percentile,
)


def test_a_percentile_is_a_figure_that_was_measured() -> None:
    """The nearest rank is taken, without inventing a figure between two."""
    figures = [5.0, 1.0, 4.0, 2.0, 3.0]

    assert [1.0, 3.0, 5.0, 5.0] == [percentile(figures, share) for share in (0.2, 0.5, 0.99, 1)]


@pytest.mark.parametrize(("figures", "share"), [([], 0.5), ([1.0], 0), ([1.0], 1.1)])
def test_a_percentile_of_nothing_is_refused(figures: list[float], share: float) -> None:
    """There is no percentile without figures, nor one outside 0 to 1."""
    with pytest.raises(ValueError, match="no share"):
        percentile(figures, share)


def test_a_disturbance_of_one_pair_does_not_move_the_ratio() -> None:
    """Ratios are taken pair by pair, so a pause that hits both halves cancels out."""
    ours, theirs = [2.0, 20.0, 2.0], [1.0, 10.0, 1.0]

    assert 2.0 == median_ratio(ours, theirs)


def test_pairs_that_do_not_match_are_refused() -> None:
    """A ratio needs as many of the one as of the other."""
    with pytest.raises(ValueError, match="shorter|longer"):
        median_ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("figure", "text"),
    [(0.5312, "0.531"), (1.0, "1"), (23.44, "23.4"), (312.6, "313"), (12_345.6, "12,346")],
)
def test_a_number_has_three_digits(figure: float, text: str) -> None:
    """Numbers are short and thousands are separated."""
    assert text == number(figure)


def test_an_aim_is_reached_at_its_limit_and_missed_beyond() -> None:
    """The limit itself still counts."""
    aims = [
        at_most("a", 2.0, 2.0, " ×"),
        at_most("a", 2.01, 2.0, " ×"),
        at_least("b", 0.9, 0.9, " ×"),
        at_least("b", 0.89, 0.9, " ×"),
    ]

    assert [True, False, True, False] == [aim.reached for aim in aims]


def test_a_table_is_markdown() -> None:
    """Figures stand at the right."""
    table = Table(("What", "ours"), (("dispatch", "1 µs"),))

    assert "| What | ours |\n| --- | ---: |\n| dispatch | 1 µs |" == markdown_table(table)


def test_a_row_that_does_not_fit_its_head_is_refused() -> None:
    """A cell is never lost between two columns."""
    with pytest.raises(ValueError, match="2 cells"):
        Table(("a", "b"), (("c",),))


def test_a_missed_aim_is_listed_as_missed() -> None:
    """Nothing is left out because it looks bad."""
    rows = aims_table([Aim("a", "≤ 1", "2", False), Aim("b", "≤ 1", "1", True)]).rows

    assert ["**missed**", "reached"] == [row[3] for row in rows]


def test_the_page_counts_the_aims_of_every_section() -> None:
    """The head of the page says how many aims there are and how many hold."""
    missed, met = Aim("a", "≤ 1", "2", False), Aim("b", "≤ 1", "1", True)
    sections = [Section("One", "text", (), (missed,)), Section("Two", "text", (), (met,))]

    assert "## The aims: 1 of 2 reached in this run" in page("Intro.", sections)
