"""Rows go in at once; only what is in the way is looked at one by one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.store.insertion import free_ms, insert
from server.store.migrations import migrate
from server.store.packing import Row


@pytest.fixture
def sql() -> Iterator[sqlite3.Connection]:
    """An empty database in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        yield connection


def row(position: int, sequence: int, at_ms: int, device: int = 1) -> Row:
    """A row with nothing in it."""
    return (position, 7, sequence, device, at_ms, 0, 1, b"", b"", 0)


def test_rows_without_conflict_go_in_at_once(sql: sqlite3.Connection) -> None:
    """As they are, in one statement."""
    asked: list[str] = []
    sql.set_trace_callback(asked.append)
    rows = [row(1, 1, 10), row(2, 2, 11)]

    added = insert(sql, rows)

    assert rows == list(added)
    assert not [each for each in asked if "SELECT" in each]


def test_conflicts_leave_no_hole_in_the_positions(sql: sqlite3.Connection) -> None:
    """What is there is left out, what clashes moves on, and positions follow one another."""
    insert(sql, [row(1, 1, 10), row(2, 2, 11)])

    added = insert(sql, [row(3, 2, 11), row(4, 3, 10), row(5, 1, 10), row(6, 4, 10, device=2)])

    assert [row(3, 3, 12), row(4, 4, 10, device=2)] == list(added)


@given(st.lists(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 5)), max_size=8), max_size=6))
def test_no_device_ever_has_a_millisecond_twice(batches: list[list[tuple[int, int]]]) -> None:
    """And each reading lands on the first one that is free from its own on."""
    expected: dict[int, set[int]] = {1: set(), 2: set()}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as sql:
        migrate(sql)
        head = 0
        for batch in batches:
            rows = [row(head + n, head + n, at, dev) for n, (dev, at) in enumerate(batch, 1)]
            added = insert(sql, rows)
            head += len(batch)
            for each, (device, at_ms) in zip(added, batch, strict=True):
                while at_ms in expected[device]:
                    at_ms += 1
                expected[device].add(at_ms)
                assert at_ms == each[4]


def test_the_first_free_millisecond_is_the_devices_own(sql: sqlite3.Connection) -> None:
    """Others' readings are not in its way."""
    insert(sql, [row(1, 1, 10), row(2, 2, 11), row(3, 3, 12, device=2)])

    assert (12, 13, 9) == (free_ms(sql, 1, 10), free_ms(sql, 2, 12), free_ms(sql, 1, 9))
