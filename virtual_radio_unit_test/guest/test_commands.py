"""Other programs end within their time, and say why they failed."""

import sys

import pytest

from virtual_radio.guest import commands
from virtual_radio.guest.commands import (
    MAX_ERROR_CHARACTERS,
    GuestMissing,
    GuestUnavailable,
    require,
    run,
)


def test_what_a_program_prints_is_the_answer() -> None:
    """And nothing of its stderr."""
    assert "yes\n" == run(("sh", "-c", "echo no >&2; echo yes"), timeout_s=10)


def test_a_failure_carries_the_end_of_what_the_program_said() -> None:
    """No more than MAX_ERROR_CHARACTERS of it."""
    words = f"print('x' * {MAX_ERROR_CHARACTERS}); raise SystemExit('no space left')"

    with pytest.raises(GuestUnavailable, match="no space left") as caught:
        run((sys.executable, "-c", words), timeout_s=10)

    assert len(str(caught.value)) < MAX_ERROR_CHARACTERS + 200


def test_a_program_that_hangs_is_ended() -> None:
    """And named, with the time it had."""
    with pytest.raises(GuestUnavailable, match="sleep took longer than 0.1 s"):
        run(("sleep", "60"), timeout_s=0.1)


def test_a_program_that_is_not_there_is_named() -> None:
    """Which is a reason to skip, unlike all others."""
    with pytest.raises(GuestMissing, match="no-such-program is not installed"):
        run(("no-such-program",), timeout_s=1)


def test_all_missing_programs_are_named_at_once() -> None:
    """One installation instead of five."""
    with pytest.raises(GuestMissing, match="no-such-one, no-such-other"):
        require("no-such-one", "sh", "no-such-other")


def test_without_root_the_reason_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """debootstrap makes device nodes and changes its root."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(GuestUnavailable, match="making it needs root: run it once with sudo"):
        commands.require_root("making it")
