"""Log lines: their form, their bounds, and what never gets into them."""

import io
import logging
from collections.abc import Iterator

import pytest

from server import log


@pytest.fixture(autouse=True)
def _untouched_logging() -> Iterator[None]:
    """Give the process its logging back: the root logger belongs to everybody."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    quiet = {name: logging.getLogger(name).level for name in log.QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def record(message: str = "link changed", **extra: object) -> logging.LogRecord:
    """A record of 2 January 2025, 03:04:05.678 UTC."""
    made = logging.LogRecord("server.test", logging.INFO, "x.py", 1, message, None, None)
    made.created = 1735787045.678
    vars(made).update(extra)
    return made


def line(message: str = "link changed", **extra: object) -> str:
    """What is written for `record(...)`."""
    return log.KeyValueFormatter().format(record(message, **extra))


def test_a_line_holds_time_level_logger_event_and_fields() -> None:
    """The event comes first, then the fields in the order they were given, all key=value."""
    written = line(device="A2340", state="online", blocks=3)

    assert (
        "at=2025-01-02T03:04:05.678Z level=INFO logger=server.test"
        ' event="link changed" device=A2340 state=online blocks=3'
    ) == written


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("10.0.0.5:502", "10.0.0.5:502"),
        ("Wärme", "Wärme"),
        ("two words", '"two words"'),
        ("", '""'),
        ('say "no"', '"say \\"no\\""'),
        ("a=b", '"a=b"'),
        (None, "None"),
        (1.5, "1.5"),
        ({"a": 1}, '"{\\"a\\": 1}"'),
        ((1, 2), '"[1, 2]"'),
    ],
)
def test_values_are_quoted_when_they_must_be(value: object, expected: str) -> None:
    """A value is bare as long as nobody can mistake where it ends."""
    written = line(field=value)

    assert f"field={expected}" == written.partition('"link changed" ')[2]


@pytest.mark.parametrize(
    "evil", ["a\nlevel=ERROR", "a\rb", "\x1b[2J", "\x9b0m", "a\u2028b", "\x7f"]
)
def test_nothing_forges_a_line_or_moves_a_terminal(evil: str) -> None:
    """Line ends and control characters of any alphabet are escaped, in messages and fields."""
    written = line(evil, field=evil)

    assert written.isprintable()


@pytest.mark.parametrize(
    "name", ["password", "wifi_psk", "Token", "api_secret", "Authorization", "passphrase"]
)
def test_secrets_are_redacted_by_name(name: str) -> None:
    """A field whose name tells of a secret never shows its value."""
    written = line(**{name: "hunter2"})

    assert f"{name}={log.REDACTED}" == written.partition('"link changed" ')[2].replace('"', "")
    assert "hunter2" not in written


@pytest.mark.parametrize(
    "said",
    [
        'http://10.0.0.9:80 "GET /device/getParam?dev_id=1&token=s3cret&lang=en_us HTTP/1.1" 200',
        "failed: /login?user=owner&password=s3cret",
        "PASSWD=s3cret",
    ],
)
def test_secrets_of_an_address_are_redacted(said: str) -> None:
    """A library that is told to log everything writes whole addresses, and their queries."""
    written = line(said), line(error=said)

    assert all("s3cret" not in each and log.REDACTED in each for each in written)
    assert all("lang=en_us" in each for each in written) == ("lang=" in said)


def test_secrets_within_a_field_are_redacted() -> None:
    """A mapping is looked through, also within lists."""
    written = line(config={"wifi": [{"ssid": "home", "psk": "hunter2"}]})

    assert ("home" in written, "hunter2" in written) == (True, False)


def test_what_lies_too_deep_is_left_out() -> None:
    """Below MAX_DEPTH nothing is looked through, so nothing is written."""
    nested: object = "hunter2"
    for _ in range(log.MAX_DEPTH + 1):
        nested = [nested]

    written = line(field=nested)

    assert "hunter2" not in written


def test_a_value_is_cut() -> None:
    """A field longer than MAX_VALUE_LENGTH ends in an ellipsis."""
    written = line(field="x" * (log.MAX_VALUE_LENGTH + 1))

    assert "field=" + "x" * (log.MAX_VALUE_LENGTH - 1) + "…" == written.partition('changed" ')[2]


def test_a_line_is_cut() -> None:
    """However many fields there are, a line has at most MAX_LINE_LENGTH characters."""
    written = line(**{f"field_{number}": "x" * 500 for number in range(20)})

    assert (log.MAX_LINE_LENGTH, "…") == (len(written), written[-1])


def test_a_traceback_is_one_field_with_its_end() -> None:
    """An exception stays on its line; when it is long, what happened is kept."""
    try:
        raise ValueError("y" * log.MAX_TRACE_LENGTH + " the end")
    except ValueError as error:
        made = record()
        made.exc_info = (type(error), error, error.__traceback__)

    written = log.KeyValueFormatter().format(made)

    assert written.endswith(' the end"')
    assert len(written) < log.MAX_TRACE_LENGTH + 200


def test_configure_twice_writes_each_line_once() -> None:
    """The second call replaces the first."""
    first, second = io.StringIO(), io.StringIO()
    log.configure("INFO", first)
    log.configure("WARNING", second)
    logger = logging.getLogger("server.log.test_configure")

    logger.info("not this")
    logger.warning("this")

    assert ("", 1) == (first.getvalue(), second.getvalue().count("\n"))


def test_libraries_that_repeat_failures_are_quiet() -> None:
    """A refused connection is the link's news, not also pymodbus's."""
    stream = io.StringIO()
    log.configure("DEBUG", stream)

    logging.getLogger("pymodbus.logging").error("no response")

    assert "" == stream.getvalue()


def test_levels_are_set_and_told() -> None:
    """A logger's own level is told bare, one from above as inherited."""
    log.configure("INFO", io.StringIO())
    parent = logging.getLogger("egret_test.parent")
    logging.getLogger("egret_test.parent.child")

    answers = log.set_level("egret_test.parent", "debug"), log.set_level(
        "egret_test.parent", "loud"
    )

    assert (True, False) == answers
    assert "DEBUG" == log.level_of("egret_test.parent")
    assert "DEBUG (inherited)" == log.level_of("egret_test.parent.child")
    assert "INFO" == log.level_of("root")
    parent.setLevel(logging.NOTSET)


def test_asking_for_a_logger_makes_none() -> None:
    """Names from outside never become loggers, because those are never freed."""
    told = log.level_of("egret_test_nowhere.at.all"), log.set_level("egret_test_nowhere", "INFO")

    assert (f"{logging.getLevelName(logging.getLogger().level)} (inherited)", False) == told
    assert "egret_test_nowhere" not in logging.Logger.manager.loggerDict
