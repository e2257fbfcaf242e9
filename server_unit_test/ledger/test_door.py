"""The phone's door, as the engine thread keeps it."""

from server.ledger.door import REPORT_AGE_MAX_S, DoorLedger
from server.model.bluetooth import DoorReport, DoorState, DoorView

NOW = 1000.0
OPEN = DoorReport(DoorState.OPEN, 120.0, "Egret", "hci0")


def test_nobody_has_asked_at_first() -> None:
    """Number 0 is no order."""
    assert DoorView(0, False, None) == DoorLedger().view(NOW)


def test_the_number_rises_each_time_the_owner_asks() -> None:
    """Also when he asks for the same again: it begins anew then."""
    door = DoorLedger()

    door.ask(True, 180.0, NOW)
    door.ask(True, 180.0, NOW + 100)

    assert DoorView(2, True) == door.view(NOW + 279)
    assert DoorView(2, False) == door.view(NOW + 280)


def test_closing_is_an_order_like_opening() -> None:
    """With its own number."""
    door = DoorLedger()
    door.ask(True, 180.0, NOW)

    door.ask(False, 180.0, NOW + 1)

    assert DoorView(2, False) == door.view(NOW + 1)


def test_the_seconds_of_a_report_run_down() -> None:
    """To zero and no further; what has no end has none."""
    door = DoorLedger()
    door.reported(OPEN, NOW)
    later = door.view(NOW + 20).report
    door.reported(DoorReport(DoorState.OPEN, 5.0), NOW)
    over = door.view(NOW + 20).report
    door.reported(DoorReport(DoorState.CLOSED), NOW)
    endless = door.view(NOW + 20).report

    assert (later, over, endless) == (
        DoorReport(DoorState.OPEN, 100.0, "Egret", "hci0"),
        DoorReport(DoorState.OPEN, 0.0),
        DoorReport(DoorState.CLOSED),
    )


def test_an_old_report_says_nothing() -> None:
    """The service has ended, or hangs."""
    door = DoorLedger()
    door.reported(OPEN, NOW)

    assert door.view(NOW + REPORT_AGE_MAX_S).report is not None
    assert door.view(NOW + REPORT_AGE_MAX_S + 0.1).report is None
