"""The status line of the demo."""

from demo.status import fetch, line


def test_all_is_well() -> None:
    """Readings and gaps are always said."""
    assert "12 readings acknowledged, 0 gaps" == line({"accepted": 12, "gaps": 0})


def test_what_is_wrong_is_said() -> None:
    """Duplicates and bad signatures appear once there are any."""
    stats = {"accepted": 12, "gaps": 1, "duplicates": 2, "bad_signatures": 3}

    said = line(stats)

    assert "12 readings acknowledged, 1 gap, 2 delivered twice, 3 WITH A BAD SIGNATURE" == said


def test_silence_is_said() -> None:
    """No answer is no reason to worry about readings."""
    assert "keeps every reading" in line({})


def test_nobody_there_is_an_empty_answer() -> None:
    """A refused connection reads as no figures."""
    assert {} == fetch("http://127.0.0.1:1/stats")
