"""Entries are written off the engine thread, in order; a disk that fails holds nothing up."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from server.engine.task import Again, Done, Ok, Outcome, Submission
from server.errors import SettingsError
from server.ledger.house import FILES_LANE
from server.model.audit import AuditEntry, AuditRange, Door
from server.model.reading import ClockQuality
from server.tasks.keep_audit import (
    AUDIT_BUDGET_S,
    AUDIT_RETRY_S,
    NoteAudit,
    ReadAudit,
    WriteAudit,
)
from server_unit_test.tasks.houses import Home, only, run

NOW = 1000.0
ENTRY = AuditEntry(1, ClockQuality.SYNCED, "owner", "", Door.HTTPS, "POST", "/", 200)


class Keeper:
    """`ports.AuditKeeper` in memory, with a disk that may be full."""

    def __init__(self) -> None:
        self.kept: list[AuditEntry] = []
        self.full = False

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Keep them."""
        if self.full:
            raise SettingsError("the disk is full")
        self.kept += entries

    def page(self, wanted: AuditRange) -> tuple[AuditEntry, ...]:
        """All."""
        return tuple(self.kept)

    def export(self) -> bytes:
        """Nothing."""
        return b"{}\n"


@pytest.fixture
def keeper(home: Home) -> Keeper:
    """In its place."""
    found = Keeper()
    home.house.adapters = replace(home.house.adapters, audit=found)
    return found


def note(home: Home, entry: AuditEntry = ENTRY) -> tuple[Submission, ...]:
    """What follows on an entry."""
    verdict = run(NoteAudit(home.house, entry), NOW)
    assert isinstance(verdict, Done)
    return verdict.then


def begun(home: Home) -> WriteAudit:
    """The writer that an entry begins."""
    task = only(note(home)).task
    assert isinstance(task, WriteAudit)
    return task


def test_an_entry_is_written_on_the_lane_of_files(home: Home, keeper: Keeper) -> None:
    """And that is all."""
    task = begun(home)

    verdict = run(task, NOW)

    assert (FILES_LANE, Done()) == (task.lane, verdict)
    assert [ENTRY] == keeper.kept
    assert not home.house.audit.writing


def test_one_writer_at_a_time_takes_what_came_meanwhile(home: Home, keeper: Keeper) -> None:
    """So that the order stays."""
    task = begun(home)
    second = note(home, replace(ENTRY, at_ms=2))

    assert (() == second, Again(NOW)) == (True, run(task, NOW))
    assert Done() == run(task, NOW)
    assert [1, 2] == [each.at_ms for each in keeper.kept]


def test_a_disk_that_fails_is_told_and_tried_again(home: Home, keeper: Keeper) -> None:
    """Nothing is lost, nobody is held up, and the owner learns of it until it works again."""
    task = begun(home)
    keeper.full = True
    verdict = run(task, NOW)
    told = [each.text for each in home.house.notices.shown()]
    keeper.full = False

    assert Again(NOW + AUDIT_RETRY_S) == verdict
    assert ["Who changed what is not being kept: the disk is full."] == told
    assert Done() == run(task, NOW)
    assert ([ENTRY], ()) == (keeper.kept, home.house.notices.shown())


def test_without_a_keeper_nothing_waits(home: Home) -> None:
    """As in a simulated world."""
    assert () == note(home)
    assert 0 == len(home.house.audit)


@pytest.mark.parametrize("wanted", [AuditRange(), None])
def test_reading_is_done_there_too(keeper: Keeper, wanted: AuditRange | None) -> None:
    """A page, or all of it as a file."""
    keeper.append([ENTRY])
    told: list[Outcome] = []

    def finished(outcome: Outcome, now: float) -> tuple[Submission, ...]:
        told.append(outcome)
        return ()

    run(ReadAudit(keeper, wanted, finished), NOW)

    assert [Ok((ENTRY,) if wanted is not None else b"{}\n")] == told


def test_a_page_hears_of_an_overrun() -> None:
    """Before it gives up by itself."""
    assert AUDIT_BUDGET_S < 10 < AUDIT_RETRY_S
