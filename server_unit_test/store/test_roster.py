"""Each device has one small number for ever."""

import sqlite3
from contextlib import closing

from server.store.migrations import migrate
from server.store.roster import number, save_newest


def test_new_devices_get_the_next_numbers() -> None:
    """Known ones keep theirs; what was known is not changed, for the case of a rollback."""
    known = {"A1": 4}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as sql:
        migrate(sql)

        assert known is number(sql, known, ["A1", "A1"])
        assert {"A1": 4, "B2": 5, "C3": 6} == number(sql, known, ["C3", "A1", "B2"])
        assert [(5, "B2"), (6, "C3")] == sql.execute("SELECT id, name FROM devices").fetchall()
        assert {"A1": 4} == known


def test_the_newest_time_of_each_device_is_kept() -> None:
    """The last one said counts."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as sql:
        migrate(sql)
        number(sql, {}, ["A1", "B2"])
        save_newest(sql, {1: (10, 1000), 2: (11, 900)})
        save_newest(sql, {1: (12, 800)})

        assert [(800,), (900,)] == sql.execute(
            "SELECT last_taken_at_ms FROM devices ORDER BY id"
        ).fetchall()
