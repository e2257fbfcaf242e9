"""One line of the audit log: bounded, and told apart by whether it was refused."""

import pytest

from server.model.audit import (
    MAX_ABOUT,
    MAX_AUDIT_PAGE,
    MAX_AUDIT_TEXT,
    AuditEntry,
    AuditRange,
    Door,
    cut,
)
from server.model.reading import ClockQuality


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, False), (400, False), (500, False), (401, True), (403, True), (429, True)],
)
def test_what_somebody_may_not_do_is_refused(status: int, expected: bool) -> None:
    """A mistake in what is sent is none: who made it may well change things."""
    entry = AuditEntry(1, ClockQuality.SYNCED, "x", "", Door.HTTP, "POST", "/", status)

    assert expected == entry.refused


def test_texts_from_outside_are_cut() -> None:
    """A path or a name of any length is one short text."""
    assert "x" * MAX_AUDIT_TEXT == cut("x" * MAX_AUDIT_TEXT)
    assert MAX_AUDIT_TEXT == len(cut("x" * 10_000))


def test_a_page_is_bounded_unless_less_is_asked() -> None:
    """And an entry names fewer things than there are settings and devices."""
    assert MAX_AUDIT_PAGE == AuditRange().limit
    assert 1 < MAX_ABOUT < 100
