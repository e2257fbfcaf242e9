"""What is under way with Wi-Fi, as the engine thread keeps it."""

import pytest

from server.engine.task import Outcome, Submission
from server.errors import Busy
from server.ledger.wifi import MAX_SCAN_WAITERS, WifiLedger, sentence
from server.model.wifi import WifiProgress, WifiReason, WifiStep


def nobody(outcome: Outcome, now: float) -> tuple[Submission, ...]:
    """Waits for nothing."""
    return ()


def test_the_number_rises_with_each_change_and_with_nothing_else() -> None:
    """Whoever follows sees whether there is news."""
    ledger = WifiLedger()

    ledger.tell(WifiStep.CONNECTING, "Connecting to Home.", "Home")
    ledger.tell(WifiStep.CONNECTING, "Connecting to Home.", "Home")
    ledger.tell(WifiStep.FAILED, "wrong", "Home", WifiReason.WRONG_PASSWORD)

    expected = WifiProgress(2, "Home", WifiStep.FAILED, WifiReason.WRONG_PASSWORD, "Wrong.")
    assert expected == ledger.progress
    assert expected == ledger.view.progress


def test_those_who_wait_for_a_scan_are_bounded() -> None:
    """One more is told to come back."""
    ledger = WifiLedger()
    assert not ledger.scanning
    for _ in range(MAX_SCAN_WAITERS):
        ledger.wait(nobody)

    assert ledger.scanning
    with pytest.raises(Busy, match=f"{MAX_SCAN_WAITERS}"):
        ledger.wait(nobody)


def test_an_error_becomes_a_sentence() -> None:
    """Errors begin small, because they stand after other words."""
    assert ["No bus.", "Gone.", ""] == [sentence(each) for each in ("no bus", "Gone.", "")]
