"""The command line for people."""

from pathlib import Path

import pytest

from virtual_radio.guest import __main__ as program
from virtual_radio.guest.build import Artefacts
from virtual_radio.guest.commands import GuestUnavailable


def test_build_prints_where_the_parts_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each, for scripts; progress goes to stderr."""
    made = Artefacts(Path("/c/d/tree"), Path("/c/d/k"), Path("/c/d/m"), Path("/c/s/site"))
    monkeypatch.setattr(program, "build", lambda *_: made)

    code = program.main(["build", "--cache", str(tmp_path)])

    assert (0, "/c/d\n/c/s\n") == (code, capsys.readouterr().out)


def test_what_is_missing_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With an exit status, and no traceback."""

    def refuse(*_: object) -> Artefacts:
        raise GuestUnavailable("it needs root")

    monkeypatch.setattr(program, "build", refuse)

    code = program.main(["build", "--cache", str(tmp_path)])

    assert (1, "it needs root\n") == (code, capsys.readouterr().err)
