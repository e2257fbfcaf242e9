"""Where a key stands, and what a table refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.scenario_text import MAX_TEXT_CHARACTERS, Place, ScenarioError, Table, lines_of


def table(**data: object) -> Table:
    """A table of a file named f."""
    return Table(data, Place("f", {}))


def test_lines_are_found() -> None:
    """Keys of arrays of tables, of tables inside them, dotted and quoted ones."""
    text = 'a = 1\n[[s]]\nb = 2\n[s.t]\nc.d = 3\n[[s]]\n"b" = 4\n[u]\ne = 5'

    assert {
        "a": 1,
        "s[0]": 2,
        "s[0].b": 3,
        "s[0].t": 4,
        "s[0].t.c": 5,
        "s[1]": 6,
        "s[1].b": 7,
        "u": 8,
        "u.e": 9,
    } == lines_of(text)


def test_a_key_without_a_line_gets_its_tables() -> None:
    """What is written inline is named at the nearest line that is known."""
    place = Place("f", {"s[0]": 4})

    assert "f:4: s[0].b.c: no" == str(place.error("s[0].b.c", "no"))
    assert "f:1: x: no" == str(place.error("x", "no"))


def test_texts_are_short_and_printable() -> None:
    """A text that would spoil a terminal, or is too long, is refused."""
    with pytest.raises(ScenarioError, match="one line of at most"):
        table(a="x" * (MAX_TEXT_CHARACTERS + 1)).text("a")
    with pytest.raises(ScenarioError, match="all printable"):
        table(a="\x1b[2J").text("a")


@pytest.mark.parametrize("value", [True, "1", [1], 10**400, float("nan")])
def test_numbers_are_finite(value: object) -> None:
    """Neither truth nor text nor infinity is a number."""
    with pytest.raises(ScenarioError, match="write a number"):
        table(a=value).number("a", 0.0)


def test_what_nobody_asked_for_is_refused() -> None:
    """An unknown key is named together with the known ones."""
    asked = table(a=1, b=2)
    asked.whole("a", 0)

    with pytest.raises(ScenarioError, match="f:1: b: no such key; there are: a"):
        asked.no_more()


@given(st.text(alphabet="[]=.'\"ab-\n #", max_size=60))
def test_lines_exist(text: str) -> None:
    """Whatever the text, every line found is one of its lines."""
    assert all(1 <= line <= text.count("\n") + 1 for line in lines_of(text).values())
