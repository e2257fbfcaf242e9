"""Who is to blame for an answer that is not a yes: the endpoint, the batch's size, or a record.

Pure: a status code and what came with it go in, an error to raise comes out, or None for an
acknowledgement. A record is accused by 400 and 422 alone; everything that a person or time can
put right at the endpoint (a wrong address, a lapsed account, a redirect, a fault) retries for
ever, because giving up would lose readings.
"""

from http import HTTPStatus

from server.errors import BatchTooLarge, EgretError, RecordsRefused, SinkUnavailable

MAX_RETRY_AFTER_S = 900.0
"""The longest wait that an endpoint may ask for: a typing error must not silence us for a year.
The schedule of delivery has the same bound."""

MAX_EXCERPT = 200
"""Characters of an endpoint's answer that are shown and logged."""

_ITS_OWN_TROUBLE = frozenset({408, 425, 429})
"""Of the 4xx: it is too slow, too early or too busy, and wants nothing else of us."""

_ADVICE = {
    401: "it wants other credentials",
    403: "it does not let this gateway in",
    404: "check the address of the endpoint",
    405: "check the address of the endpoint",
    410: "check the address of the endpoint",
    429: "it asks for fewer requests",
}


def judge(status: int, retry_after: str | None, answer: bytes) -> EgretError | None:
    """The error that HTTP `status` stands for, None for 2xx.

    `retry_after` is the header of that name, `answer` the beginning of the body.
    """
    if 200 <= status < 300:
        return None
    words = f"the endpoint answered {_phrase(status)}"
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return BatchTooLarge(words)
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        said = excerpt(answer)
        return RecordsRefused(f"{words}: {said}" if said else words)
    advice = _ADVICE.get(status, "")
    if 300 <= status < 400:
        advice = "redirects are not followed; configure the address it leads to"
    said = f"{words}: {advice}" if advice else words
    turned_away = status < 500 and status not in _ITS_OWN_TROUBLE
    return SinkUnavailable(said, wait_s(retry_after), turned_away)


def wait_s(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header; None for none, a date (which needs a clock) or nonsense."""
    text = (retry_after or "").strip()
    if not (text.isascii() and text.isdecimal()):
        return None
    # More digits than the limit has cannot be a smaller number; int() of a novel is slow.
    digits = text.lstrip("0") or "0"
    return MAX_RETRY_AFTER_S if len(digits) > 6 else min(float(digits), MAX_RETRY_AFTER_S)


def excerpt(answer: bytes) -> str:
    """The beginning of an answer as one printable line."""
    return one_line(answer[: 4 * MAX_EXCERPT].decode("utf-8", "replace"), MAX_EXCERPT)


def one_line(text: str, most: int) -> str:
    """What came from outside, as it may stand in a log or on a page."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
