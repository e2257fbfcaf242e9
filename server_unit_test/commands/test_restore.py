"""`python -m server restore`, also of files that come from anywhere."""

import io
from pathlib import Path

import pytest

from server.commands import restore
from server.commands.archive import MAX_SMALL_BYTES, ArchiveError, Writer
from server.errors import SettingsError
from server.host import instance


def written(path: Path, members: dict[str, bytes]) -> Path:
    """An archive of these, made by nobody we know."""
    with path.open("wb") as file, Writer(file, "") as writer:
        for name, content in members.items():
            writer.add(name, io.BytesIO(content))
        writer.finish("9.9.9", 0)
    return path


def test_what_was_there_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the owner is told where."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.json").write_text("old")
    file = written(tmp_path / "backup", {"settings.json": b"new"})

    assert 0 == restore.main([str(file), "--data", str(data)], {})

    assert ("new", "old") == (
        (data / "settings.json").read_text(),
        (data / "before-restore-1" / "settings.json").read_text(),
    )
    said = capsys.readouterr().err
    assert "before-restore-1" in said and "made by version 9.9.9" in said


@pytest.mark.parametrize(
    "name",
    [
        "../key.pem",
        "/etc/passwd",
        "profiles/../../key.pem",
        "profiles/.toml",
        "profiles/a/b.toml",
        "lock",
        "store/other.sqlite3",
        "profiles/x.toml\n",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    """Before anything is unpacked."""
    file = written(tmp_path / "backup", {"settings.json": b"new", name: b"evil"})
    data = tmp_path / "data"

    with pytest.raises(ArchiveError, match="which no gateway has"):
        restore.main([str(file), "--data", str(data)], {})

    assert ["lock"] == [each.name for each in data.iterdir()]


def test_a_huge_small_file_is_refused(tmp_path: Path) -> None:
    """Only the history may be large."""
    file = written(tmp_path / "backup", {"settings.json": b" " * (MAX_SMALL_BYTES + 1)})

    with pytest.raises(ArchiveError, match="larger in this backup than it can be"):
        restore.main([str(file), "--data", str(tmp_path / "data")], {})


def test_a_running_gateway_is_not_restored_into(tmp_path: Path) -> None:
    """Two writers of one folder would each believe they are alone."""
    file = written(tmp_path / "backup", {"settings.json": b"new"})

    with instance.lock(tmp_path / "data"), pytest.raises(SettingsError, match="stop it"):
        restore.main([str(file), "--data", str(tmp_path / "data")], {})


def test_no_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    """The command line says it in words."""
    with pytest.raises(FileNotFoundError):
        restore.main([str(tmp_path / "none"), "--data", str(tmp_path / "data")], {})
