"""What the owner is told: one entry a fact, bounded, newest first."""

import logging

import pytest

from server.ledger.notices import MAX_NOTICES, NOTICE_CHARACTERS_MAX, NoticeBoard
from server.model.notice import Level, Notice

AT_MS = 1_750_000_000_000


def test_a_notice_is_shown_with_its_device_and_time() -> None:
    """What was posted is what is shown, counted once."""
    board = NoticeBoard()

    board.post("device a", Level.WARNING, "It does not answer.", AT_MS, device="a")

    expected = Notice(1, "device a", Level.WARNING, "It does not answer.", "a", AT_MS, AT_MS, 1)
    assert (expected,) == board.shown()


def test_the_same_fact_counts_up_and_moves_to_the_front() -> None:
    """Its number stays, so that a page can go on showing it; text and level are the newest."""
    board = NoticeBoard()
    board.post("a", Level.WARNING, "first", AT_MS)
    board.post("b", Level.INFO, "other", AT_MS)

    board.post("a", Level.ERROR, "again", AT_MS + 1000)

    expected = Notice(1, "a", Level.ERROR, "again", "", AT_MS, AT_MS + 1000, 2)
    assert expected == board.shown()[0]
    assert ["a", "b"] == [each.key for each in board.shown()]


def test_a_full_board_loses_its_oldest_notice() -> None:
    """However many facts there are, memory and page stay bounded."""
    board = NoticeBoard()
    for number in range(MAX_NOTICES + 3):
        board.post(f"fact {number}", Level.INFO, "text", AT_MS + number)

    keys = [each.key for each in board.shown()]

    assert MAX_NOTICES == len(keys)
    assert (f"fact {MAX_NOTICES + 2}", "fact 3") == (keys[0], keys[-1])


def test_a_long_text_is_cut() -> None:
    """Texts of devices and endpoints end up here, and may be of any length."""
    board = NoticeBoard()

    board.post("a", Level.INFO, "x" * (NOTICE_CHARACTERS_MAX + 1), AT_MS)

    assert "x" * NOTICE_CHARACTERS_MAX == board.shown()[0].text


def test_a_fact_that_no_longer_holds_is_taken_down() -> None:
    """Clearing what is not there does no harm."""
    board = NoticeBoard()
    board.post("a", Level.INFO, "text", AT_MS)

    board.clear("a")
    board.clear("a")

    assert () == board.shown()


def test_the_owner_dismisses_a_notice_by_its_number() -> None:
    """It comes back as the answer, and a second try finds nothing."""
    board = NoticeBoard()
    board.post("a", Level.INFO, "text", AT_MS)
    (notice,) = board.shown()

    assert notice == board.dismiss(notice.notice_id)

    assert () == board.shown()
    with pytest.raises(KeyError):
        board.dismiss(notice.notice_id)


def test_a_number_is_never_given_twice() -> None:
    """A fact that comes back is a new notice: dismissing the old one cannot hit it."""
    board = NoticeBoard()
    board.post("a", Level.INFO, "text", AT_MS)
    board.clear("a")

    board.post("a", Level.INFO, "text", AT_MS)

    assert [2] == [each.notice_id for each in board.shown()]


def test_a_fact_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Repetitions count up on the board; the log gets one line, at the notice's level."""
    board = NoticeBoard()
    with caplog.at_level(logging.INFO, "server.ledger.notices"):
        board.post("a", Level.ERROR, "text", AT_MS)
        board.post("a", Level.ERROR, "text", AT_MS)

    assert [("notice", logging.ERROR)] == [(e.message, e.levelno) for e in caplog.records]
