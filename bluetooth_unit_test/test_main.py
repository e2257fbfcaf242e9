"""The command line."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bluetooth import __main__ as command_line
from bluetooth import box_name, label, log
from bluetooth.api_token import TOKEN_FILE
from bluetooth.durable_file import OWNER_ONLY
from bluetooth.label import LABEL_FILE
from bluetooth.settings import CHOICES
from bluetooth_unit_test.http_gateway import HttpGateway

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S = 60.0
STOP_LIMIT_S = 5.0
"""Of the whole process, from the signal to its end."""

WAYS = (
    ([sys.executable, "-m", "bluetooth"], ROOT),
    ([sys.executable, "ble_service.py"], ROOT / "bluetooth"),
)


@pytest.fixture
def http() -> Iterator[HttpGateway]:
    """A gateway."""
    with HttpGateway() as gateway:
        gateway.says("GET", "/api/crypto", {"serialNumber": "00112233aabb"})
        yield gateway


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of who runs the tests counts."""
    for choice in CHOICES:
        monkeypatch.delenv(choice.variable, raising=False)


def test_the_help_names_every_option_and_variable(capsys: pytest.CaptureFixture[str]) -> None:
    """And where the label and the client are."""
    with pytest.raises(SystemExit) as ended:
        command_line.main(["--help"])

    shown = capsys.readouterr().out
    assert 0 == ended.value.code
    assert [] == [each.option for each in CHOICES if each.option not in shown]
    assert [] == [each.variable for each in CHOICES if each.variable not in shown]
    assert "python -m bluetooth label" in shown


def test_the_label_is_shown_as_code_and_text(
    tmp_path: Path, http: HttpGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the name that phones see; the secret made now is the one the service will use."""
    code = command_line.main(["label", "--data", str(tmp_path), "--api-url", http.url])

    shown = capsys.readouterr().out
    assert 0 == code
    assert "Egret 33AABB" in shown
    assert label.load_or_make(tmp_path).printed() in shown
    assert "▄" in shown


def test_the_gateway_is_asked_with_the_token_of_the_shared_folder(
    tmp_path: Path, http: HttpGateway
) -> None:
    """It is in the file that the gateway made there."""
    (tmp_path / TOKEN_FILE).write_text("egret_abc\n", encoding="ascii")
    command_line.main(["label", "--data", str(tmp_path), "--api-url", http.url])

    assert ["Bearer egret_abc"] == [each.get("authorization") for each in http.headers]


def test_the_label_can_be_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As an SVG that nobody else can read; then the terminal shows nothing of it."""
    svg = tmp_path / "label.svg"
    arguments = ["label", "--data", str(tmp_path), "--name", "Attic", "--svg", str(svg)]

    assert 0 == command_line.main(arguments)
    printed = label.load_or_make(tmp_path).printed()
    assert printed in svg.read_text(encoding="utf-8")
    assert printed not in capsys.readouterr().out
    assert OWNER_ONLY == stat.S_IMODE(svg.stat().st_mode)


def test_a_crash_writes_no_secret_to_the_disk(tmp_path: Path) -> None:
    """No core file is made of this process, whatever was allowed before."""
    code = (
        "import resource, sys; from bluetooth import __main__ as line;"
        " most = resource.getrlimit(resource.RLIMIT_CORE)[1];"
        " resource.setrlimit(resource.RLIMIT_CORE, (most, most));"
        f" line.main(['label', '--data', {str(tmp_path)!r}, '--name', 'Attic']);"
        " print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )

    assert "0" == ended.stdout.splitlines()[-1]


def test_the_label_is_shown_without_a_gateway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then the name is the machine's, as the service's would be; the person is told so."""
    # Nothing listens on the discard port of loopback.
    arguments = ["label", "--data", str(tmp_path), "--api-url", "http://127.0.0.1:9"]

    assert 0 == command_line.main(arguments)
    shown = capsys.readouterr()
    assert box_name.from_machine() in shown.out
    assert "does not tell the box's name" in shown.err


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["--button-pin", "x"], "--button-pin: use a GPIO number", 2),
        (["--api-url", "ftp://x"], "--api-url: the gateway's URL", 2),
        (["label", "--api-url", "nonsense"], "--api-url: the gateway's URL", 2),
    ],
)
def test_what_cannot_be_used_is_one_line(
    arguments: list[str],
    says: str,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No traceback: what is wrong and what would be right."""
    monkeypatch.setattr(log, "configure", lambda level, stream: None)

    assert code == command_line.main([*arguments, "--data", str(tmp_path)])
    assert says in capsys.readouterr().err


def test_a_damaged_label_stops_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never replaced in silence; the person is told what to do."""
    monkeypatch.setattr(log, "configure", lambda level, stream: None)
    (tmp_path / LABEL_FILE).write_text("rubbish", encoding="utf-8")

    assert 1 == command_line.main(["--data", str(tmp_path)])
    assert "is damaged. Put the file back" in capsys.readouterr().err


def test_the_machine_says_what_it_is(tmp_path: Path) -> None:
    """Where it does; else it is an Egret."""
    model = tmp_path / "model"
    model.write_bytes(b"Raspberry Pi 4 Model B Rev 1.5\0")

    assert "Raspberry Pi 4 Model B Rev 1.5" == command_line.hardware(model)
    assert "Egret" == command_line.hardware(tmp_path / "none")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("command", "folder"), WAYS, ids=["module", "script"])
def test_it_starts_waits_and_stops_on_a_signal(
    command: list[str], folder: Path, number: signal.Signals, tmp_path: Path, http: HttpGateway
) -> None:
    """Without any Bluetooth: it says so, reports it, and ends cleanly; the log has no secret."""
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path / 'no bus'}"}
    environment.pop("PYTHONPATH", None)
    arguments = ["--data", str(tmp_path), "--api-url", http.url, "--log-level", "DEBUG"]
    with subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "no Bluetooth for now" in line:
                break
        process.send_signal(number)
        _, rest = process.communicate(timeout=STOP_LIMIT_S + TIMEOUT_S)

    output = "".join(lines) + rest
    assert 0 == process.returncode, output
    assert "the service has stopped" in output
    assert "Traceback" not in output
    digits = label.load_or_make(tmp_path).printed()
    assert [] == [part for part in (digits[:9], digits.replace("-", "")[:9]) if part in output]
