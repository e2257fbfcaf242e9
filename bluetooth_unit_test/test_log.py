"""Log lines."""

import io
import logging
from collections.abc import Iterator

import pytest

from bluetooth import log
from bluetooth.log import (
    MAX_LINE_CHARACTERS,
    MAX_TRACE_CHARACTERS,
    MAX_VALUE_CHARACTERS,
    QUIET,
    REDACTED,
    SECRET_WORDS,
)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the lines go; the loggers are as before afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    quiet = {name: logging.getLogger(name).level for name in QUIET}
    out = io.StringIO()
    log.configure("INFO", out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def test_an_event_is_one_line_with_its_fields(stream: io.StringIO) -> None:
    """Message and fields, quoted where they must be."""
    logging.getLogger("bluetooth.x").info("it happened", extra={"client": "aa:bb", "why": 'a "b"'})

    line = stream.getvalue()
    assert line.startswith("at=20")
    assert line.endswith(
        'level=INFO logger=bluetooth.x event="it happened" client=aa:bb why="a \\"b\\""\n'
    )


def test_nobody_can_forge_a_line(stream: io.StringIO) -> None:
    """Line ends and control characters of what a phone sent are escaped."""
    logging.getLogger("x").warning("odd", extra={"client": "a\nat=now event=forged\x1b[2J"})

    assert 1 == stream.getvalue().count("\n")
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("word", SECRET_WORDS)
def test_secrets_are_never_written(stream: io.StringIO, word: str) -> None:
    """Whatever somebody passes under such a name."""
    logging.getLogger("x").warning("odd", extra={f"wifi_{word}": "hunter2"})

    assert f"wifi_{word}={REDACTED}" in stream.getvalue().replace('"', "")
    assert "hunter2" not in stream.getvalue()


def test_lines_values_and_traces_have_bounds(stream: io.StringIO) -> None:
    """However long what went wrong is."""
    try:
        raise ValueError("x" * 10 * MAX_TRACE_CHARACTERS)
    except ValueError:
        logging.getLogger("x").exception("broke", extra={"a": "y" * 2 * MAX_VALUE_CHARACTERS})

    line = stream.getvalue().rstrip("\n")
    assert MAX_TRACE_CHARACTERS < len(line) <= MAX_LINE_CHARACTERS
    assert "y" * MAX_VALUE_CHARACTERS not in line
    assert "…" in line or "\\u2026" in line


def test_a_second_start_replaces_the_first(stream: io.StringIO) -> None:
    """No line is written twice; libraries that tell too much are quiet."""
    second = io.StringIO()
    log.configure("WARNING", second)
    logging.getLogger("x").info("not this")
    logging.getLogger("x").warning("once")
    logging.getLogger("urllib3").error("each failure again")

    assert "" == stream.getvalue()
    assert 1 == second.getvalue().count("\n")
