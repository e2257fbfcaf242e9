"""The command line of the phone: what is understood, and what comes out of the process."""

import io
import json
import sys
from pathlib import Path

import pytest

from bluetooth.client import __main__ as command_line
from bluetooth.client.__main__ import COMMANDS, EPILOG, arguments, ask_secret, main, options_of
from bluetooth.client.errors import Exit, NoBluetooth, Unusable
from bluetooth.client.settings import MAX_SCAN_S, MAX_TIMEOUT_S, MIN_SCAN_S, MIN_TIMEOUT_S
from bluetooth_unit_test.client.fake_link import FakeRadio

WORDS = {
    ("get",): ["get", "/api/x"],
    ("post",): ["post", "/api/x"],
    ("delete",): ["delete", "/api/x"],
    ("wifi", "connect"): ["wifi", "connect", "Home"],
    ("wifi", "forget"): ["wifi", "forget", "Home"],
    ("label", "set"): ["label", "set", "-"],
}


@pytest.fixture(autouse=True)
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test looks at the labels of whoever runs it."""
    monkeypatch.setenv("EGRET_CONFIG", str(tmp_path))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command: tuple[str, ...]) -> None:
    """With the common options before it and after it."""
    words = WORDS.get(command, list(command))

    before = options_of(arguments().parse_args(["--name", "x", "--json", *words]))
    after = options_of(arguments().parse_args([*words, "--name", "x", "--json"]))

    assert command == before.command
    assert before == after
    assert ("x", True) == (after.name, after.as_json)


@pytest.mark.parametrize("command", [(), *COMMANDS])
def test_every_command_has_its_help(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the options that it takes."""
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])

    assert 0 == ended.value.code
    assert "--address" in capsys.readouterr().out


def test_the_help_names_every_exit_code() -> None:
    """Scripts depend on them."""
    codes = EPILOG.partition("exit codes:")[2].split()

    assert {str(int(each)) for each in Exit} <= set(codes)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["wifi"],
        ["label"],
        ["get"],
        ["nonsense"],
        ["--timeout", str(MIN_TIMEOUT_S / 2), "scan"],
        ["--timeout", str(MAX_TIMEOUT_S + 1), "scan"],
        ["--timeout", "x", "scan"],
        ["scan", "--seconds", str(MIN_SCAN_S / 2)],
        ["scan", "--seconds", str(MAX_SCAN_S + 1)],
        ["wifi", "connect", "x", "--open", "--password-file", "-"],
        ["wifi", "connect", "x", "--password", "secret"],
    ],
)
def test_wrong_use_is_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """By argparse, with the code for it. A password on the command line is one."""
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert Exit.WRONG_USE == ended.value.code
    assert "usage:" in capsys.readouterr().err


def test_a_command_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """And its code is the process's."""
    code = main(["scan", "--seconds", "0.1"], FakeRadio())

    assert Exit.NOT_FOUND == code
    assert "press the button" in capsys.readouterr().out


def test_an_error_is_a_line_and_a_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people, and for programs."""

    def missing(adapter: str) -> FakeRadio:
        raise NoBluetooth(f"no {adapter}")

    monkeypatch.setattr(command_line, "bluetooth_of", missing)

    code = main(["--adapter", "hci7", "scan"])
    told = capsys.readouterr().err
    main(["--adapter", "hci7", "--json", "scan"])

    assert Exit.NO_BLUETOOTH == code
    assert "egret client: no hci7" == told.splitlines()[-1]
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"event": "error", "code": 5, "error": "no hci7"} == last


@pytest.mark.parametrize(
    ("raised", "code"), [(KeyboardInterrupt(), Exit.INTERRUPTED), (Unusable("x"), Exit.WRONG_USE)]
)
def test_however_it_ends_it_has_a_code(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: Exit
) -> None:
    """Ctrl-C too."""

    async def fails(*_: object) -> Exit:
        raise raised

    monkeypatch.setitem(COMMANDS, ("scan",), fails)

    assert code == main(["scan"], FakeRadio())


def test_a_reader_who_has_seen_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`... | head` is no error."""

    async def piped(*_: object) -> Exit:
        raise BrokenPipeError

    monkeypatch.setitem(COMMANDS, ("scan",), piped)
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)

        assert Exit.DONE == main(["scan"], FakeRadio())


def test_no_secret_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs it in a script is told how."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    with pytest.raises(Unusable, match="--password-file"):
        ask_secret("Password: ")


def test_bleak_is_looked_for_only_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """And said to be missing, in words."""
    monkeypatch.setitem(sys.modules, "bluetooth.client.bleak_link", None)

    with pytest.raises(NoBluetooth, match="pip install"):
        command_line.bluetooth_of("")
    assert Exit.DONE == main(["label", "list"])
