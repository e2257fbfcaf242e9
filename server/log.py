"""Log lines: one event per line, `key=value`, bounded, without secrets or forged lines.

A line is `at=<UTC> level=<LEVEL> logger=<name> event=<message>` and then the fields passed as
`extra={"device": …}`. What would break a line or a terminal is escaped, so nothing that a device
or a client sends can look like a line of ours. It knows nothing of what is logged.
"""

import json
import logging
import re
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

MAX_LINE_LENGTH = 4096
"""Characters of one line; a longer one ends in …"""
MAX_VALUE_LENGTH = 512
"""Characters of one field's value."""
MAX_TRACE_LENGTH = 3000
"""Characters of a traceback; its end is kept, because there stands what happened."""
MAX_DEPTH = 4
"""How deep mappings within a field are looked through for secrets; below, they are left out."""

SECRET_WORDS = ("password", "passwd", "passphrase", "psk", "token", "secret", "authorization")
"""A field whose name holds one of these is never written."""

REDACTED = "<redacted>"

QUIET = {
    # The gateway reports a failing link or sink itself, once per streak and in its own words.
    "pymodbus": logging.CRITICAL,
    "urllib3": logging.CRITICAL,
}
"""Loggers of libraries that would repeat every failure, and the level they start with."""

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_IN_QUERY = re.compile(rf"((?:{'|'.join(SECRET_WORDS)})=)(?!{REDACTED})[^&\s\"\\]+", re.IGNORECASE)
"""A secret in the query of an address, as a library that logs requests writes it."""
_ROOT_NAMES = ("", "root")
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
    root.setLevel(LEVELS[level])
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)


def set_level(logger: str, level: str) -> bool:
    """Set the level of a logger that exists ("root" is the root); False for an unknown one.

    Only existing ones, because a logger once made is never freed: a client must not make any.
    """
    found = _existing(logger)
    if found is None or level.upper() not in LEVELS:
        return False
    found.setLevel(LEVELS[level.upper()])
    return True


def level_of(logger: str) -> str:
    """`INFO`, or `INFO (inherited)` when a logger above it decides."""
    found = _existing(logger)
    if found is not None and found.level:
        return logging.getLevelName(found.level)
    while found is None:
        logger = logger.rpartition(".")[0]
        found = _existing(logger)
    return f"{logging.getLevelName(found.getEffectiveLevel())} (inherited)"


def _existing(logger: str) -> logging.Logger | None:
    if logger in _ROOT_NAMES:
        return logging.getLogger()
    found = logging.Logger.manager.loggerDict.get(logger)
    return found if isinstance(found, logging.Logger) else None


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
        parts += [f"{_key(key)}={_value(key, value)}" for key, value in extras.items()]
        if record.exc_info and record.exc_info[1] is not None:
            parts.append(f"exception={_quoted(_trace(record.exc_info[1]))}")
        return _cut(_IN_QUERY.sub(rf"\1{REDACTED}", " ".join(parts)), MAX_LINE_LENGTH)


def _utc(created: float) -> str:
    moment = datetime.fromtimestamp(created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _key(name: str) -> str:
    return name if name.isidentifier() else _quoted(_cut(name, MAX_VALUE_LENGTH))


def _value(key: str, value: object) -> str:
    safe = _without_secrets(key, value, MAX_DEPTH)
    if isinstance(safe, (Mapping, list)):
        return _word(json.dumps(safe, default=str, ensure_ascii=False))
    return _word(str(safe))


def _without_secrets(key: str, value: object, depth: int) -> object:
    """`value` with everything under a secret name replaced, looking into what holds values."""
    if any(word in key.lower() for word in SECRET_WORDS):
        return REDACTED
    if not isinstance(value, (Mapping, list, tuple)):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        items = value.items()
        return {str(name): _without_secrets(str(name), each, depth - 1) for name, each in items}
    return [_without_secrets("", each, depth - 1) for each in value]


def _word(text: str) -> str:
    """A value: bare when that is unmistakable, else quoted."""
    text = _cut(text, MAX_VALUE_LENGTH)
    bare = bool(text) and all(each.isalnum() or each in _BARE for each in text)
    return text if bare else _quoted(text)


def _quoted(text: str) -> str:
    """In quotes, with quotes, line ends and everything unprintable escaped."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _trace(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error)).rstrip()
    return text if len(text) <= MAX_TRACE_LENGTH else "…" + text[-MAX_TRACE_LENGTH + 1 :]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
