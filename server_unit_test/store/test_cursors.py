"""Cursors survive restarts, and what a sink is owed is counted exactly."""

import sqlite3
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from server.model.cursor import Cursor, Span
from server.store import cursors
from server.store.cursors import REASON_MAX_CHARS
from server.store.migrations import migrate
from server_unit_test.store.samples import START_MS, opened


@given(
    st.integers(0, 60),
    st.sets(st.integers(0, 60), max_size=8),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_what_is_owed_is_counted_position_by_position(
    live: int, edges: set[int], first: int, second: int
) -> None:
    """Beyond the live edge, and inside the gaps below it."""
    ordered = sorted(edge for edge in edges if edge <= live)
    pairs = zip(ordered[::2], ordered[1::2], strict=False)
    cursor = Cursor(live, tuple(Span(after, upto) for after, upto in pairs))
    after, upto = min(first, second), max(first, second)
    not_taken = {
        position
        for position in range(after + 1, upto + 1)
        if position > live or any(gap.after < position <= gap.upto for gap in cursor.gaps)
    }

    assert len(not_taken) == cursors.owed(cursor, after, upto)


def test_cursors_are_stored_over_one_another() -> None:
    """With their gaps."""
    first, second = Cursor(9, (Span(1, 2), Span(4, 8))), Cursor(12)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as sql:
        migrate(sql)
        cursors.save(sql, {"a": first, "b": first})
        cursors.save(sql, {"b": second})

        assert {"a": first, "b": second} == cursors.load(sql)


def test_pruning_moves_only_what_it_meets() -> None:
    """And counts only sinks that lost something."""
    stored = {"done": Cursor(9), "behind": Cursor(2), "gap": Cursor(9, (Span(1, 7),))}

    moved, lost = cursors.pruned(stored, 0, 4)

    assert {"behind": Cursor(4), "gap": Cursor(9, (Span(4, 7),))} == moved
    assert {"behind": 2, "gap": 3} == lost


def test_a_refusal_is_noted_once_and_cut(tmp_path: Path) -> None:
    """The reason comes from outside: at most REASON_MAX_CHARS of it are kept."""
    with opened(tmp_path) as store:
        for reason in ("first", "x" * (REASON_MAX_CHARS + 1)):
            store.writer.quarantine("a", 7, reason, START_MS)
        rows = store.writer._connection.sql.execute("SELECT * FROM quarantine").fetchall()

    assert [("a", 7, "x" * REASON_MAX_CHARS, START_MS)] == rows
