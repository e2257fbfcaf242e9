"""Entries on their way to disk: bounded, and what cannot be kept is counted."""

from dataclasses import replace

from server.ledger.audit import (
    MAX_AUDIT_WAITING,
    REFUSAL_EVERY_S,
    REFUSALS_AT_ONCE,
    AuditLedger,
)
from server.model.audit import AuditEntry, Door
from server.model.reading import ClockQuality

NOW = 1000.0
DONE = AuditEntry(1, ClockQuality.SYNCED, "owner", "", Door.HTTPS, "POST", "/", 200)
REFUSED = replace(DONE, status=403)


def test_what_comes_is_taken_in_order() -> None:
    """Once."""
    ledger = AuditLedger()
    for number in range(3):
        ledger.add(replace(DONE, at_ms=number), NOW)

    taken = ledger.take()

    assert [0, 1, 2] == [each.at_ms for each in taken]
    assert () == ledger.take()


def test_what_waits_is_bounded_and_what_is_lost_is_told() -> None:
    """The oldest go, and the first of the rest says how many."""
    ledger = AuditLedger()
    for number in range(MAX_AUDIT_WAITING + 5):
        ledger.add(replace(DONE, at_ms=number), NOW)

    taken = ledger.take()

    assert (MAX_AUDIT_WAITING, 5, 5) == (len(taken), taken[0].at_ms, taken[0].more)
    assert 0 == taken[1].more


def test_refusals_are_kept_one_by_one_and_then_counted() -> None:
    """Somebody who tries for hours fills no disk."""
    ledger = AuditLedger()
    for _ in range(1000):
        ledger.add(REFUSED, NOW)
    first = ledger.take()

    ledger.add(REFUSED, NOW + REFUSAL_EVERY_S)

    assert REFUSALS_AT_ONCE == len(first)
    assert 1000 - REFUSALS_AT_ONCE == sum(each.more for each in first)
    assert (REFUSED,) == ledger.take()


def test_refusals_hold_up_no_change() -> None:
    """The one is counted, the other kept, with its own count."""
    ledger = AuditLedger()
    for _ in range(1000):
        ledger.add(REFUSED, NOW)
    ledger.take()

    ledger.add(DONE, NOW)

    assert (DONE,) == ledger.take()


def test_what_could_not_be_written_waits_on() -> None:
    """In its place, before what came meanwhile; and bounded."""
    ledger = AuditLedger()
    ledger.add(replace(DONE, at_ms=1), NOW)
    taken = ledger.take()
    ledger.add(replace(DONE, at_ms=2), NOW)

    ledger.put_back(taken)

    assert [1, 2] == [each.at_ms for each in ledger.take()]


def test_putting_back_keeps_the_bound() -> None:
    """And the count."""
    ledger = AuditLedger()
    for number in range(MAX_AUDIT_WAITING):
        ledger.add(replace(DONE, at_ms=number), NOW)
    taken = ledger.take()
    ledger.add(replace(DONE, at_ms=-1), NOW)

    ledger.put_back(taken)

    left = ledger.take()
    assert (MAX_AUDIT_WAITING, 1, -1) == (len(left), left[0].more, left[-1].at_ms)
