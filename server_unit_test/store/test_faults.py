"""Each error of SQLite has one meaning."""

import sqlite3
from pathlib import Path

import pytest

from server.errors import StoreFull, StoreUnavailable
from server.store.faults import (
    NO_SPACE_LIMIT_BYTES,
    SUSPECT_NAME,
    code_of,
    is_damage,
    suspect,
    translate,
)

SQLITE_IOERR_WRITE = 778


def raised(code: int) -> sqlite3.Error:
    """An error of that (extended) code."""
    error = sqlite3.OperationalError("words of SQLite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "free", "expected", "is_suspect"),
    [
        (sqlite3.SQLITE_FULL, 10**9, StoreFull, False),
        (SQLITE_IOERR_WRITE, NO_SPACE_LIMIT_BYTES - 1, StoreFull, False),
        (SQLITE_IOERR_WRITE, NO_SPACE_LIMIT_BYTES, StoreUnavailable, False),
        (sqlite3.SQLITE_BUSY, 0, StoreUnavailable, False),
        (sqlite3.SQLITE_INTERRUPT, 0, StoreUnavailable, False),
        (sqlite3.SQLITE_READONLY, 0, StoreUnavailable, False),
        (sqlite3.SQLITE_CORRUPT, 0, StoreUnavailable, True),
        (sqlite3.SQLITE_NOTADB, 0, StoreUnavailable, True),
    ],
)
def test_every_code_is_full_or_unavailable(
    tmp_path: Path, code: int, free: int, expected: type[Exception], is_suspect: bool
) -> None:
    """And damage leaves a mark for the next start."""
    fault = translate(raised(code), tmp_path, lambda: free)

    assert (expected, is_suspect) == (type(fault), (tmp_path / SUSPECT_NAME).exists())


def test_extended_codes_are_reduced() -> None:
    """An error that did not come from SQLite has none."""
    assert sqlite3.SQLITE_IOERR == code_of(raised(SQLITE_IOERR_WRITE))
    assert (0, False) == (code_of(sqlite3.Error()), is_damage(sqlite3.Error()))


def test_a_mark_that_cannot_be_left_is_no_error(tmp_path: Path) -> None:
    """The disk may take no file at all."""
    suspect(tmp_path / "missing")

    assert not (tmp_path / "missing").exists()
