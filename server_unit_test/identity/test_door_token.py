"""The Bluetooth service's own token."""

import stat
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest

from server.errors import IdentityError
from server.identity.door_token import (
    DOOR_SCOPES,
    DOOR_TOKEN_FILE,
    MAX_DOOR_TOKEN_BYTES,
    load_or_make,
)
from server.ledger.entry import Entry
from server.model.access import TOKEN_SECRET_BYTES, Book, Scope


def credential_in(folder: Path) -> str:
    return (folder / DOOR_TOKEN_FILE).read_text().strip()


def test_the_first_start_makes_it_for_two_programs_alone(tmp_path: Path) -> None:
    """0600 from the moment it exists; what it may do is never to write to devices."""
    token = load_or_make(tmp_path)

    caller = Entry(Book(), [token]).view.of_token(credential_in(tmp_path))

    assert caller is not None and DOOR_SCOPES == caller.scopes
    assert Scope.CONTROL not in caller.scopes and not caller.owner
    assert TOKEN_SECRET_BYTES == len(urlsafe_b64decode(credential_in(tmp_path)[16:] + "="))
    assert 0o600 == stat.S_IMODE((tmp_path / DOOR_TOKEN_FILE).stat().st_mode)
    assert credential_in(tmp_path) not in repr(token)


def test_a_restart_finds_it_again(tmp_path: Path) -> None:
    """The service need not be told anything."""
    assert load_or_make(tmp_path) == load_or_make(tmp_path)


def test_without_its_file_a_new_one_is_made(tmp_path: Path) -> None:
    """So that is how it is taken back."""
    first = load_or_make(tmp_path)
    (tmp_path / DOOR_TOKEN_FILE).unlink()

    assert first.digest != load_or_make(tmp_path).digest


@pytest.mark.parametrize(
    "content",
    [b"", b"rubbish", b"egret_bluetooth_short", b"\xff" * 60, b"egret_other_" + b"x" * 43],
)
def test_a_damaged_file_is_replaced(tmp_path: Path, content: bytes) -> None:
    """A guessable token is none."""
    (tmp_path / DOOR_TOKEN_FILE).write_bytes(content)
    (tmp_path / DOOR_TOKEN_FILE).chmod(0o600)

    load_or_make(tmp_path)

    assert credential_in(tmp_path).startswith("egret_bluetooth_")
    assert len("egret_bluetooth_") + 43 == len(credential_in(tmp_path))


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """MAX_DOOR_TOKEN_BYTES and no more."""
    text = "egret_bluetooth_".ljust(MAX_DOOR_TOKEN_BYTES + 1, "x")
    (tmp_path / DOOR_TOKEN_FILE).write_text(text)
    (tmp_path / DOOR_TOKEN_FILE).chmod(0o600)

    load_or_make(tmp_path)

    assert text != credential_in(tmp_path)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_file_that_others_could_read_is_replaced(tmp_path: Path, mode: int) -> None:
    """Somebody may have."""
    first = load_or_make(tmp_path)
    (tmp_path / DOOR_TOKEN_FILE).chmod(mode)

    assert first.digest != load_or_make(tmp_path).digest
    assert 0o600 == stat.S_IMODE((tmp_path / DOOR_TOKEN_FILE).stat().st_mode)


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """In words that name the file; the gateway goes on without."""
    (tmp_path / DOOR_TOKEN_FILE).mkdir()

    with pytest.raises(IdentityError, match=DOOR_TOKEN_FILE):
        load_or_make(tmp_path)
