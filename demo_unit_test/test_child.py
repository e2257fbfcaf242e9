"""A child's first line, last words and end."""

from pathlib import Path

import pytest

from demo.child import MAX_LAST_WORDS, Child, ChildError

TALKER = """
import json, signal
print(json.dumps({"url": "http://127.0.0.1:1/"}), flush=True)
signal.pause()
"""


def program(folder: Path, code: str) -> tuple[list[str], dict[str, str]]:
    """A module that `python -m` finds, and the environment to find it in."""
    (folder / "talker.py").write_text(code, encoding="utf-8")
    return ["talker"], {"PYTHONPATH": str(folder), "PATH": ""}


def test_the_first_line_is_heard_and_the_child_ends(tmp_path: Path) -> None:
    """The hello is the first line; after stop the child has gone."""
    child = Child("talker", *program(tmp_path, TALKER))

    hello = child.wait_hello()
    ran = child.running
    child.stop()

    assert {"url": "http://127.0.0.1:1/"} == hello
    assert (True, False) == (ran, child.running)


def test_a_child_that_cannot_start_is_told_in_its_own_words(tmp_path: Path) -> None:
    """The error names the program and repeats what it said."""
    child = Child("talker", *program(tmp_path, "raise SystemExit('port 5020 is in use')"))

    with pytest.raises(ChildError, match="talker did not start(.|\n)*port 5020 is in use"):
        child.wait_hello()


def test_last_words_are_bounded(tmp_path: Path) -> None:
    """Of a talkative child the newest lines are kept, no more than the limit."""
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    code = f"{deaf}print('{{}}', flush=True)\nfor n in range(1000): print(n)"
    child = Child("talker", *program(tmp_path, code))
    child.wait_hello()
    child.stop()

    kept = child.last_words().splitlines()

    assert MAX_LAST_WORDS == len(kept)
    assert "    999" == kept[-1]
