"""`python -m server backup`, on folders as gateways leave them."""

import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.commands import archive, backup, restore
from server.commands.archive import MAX_SMALL_BYTES, ArchiveError
from server.commands.backup import (
    BUSY_TIMEOUT_S,
    HISTORY,
    MAX_PROFILES,
    PAGES_AT_ONCE,
    read_passphrase,
    without_secrets,
)

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its true cost is met elsewhere."""
    monkeypatch.setattr(archive, "SCRYPT_COST", 2)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder with a database that somebody is writing to."""
    folder = tmp_path / "data"
    (folder / "store").mkdir(parents=True)
    (folder / "profiles").mkdir()
    (folder / "profiles" / "mine.toml").write_text("# mine")
    settings = {"devices": [{"id": "a", "password": "hunter2"}], "api": {"port": 8081}}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "key.pem").write_text("a key")
    with closing(sqlite3.connect(folder / HISTORY)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE reading (value INTEGER)")
        writer.executemany("INSERT INTO reading VALUES (?)", [(each,) for each in range(5000)])
        writer.commit()
        writer.execute("INSERT INTO reading VALUES (-1)")  # Under way, not committed.
        yield folder


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    """A file with a passphrase."""
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    return path


def kept(data: Path, *options: str) -> Path:
    """Make a backup."""
    file = data.parent / "backup"
    assert 0 == backup.main([str(file), "--data", str(data), "--force", *options], {})
    return file


def test_everything_comes_back(data: Path, passphrase: Path) -> None:
    """Settings with passwords, the key, the owner's profiles, and committed readings alone."""
    file = kept(data, "--key", "--history", "--passphrase-file", str(passphrase))
    to = data.parent / "other"

    arguments = [str(file), "--data", str(to), "--passphrase-file", str(passphrase)]
    assert 0 == restore.main(arguments, {})

    assert (data / "settings.json").read_bytes() == (to / "settings.json").read_bytes()
    assert ("a key", "# mine") == (
        (to / "key.pem").read_text(),
        (to / "profiles" / "mine.toml").read_text(),
    )
    with closing(sqlite3.connect(to / HISTORY)) as history:
        assert (5000, 0) == history.execute("SELECT count(*), min(value) FROM reading").fetchone()


def test_without_a_passphrase_no_secret_is_kept(data: Path) -> None:
    """Neither the key nor a password."""
    with zipfile.ZipFile(kept(data)) as file:
        names = set(file.namelist())
        told = json.loads(file.read("settings.json"))

    assert {"settings.json", "profiles/mine.toml", "manifest.json"} == names
    assert {"devices": [{"id": "a", "password": ""}], "api": {"port": 8081}} == told


def test_a_new_box_does_not_become_the_old_ones_chip(data: Path, passphrase: Path) -> None:
    """Which chip a box has stays on that box."""
    (data / "secure_element.json").write_text("{}")

    with zipfile.ZipFile(kept(data, "--passphrase-file", str(passphrase))) as file:
        assert "secure_element.json" not in file.namelist()


def test_a_key_needs_a_passphrase(data: Path) -> None:
    """It leaves the box encrypted only."""
    with pytest.raises(ArchiveError, match="add --passphrase-file"):
        kept(data, "--key")


def test_a_box_with_a_chip_has_no_key_to_keep(data: Path, passphrase: Path) -> None:
    """It says so instead of making a backup that lacks it."""
    (data / "key.pem").unlink()

    with pytest.raises(ArchiveError, match="keeps its key in a chip"):
        kept(data, "--key", "--passphrase-file", str(passphrase))
    assert not (data.parent / "backup").exists()


def test_no_data_folder_is_said(tmp_path: Path) -> None:
    """A typing error makes no empty backup."""
    with pytest.raises(ArchiveError, match="there is no data folder"):
        kept(tmp_path / "dta")


def test_no_history_is_said(data: Path) -> None:
    """Asked for and not there."""
    (data / HISTORY).rename(data / "elsewhere")

    with pytest.raises(ArchiveError, match="leave out --history"):
        kept(data, "--history")


def test_a_damaged_history_is_said(data: Path) -> None:
    """And leaves nothing behind."""
    for path in (data / "store").iterdir():
        path.unlink()
    (data / HISTORY).write_bytes(b"no database " * 1000)

    with pytest.raises(ArchiveError, match="cannot be copied"):
        kept(data, "--history")
    assert ["data"] == [each.name for each in data.parent.iterdir()]


def test_a_file_that_cannot_be_right_is_refused(data: Path) -> None:
    """MAX_SMALL_BYTES, and MAX_PROFILES of them."""
    (data / "profiles" / "huge.toml").write_bytes(b" " * (MAX_SMALL_BYTES + 1))
    with pytest.raises(ArchiveError, match="it cannot be right"):
        kept(data)
    (data / "profiles" / "huge.toml").unlink()

    for number in range(MAX_PROFILES):
        (data / "profiles" / f"{number}.toml").touch()

    with pytest.raises(ArchiveError, match="more than 150 profiles"):
        kept(data)


def test_broken_settings_are_said() -> None:
    """A backup of rubbish would be noticed years later."""
    with pytest.raises(ArchiveError, match="repair it first"):
        without_secrets(b"{")


def test_the_copy_shows_its_progress(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Gigabytes take minutes; PAGES_AT_ONCE and BUSY_TIMEOUT_S keep it friendly to the writer."""
    kept(data, "--history")

    assert PAGES_AT_ONCE * 2048 < 8 * 1024**2 and BUSY_TIMEOUT_S >= 10
    assert "history: 100 %" in capsys.readouterr().err


def test_an_unreadable_passphrase_is_said(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(ArchiveError, match="cannot be read"):
        read_passphrase(tmp_path / "none", twice=False)


def test_a_typed_passphrase_is_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the finger would make the backup worthless."""
    typed = iter(["correct horse battery", "correct horse batery"])
    monkeypatch.setattr(backup.getpass, "getpass", lambda _: next(typed))

    with pytest.raises(ArchiveError, match="not the same"):
        read_passphrase(Path("-"), twice=True)
