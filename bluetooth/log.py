"""Log lines: one event per line, `key=value`, bounded, without secrets or forged lines.

A line is `at=<UTC> level=<LEVEL> logger=<name> event=<message>` and then the fields passed as
`extra={"client": …}`. What would break a line or a terminal is escaped, so nothing that a phone
sends can look like a line of ours. It knows nothing of what is logged. The gateway's lines look
the same; the two processes share no code.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import TextIO

MAX_LINE_CHARACTERS = 4096
"""Of one line; a longer one ends in …"""
MAX_VALUE_CHARACTERS = 512
"""Of one field's value."""
MAX_TRACE_CHARACTERS = 3000
"""Of a traceback; its end is kept, because there stands what happened."""

SECRET_WORDS = ("password", "passwd", "passphrase", "psk", "token", "secret", "label")
"""A field whose name holds one of these is never written."""

REDACTED = "<redacted>"

QUIET = {
    # The service tells of a gateway that is away itself, once per streak and in its own words.
    "urllib3": logging.CRITICAL,
    # Each message on the bus, with what phones wrote.
    "dbus_fast": logging.WARNING,
    "bless": logging.WARNING,
}
"""Loggers of libraries that would repeat every failure or tell too much, and their levels."""

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; everything else on it was passed as `extra`."""
_BARE = frozenset("-_.:/+@%,;#*~^()[]<>|°€…")
"""What may stand in a value without quotes, beside letters and digits."""


def configure(level: str, stream: TextIO) -> None:
    """Send everything from `level` on to `stream`. Calling it again replaces the first call."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(KeyValueFormatter())
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each.formatter, KeyValueFormatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)


class KeyValueFormatter(logging.Formatter):
    """Turns a record into one bounded line."""

    def format(self, record: logging.LogRecord) -> str:
        """See the module's docstring."""
        fields: dict[str, object] = {
            "at": _utc(record.created),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        extras = {key: each for key, each in vars(record).items() if key not in _OWN}
        parts = [f"{key}={_word(str(value))}" for key, value in fields.items()]
        parts += [f"{_word(key)}={_word(_shown(key, value))}" for key, value in extras.items()]
        if record.exc_info and record.exc_info[1] is not None:
            parts.append(f"exception={_quoted(_trace(record.exc_info[1]))}")
        return _cut(" ".join(parts), MAX_LINE_CHARACTERS)


def _utc(created: float) -> str:
    moment = datetime.fromtimestamp(created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _shown(key: str, value: object) -> str:
    return REDACTED if any(word in key.lower() for word in SECRET_WORDS) else str(value)


def _word(text: str) -> str:
    """A value: bare when that is unmistakable, else quoted."""
    text = _cut(text, MAX_VALUE_CHARACTERS)
    bare = bool(text) and all(each.isalnum() or each in _BARE for each in text)
    return text if bare else _quoted(text)


def _quoted(text: str) -> str:
    """In quotes, with quotes, line ends and everything unprintable escaped."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _trace(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error)).rstrip()
    if len(text) <= MAX_TRACE_CHARACTERS:
        return text
    return "…" + text[-MAX_TRACE_CHARACTERS + 1 :]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
