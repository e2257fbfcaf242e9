"""The children of a test are started, heard and ended."""

import sys

import pytest

from system_test.processes import Program, ProgramError, environment, wait_until

TALKER = """
import json, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print(json.dumps({"url": "http://127.0.0.1:1/"}), flush=True)
print("warned", file=sys.stderr, flush=True)
signal.pause()
"""


def child(code: str) -> Program:
    return Program("child", [sys.executable, "-c", code], environment({}))


def test_the_first_line_is_the_hello() -> None:
    """The JSON object of the first line is at hand, and the url has no slash at its end."""
    with child(TALKER) as program:
        assert {"url": "http://127.0.0.1:1/"} == program.hello
        assert "http://127.0.0.1:1" == program.url


def test_stop_returns_the_exit_status() -> None:
    """SIGTERM reaches the child, and its own exit status comes back."""
    program = child(TALKER)

    assert 7 == program.stop()


def test_kill_leaves_no_time() -> None:
    """SIGKILL ends it at once, seen as a negative status."""
    program = child(TALKER)

    assert -9 == program.kill()
    assert -9 == program.returncode


def test_both_streams_are_captured() -> None:
    """What the child said on stderr is at hand for the report of a failure."""
    with child(TALKER) as program:
        assert wait_until(lambda: "warned" in program.output(), 5, "warning")


def test_a_child_that_dies_at_once_is_reported_with_its_words() -> None:
    """The error carries what the child printed before it ended."""
    with pytest.raises(ProgramError, match="no such setting"):
        child("import sys; sys.exit('no such setting')")


def test_waiting_in_vain_names_what_was_waited_for() -> None:
    """The error says what did not happen, and what was seen last."""
    with pytest.raises(ProgramError, match="no delivery within 0.05 s; last: 0"):
        wait_until(lambda: 0, 0.05, "delivery")
