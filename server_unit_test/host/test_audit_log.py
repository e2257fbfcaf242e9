"""The audit log on disk: whole lines, bounded files, nothing lost by a cut or a full disk."""

import errno
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from server.errors import SettingsError
from server.host import audit_log
from server.host.audit_log import (
    AUDIT_FOLDER,
    CHANGES_FILE,
    MAX_AUDIT_FILE_BYTES,
    MAX_CHANGES_FILES,
    MAX_LINE_BYTES,
    MAX_REFUSED_FILES,
    REFUSED_FILE,
    AuditLog,
)
from server.model.audit import MAX_ABOUT, MAX_AUDIT_PAGE, AuditEntry, AuditRange, Door
from server.model.reading import ClockQuality

ENTRY = AuditEntry(
    1_750_000_000_000,
    ClockQuality.SYNCED,
    "owner",
    "192.0.2.9",
    Door.HTTPS,
    "POST",
    "/api/settings",
    200,
    ("harvest.endpoints", "name"),
)
REFUSED = replace(ENTRY, who="nobody", status=401, about=())
NEWEST = AuditRange()


def numbers(log: AuditLog, wanted: AuditRange = NEWEST) -> list[int]:
    """Of a page."""
    return [each.number for each in log.page(wanted)]


def changes(data: Path) -> Path:
    """The file that grows."""
    return data / AUDIT_FOLDER / CHANGES_FILE


def test_an_entry_comes_back_as_it_was(tmp_path: Path) -> None:
    """With its number."""
    log = AuditLog(tmp_path)

    log.append([ENTRY])

    assert (replace(ENTRY, number=1),) == log.page(NEWEST)


def test_the_newest_come_first_page_by_page(tmp_path: Path) -> None:
    """Each page goes on below the last number of the one before."""
    log = AuditLog(tmp_path)
    log.append([ENTRY] * 7)

    pages = [numbers(log, AuditRange(before, 3)) for before in (0, 5, 2)]

    assert [[7, 6, 5], [4, 3, 2], [1]] == pages


def test_a_page_is_bounded(tmp_path: Path) -> None:
    """Whatever is asked for."""
    log = AuditLog(tmp_path)
    log.append([ENTRY] * (MAX_AUDIT_PAGE + 1))

    assert MAX_AUDIT_PAGE == len(log.page(AuditRange(limit=10**9)))


def test_refusals_have_a_log_of_their_own(tmp_path: Path) -> None:
    """However many come, what was done stays."""
    log = AuditLog(tmp_path)
    log.append([ENTRY])
    for _ in range(40):
        log.append([REFUSED] * 100)

    assert [1] == numbers(log)
    assert 401 == log.page(AuditRange(refused=True, limit=1))[0].status


def test_numbers_go_on_over_a_restart(tmp_path: Path) -> None:
    """So that what is missing can be seen."""
    AuditLog(tmp_path).append([ENTRY, ENTRY])

    again = AuditLog(tmp_path)
    again.append([ENTRY])

    assert [3, 2, 1] == numbers(again)


def test_files_are_bounded_in_size_and_number(tmp_path: Path) -> None:
    """The oldest go; numbers go on."""
    log = AuditLog(tmp_path)
    for _ in range(80):
        log.append([ENTRY] * 100)

    found = sorted((tmp_path / AUDIT_FOLDER).iterdir())

    assert MAX_CHANGES_FILES == len(found)
    assert all(each.stat().st_size <= MAX_AUDIT_FILE_BYTES for each in found)
    assert 8000 == log.page(AuditRange(limit=1))[0].number
    assert 1000 < len(log.export().splitlines()) < 8000


def test_refusals_take_less_room(tmp_path: Path) -> None:
    """They matter less, and strangers cause them."""
    log = AuditLog(tmp_path)
    for _ in range(80):
        log.append([REFUSED] * 100)

    found = list((tmp_path / AUDIT_FOLDER).glob(f"{REFUSED_FILE}*"))

    assert MAX_REFUSED_FILES == len(found) < MAX_CHANGES_FILES


def test_a_page_reaches_into_older_files(tmp_path: Path) -> None:
    """Where the newest file has just been begun."""
    log = AuditLog(tmp_path)
    while not changes(tmp_path).with_name(f"{CHANGES_FILE}.1").exists():
        log.append([ENTRY] * 100)

    found = numbers(log)

    assert list(range(found[0], found[0] - MAX_AUDIT_PAGE, -1)) == found


def test_it_is_for_the_box_alone(tmp_path: Path) -> None:
    """Nobody else on the machine reads who did what."""
    AuditLog(tmp_path).append([ENTRY])

    assert 0o600 == stat.S_IMODE(changes(tmp_path).stat().st_mode)


@pytest.mark.parametrize("left", range(1, 60, 7))
def test_a_line_torn_by_a_power_cut_is_passed_over(tmp_path: Path, left: int) -> None:
    """The next entry begins on a line of its own, with the next number."""
    AuditLog(tmp_path).append([ENTRY, ENTRY])
    content = changes(tmp_path).read_bytes()
    half = content.index(b"\n") + 1
    changes(tmp_path).write_bytes(content[: half + left])

    again = AuditLog(tmp_path)
    again.append([ENTRY])

    assert [2, 1] == numbers(again)
    assert all(json.loads(line)["number"] for line in again.export().splitlines())


def test_zeros_at_the_end_are_passed_over(tmp_path: Path) -> None:
    """As some file systems leave them after a power cut."""
    AuditLog(tmp_path).append([ENTRY])
    with changes(tmp_path).open("ab") as file:
        file.write(b"\0" * 4096)

    again = AuditLog(tmp_path)
    again.append([ENTRY])

    assert [2, 1] == numbers(again)


@pytest.mark.parametrize(
    "line",
    [b"rubbish", b"[]", b"{}", b'{"number": "x"}', b"\xff\xfe", b"[" * 5000, b"x" * 20_000],
)
def test_a_line_that_is_no_entry_stops_nothing(tmp_path: Path, line: bytes) -> None:
    """Whatever wrote it."""
    log = AuditLog(tmp_path)
    log.append([ENTRY])
    with changes(tmp_path).open("ab") as file:
        file.write(line + b"\n")

    log.append([ENTRY])

    assert [2, 1] == numbers(log)
    assert 2 == len(log.export().splitlines())


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes that still fitted are cut away; the words say what to look at."""
    log = AuditLog(tmp_path)
    log.append([ENTRY])
    before = changes(tmp_path).read_bytes()
    real, calls = os.write, []

    def nearly_full(handle: int, content: bytes) -> int:
        calls.append(handle)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, content[:20])

    monkeypatch.setattr(audit_log.os, "write", nearly_full)
    with pytest.raises(SettingsError, match="No space left.*check the disk"):
        log.append([ENTRY])
    monkeypatch.undo()

    assert before == changes(tmp_path).read_bytes()
    log.append([ENTRY])
    assert [2, 1] == numbers(log)


def test_changes_are_synced_and_refusals_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is refused cannot wear the card out."""
    log = AuditLog(tmp_path)
    log.append([ENTRY, REFUSED])
    synced: list[int] = []
    monkeypatch.setattr(audit_log.os, "fsync", synced.append)

    log.append([REFUSED])
    assert [] == synced

    log.append([ENTRY])
    assert 1 == len(synced)


def test_a_place_that_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    """For writing as for reading."""
    (tmp_path / AUDIT_FOLDER).write_text("in the way")
    log = AuditLog(tmp_path)

    with pytest.raises(SettingsError, match="check the disk"):
        log.append([ENTRY])
    with pytest.raises(SettingsError, match="check the disk"):
        log.page(NEWEST)


def test_an_entry_that_names_too_much_keeps_who_did_it(tmp_path: Path) -> None:
    """Its line stays short."""
    log = AuditLog(tmp_path)

    log.append([replace(ENTRY, about=("\U0001f409" * 100,) * MAX_ABOUT)])

    assert ("owner", ()) == (log.page(NEWEST)[0].who, log.page(NEWEST)[0].about)
    assert MAX_LINE_BYTES > changes(tmp_path).stat().st_size


def test_nothing_to_keep_touches_no_disk(tmp_path: Path) -> None:
    """Not even a folder."""
    AuditLog(tmp_path).append([])

    assert [] == [*tmp_path.iterdir()]
    assert () == AuditLog(tmp_path).page(NEWEST)
