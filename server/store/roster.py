"""The devices that ever had a reading: the small number that stands for each, and its newest.

Statements within the writer's transaction; nothing is remembered here.
"""

import sqlite3
from collections.abc import Iterable, Mapping


def number(
    sql: sqlite3.Connection, known: Mapping[str, int], names: Iterable[str]
) -> Mapping[str, int]:
    """The numbers of all devices; those that have none yet are given one."""
    missing = set(names) - known.keys()
    if not missing:
        return known
    numbers = dict(known)
    for name in sorted(missing):
        numbers[name] = max(numbers.values(), default=0) + 1
        sql.execute(
            "INSERT INTO devices (id, name, last_taken_at_ms) VALUES (?, ?, 0)",
            (numbers[name], name),
        )
    return numbers


def save_newest(sql: sqlite3.Connection, newest: Mapping[int, tuple[int, int]]) -> None:
    """Write when the newest record of each device, (position, taken_at_ms), was taken."""
    sql.executemany(
        "UPDATE devices SET last_taken_at_ms = ?1 WHERE id = ?2 AND last_taken_at_ms <> ?1",
        [(taken_at_ms, number) for number, (_, taken_at_ms) in newest.items()],
    )
