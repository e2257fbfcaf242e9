"""The command line: what it takes, what it says, and how it fails."""

import json
from pathlib import Path

import pytest

from server import __main__ as command_line
from server import __version__
from server.app import Options
from server.model.setting import LOG_LEVELS


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """With its default, and how to stop without losing anything."""
    with pytest.raises(SystemExit) as exited:
        command_line.main(["--help"])

    said = capsys.readouterr().out
    assert 0 == exited.value.code
    for option in ("--data", "--door", "--host", "--port", "--log-level", "--json", "--version"):
        assert option in said
    assert "Ctrl-C" in said and "EGRET_API_PORT" in said


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, as the package has it."""
    with pytest.raises(SystemExit) as exited:
        command_line.main(["--version"])

    assert (0, f"egret {__version__}\n") == (exited.value.code, capsys.readouterr().out)


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is started by mistake."""
    with pytest.raises(SystemExit) as exited:
        command_line.main(["--prot", "80"])

    assert 2 == exited.value.code
    assert "--prot" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--port", "99999", "should be a whole number from 0 to 65535"),
        ("--port", "-1", "should be a whole number from 0 to 65535"),
        ("--port", "http", "should be a whole number from 0 to 65535"),
        ("--port", "9" * 5000, "should be a whole number from 0 to 65535"),
        ("--log-level", "LOUD", "choose from"),
    ],
)
def test_a_value_out_of_bounds_is_refused(
    option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever types it is there to be told; nothing is started at some other address."""
    with pytest.raises(SystemExit) as exited:
        command_line.arguments().parse_args([f"{option}={value}"])

    errors = capsys.readouterr().err
    assert 2 == exited.value.code
    assert option in errors and said in errors


@pytest.mark.parametrize("level", LOG_LEVELS)
def test_every_level_is_named_and_taken(level: str) -> None:
    """In the help, and in either case on the command line."""
    parser = command_line.arguments()

    assert level in parser.format_help()
    assert level == parser.parse_args(["--log-level", level.lower()]).log_level


def test_options_become_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not given is left to the environment and the file."""
    ran: list[tuple[Path, object]] = []

    def run(options: Options, environ: object, given: object) -> int:
        ran.append((options.data, given))
        return 0

    monkeypatch.setattr(command_line, "run", run)

    code = command_line.main(["--data", str(tmp_path), "--port", "0", "--log-level", "DEBUG"])

    given = {"api": {"host": None, "port": 0}, "log": {"level": "DEBUG"}}
    assert (0, [(tmp_path, given)]) == (code, ran)


@pytest.mark.parametrize(
    ("arguments", "alone", "said"),
    [
        ([], True, f"Egret {__version__} is at http://h:1 (from this machine only)\n"),
        ([], False, f"Egret {__version__} is at http://h:1\n"),
        (["--json"], True, json.dumps({"url": "http://h:1"}) + "\n"),
    ],
)
def test_the_address_is_said(
    arguments: list[str],
    alone: bool,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In words for people, or as one line of JSON for programs."""

    def run(options: Options, environ: object, given: object) -> int:
        options.announce("http://h:1", alone, "")
        return 0

    monkeypatch.setattr(command_line, "run", run)

    command_line.main(arguments)

    assert said == capsys.readouterr().out


def test_what_a_person_can_mend_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback; the exit code says that it did not start."""
    (tmp_path / "data").touch()

    code = command_line.main(["--data", str(tmp_path / "data")])

    said = capsys.readouterr().err
    assert (1, 1) == (code, said.count("\n"))
    assert said.startswith("egret: the data folder") and "--data" in said


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_box_that_nobody_owns_says_how_to_claim_it(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the terminal, and to programs; nowhere else."""

    def run(options: Options, environ: object, given: object) -> int:
        options.announce("http://h:1", False, "ABCD-EFGH-JKMN")
        return 0

    monkeypatch.setattr(command_line, "run", run)

    command_line.main(arguments)

    assert "ABCD-EFGH-JKMN" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "variable", "expected"),
    [([], "", None), ([], "/shared", "/shared"), (["--door", "/given"], "/shared", "/given")],
)
def test_the_door_may_lie_elsewhere(
    arguments: list[str], variable: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shared with the Bluetooth service; without a word it is the data folder."""
    doors: list[Path | None] = []

    def run(options: Options, environ: object, given: object) -> int:
        doors.append(options.door)
        return 0

    monkeypatch.setattr(command_line, "run", run)
    monkeypatch.setenv("EGRET_DOOR", variable)

    command_line.main(arguments)

    assert [expected and Path(expected)] == doors
