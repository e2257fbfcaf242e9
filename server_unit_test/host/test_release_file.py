"""What is remembered of releases survives, and nothing in it can keep a box from starting."""

from pathlib import Path

import pytest

from server.errors import SettingsError
from server.host.release_file import (
    FALLBACK_FILE,
    MAX_FALLBACK_BYTES,
    MAX_RELEASE_BYTES,
    MAX_VERSION_LENGTH,
    RELEASE_FILE,
    ReleaseFile,
)
from server.model.release import Attempt, Fallback, Release
from server.model.setting import MAX_DEVICES, MAX_NAME_LENGTH

FULL = Release("0.1.0", "0.2.0", Attempt("0.2.0", 1_750_000_000_000, 2, ("roof", "ä b"), "why"))


@pytest.mark.parametrize("release", [FULL, Release("1.0.0", "1.0.0")])
def test_what_is_written_is_read(tmp_path: Path, release: Release) -> None:
    """All of it; nothing at the first start."""
    keeper = ReleaseFile(tmp_path)

    assert keeper.read() is None
    keeper.write(release)
    assert release == ReleaseFile(tmp_path).read()


def test_the_largest_plant_fits(tmp_path: Path) -> None:
    """MAX_DEVICES with the longest of names, in the widest of letters, within MAX_RELEASE_BYTES."""
    names = tuple(
        f"{number:04}".ljust(MAX_NAME_LENGTH, "\U0001f600") for number in range(MAX_DEVICES)
    )
    release = Release("1", "2", Attempt("2", 0, 1, names))

    ReleaseFile(tmp_path).write(release)

    assert release == ReleaseFile(tmp_path).read()


def test_a_shell_script_finds_the_proven_version(tmp_path: Path) -> None:
    """deploy/egret-start looks for this line, and for no other."""
    ReleaseFile(tmp_path).write(FULL)

    lines = (tmp_path / RELEASE_FILE).read_text().splitlines()

    assert 1 == lines.count(' "proven": "0.1.0",')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"proven": 1, "running": "1", "trial": null}',
        b'{"proven": "", "running": "1", "trial": null}',
        b'{"proven": "1", "running": "1", "trial": 5}',
        b'{"proven": "1", "running": "1", "trial": {"version": "2"}}',
        b'{"proven": "1", "running": "%s", "trial": null}' % (b"1" * (MAX_VERSION_LENGTH + 1)),
        b'{"proven": "1", "running": "1", "trial": {"version": "2", "since_ms": 0, "tries": 0,'
        b' "failed": "", "devices": "roof"}}',
        b"[" * 100_000,
        b" " * (MAX_RELEASE_BYTES + 1),
    ],
)
def test_a_broken_file_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    """Then the version that runs counts as proven, which costs a way back and no reading."""
    (tmp_path / RELEASE_FILE).write_bytes(content)

    assert ReleaseFile(tmp_path).read() is None


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With its path."""
    (tmp_path / RELEASE_FILE).mkdir()

    with pytest.raises(SettingsError, match=RELEASE_FILE):
        ReleaseFile(tmp_path).write(FULL)
    assert ReleaseFile(tmp_path).read() is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"0.2.0 it ended 3 times\n", Fallback("0.2.0", "it ended 3 times")),
        (b"0.2.0\n", Fallback("0.2.0", "")),
        (b"\n", None),
        (b"\xff\xfe", None),
        (b"0.2.0 \x1b[31mred", None),
        (b"1" * (MAX_VERSION_LENGTH + 1), None),
        (b"1 " * MAX_FALLBACK_BYTES, None),
    ],
)
def test_a_supervisors_note_is_read(
    tmp_path: Path, content: bytes, expected: Fallback | None
) -> None:
    """One line, version first; anything else is no note."""
    assert ReleaseFile(tmp_path).fallback() is None
    (tmp_path / FALLBACK_FILE).write_bytes(content)

    assert expected == ReleaseFile(tmp_path).fallback()
