"""Small texts under a key: marks and leases that must survive a restart, and no files."""

import sqlite3

MEMORY_VALUE_MAX_BYTES = 64 * 1024
"""Largest value kept: what is larger belongs into a file or a table of its own."""


def remember(sql: sqlite3.Connection, key: str, value: bytes | str) -> None:
    """Keep `value` over what was there. Raises ValueError when it is too large."""
    text = value.decode() if isinstance(value, bytes) else value
    if len(text.encode()) > MEMORY_VALUE_MAX_BYTES:
        raise ValueError(f"{key}: at most {MEMORY_VALUE_MAX_BYTES} bytes can be remembered")
    sql.execute("INSERT OR REPLACE INTO memory (key, value) VALUES (?, ?)", (key, text))


def recall(sql: sqlite3.Connection, key: str) -> str | None:
    """What was last remembered, None if nothing."""
    row = sql.execute("SELECT value FROM memory WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])
