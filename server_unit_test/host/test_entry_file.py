"""Who may enter, on disk."""

import json
from pathlib import Path

import pytest

from server.errors import SettingsError
from server.host.entry_file import BROKEN_KEPT, ENTRY_FILE, MAX_ENTRY_BYTES, EntryFile
from server.model.access import MAX_TOKENS, Book, Password, Scope, Token

BOOK = Book(
    Password(b"salt", b"digest", 16384, 8, 1),
    (Token("00c0ffee", "Home Assistant", frozenset({Scope.READ, Scope.CONTROL}), "ab" * 32, 5),),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """For its owner's eyes alone."""
    EntryFile(tmp_path).write(BOOK)
    file = EntryFile(tmp_path)

    assert (BOOK, "") == (file.read(), file.problem)
    assert 0o600 == (tmp_path / ENTRY_FILE).stat().st_mode & 0o777


def test_a_new_box_has_an_empty_book(tmp_path: Path) -> None:
    """And no problem."""
    file = EntryFile(tmp_path)

    assert (Book(), "") == (file.read(), file.problem)


def spoiled(**changes: object) -> bytes:
    """A book that was right but for this."""
    told = {"version": 1, "password": None, "tokens": []}
    return json.dumps(told | changes).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"[" * 60_000,
        b" " * (MAX_ENTRY_BYTES + 1) + b"{}",
        spoiled(version=2),
        spoiled(password=5),
        spoiled(password={"salt": "zz"}),
        spoiled(tokens=[{}]),
        spoiled(
            tokens=[{"id": "a", "name": "b", "scopes": ["all"], "digest": "", "made_at_ms": 0}]
        ),
        spoiled(tokens=[None] * (MAX_TOKENS + 1)),
    ],
)
def test_a_broken_book_lets_nobody_in(content: bytes, tmp_path: Path) -> None:
    """It is claimed, by nobody; the file stays, and the owner is told what to do."""
    (tmp_path / ENTRY_FILE).write_bytes(content)
    file = EntryFile(tmp_path)

    book = file.read()

    assert (True, True, ()) == (book.broken, book.claimed, book.tokens)
    assert "claim the box again" in file.problem
    assert content == (tmp_path / ENTRY_FILE).read_bytes()


def test_a_broken_book_is_set_aside_when_a_new_one_is_written(tmp_path: Path) -> None:
    """BROKEN_KEPT of them."""
    assert BROKEN_KEPT >= 1
    (tmp_path / ENTRY_FILE).write_bytes(b"{")
    file = EntryFile(tmp_path)
    file.read()

    file.write(BOOK)

    assert BOOK == EntryFile(tmp_path).read()
    assert [b"{"] == [
        each.read_bytes() for each in tmp_path.iterdir() if each.name.startswith(ENTRY_FILE + ".")
    ]


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    """And the old book counts."""
    (tmp_path / "data").touch()

    with pytest.raises(SettingsError, match="check the disk"):
        EntryFile(tmp_path / "data").write(BOOK)
