"""Which answer accuses whom."""

import pytest

from server.errors import BatchTooLarge, EgretError, RecordsRefused, SinkUnavailable
from server.ledger import delivery
from server.sinks.blame import MAX_EXCERPT, MAX_RETRY_AFTER_S, excerpt, judge, one_line, wait_s


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_an_acknowledgement(status: int) -> None:
    """The endpoint has taken the records, whatever it says beside."""
    assert judge(status, "5", b"whatever") is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RecordsRefused),
        (422, RecordsRefused),
        (413, BatchTooLarge),
        (199, SinkUnavailable),
        (301, SinkUnavailable),
        (307, SinkUnavailable),
        (401, SinkUnavailable),
        (403, SinkUnavailable),
        (404, SinkUnavailable),
        (405, SinkUnavailable),
        (408, SinkUnavailable),
        (410, SinkUnavailable),
        (418, SinkUnavailable),
        (425, SinkUnavailable),
        (429, SinkUnavailable),
        (451, SinkUnavailable),
        (500, SinkUnavailable),
        (502, SinkUnavailable),
        (503, SinkUnavailable),
        (599, SinkUnavailable),
        (999, SinkUnavailable),
    ],
)
def test_blame_by_status(status: int, kind: type[EgretError]) -> None:
    """Only 400 and 422 accuse a record, only 413 the size; all else is the endpoint's."""
    assert kind is type(judge(status, None, b""))


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (503, b"", "the endpoint answered 503 Service Unavailable"),
        (599, b"", "the endpoint answered 599"),
        (401, b"", "the endpoint answered 401 Unauthorized: it wants other credentials"),
        (404, b"", "the endpoint answered 404 Not Found: check the address of the endpoint"),
        (400, b"", "the endpoint answered 400 Bad Request"),
        (400, b"no such\n device", "the endpoint answered 400 Bad Request: no such device"),
        (
            302,
            b"",
            "the endpoint answered 302 Found: redirects are not followed; configure the address"
            " it leads to",
        ),
    ],
)
def test_words_say_what_to_do(status: int, answer: bytes, words: str) -> None:
    """The text is for the owner: what came, and where there is one, the remedy."""
    assert words == str(judge(status, None, answer))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("000005", 5.0),
        ("900", 900.0),
        ("901", delivery.MAX_RETRY_AFTER_S),
        ("9" * 5000, MAX_RETRY_AFTER_S),
        ("0" * 5000, 0.0),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
    ],
)
def test_retry_after_is_whole_seconds_within_a_bound(
    header: str | None, expected: float | None
) -> None:
    """A date would need a clock; nonsense counts as no wish."""
    assert expected == wait_s(header)


@pytest.mark.parametrize("status", [429, 503])
def test_the_wish_travels_with_the_error(status: int) -> None:
    """The sink's machine waits as long as the endpoint asked."""
    error = judge(status, "30", b"")

    assert isinstance(error, SinkUnavailable)
    assert 30.0 == error.retry_after_s


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, True), (404, True), (301, True), (408, False), (425, False), (429, False), (503, False)],
)
def test_whoever_is_turned_away_is_told_so(status: int, expected: bool) -> None:
    """An endpoint in trouble of its own wants nothing else of us."""
    error = judge(status, None, b"")

    assert isinstance(error, SinkUnavailable)
    assert expected is error.turned_away


def test_an_excerpt_is_one_printable_line() -> None:
    """What an endpoint says cannot forge lines in a log."""
    said = excerpt(b"bad\r\nlevel=ERROR \x1b[2J \xff device")

    assert "bad level=ERROR [2J \ufffd device" == said


def test_an_excerpt_is_bounded() -> None:
    """However long an answer is, MAX_EXCERPT characters of it are shown."""
    said = excerpt("ü".encode() * 10 * MAX_EXCERPT)

    assert "ü" * (MAX_EXCERPT - 1) + "…" == said


def test_one_line_keeps_what_fits() -> None:
    """A text of just the longest length is not cut."""
    assert "12345" == one_line("12345", 5)
