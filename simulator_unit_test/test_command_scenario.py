"""The command: what it prints and how it ends."""

import threading
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.command_scenario import NOT_RUN, Clockwork

GOOD = """
title = "One"
[[step]]
at = "0 s"
do = "modbus drop"
for = "1 s"
[[expect]]
that = "readings resume"
within = "1 s"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.toml"
    path.write_text(GOOD)
    return path


def test_a_file_can_be_checked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --check nothing is started."""
    assert 0 == main(["scenario", "--check", str(file)])
    assert "One: 1 plants, 1 steps, 3 s\n" == capsys.readouterr().out


def test_a_mistake_ends_it_in_words(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be used ends with 2 and says where."""
    file.write_text(GOOD.replace("drop", "explode"))

    assert 2 == main(["scenario", str(file)])
    assert f"simulator: {file}:5: step[0].do: no trouble 'explode'" in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The missing file is named."""
    assert 2 == main(["scenario", str(tmp_path / "none.toml")])
    assert "none.toml" in capsys.readouterr().err


def test_no_gateway_is_not_found_out(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody at the URL: it says so, ends with 2, and claims nothing."""
    file.write_text("look = '50 ms'\n" + GOOD)

    assert NOT_RUN == main(["scenario", str(file), "--gateway", "http://127.0.0.1:9"])
    out = capsys.readouterr().out
    assert "not found out: http://127.0.0.1:9/api/snapshot does not answer" in out
    assert "holds" not in out


def test_its_clockwork_ends_when_told() -> None:
    """Waiting ends at once when the end is wanted."""
    stopped = threading.Event()
    stopped.set()

    assert Clockwork(stopped).wait(60)
    assert Clockwork(stopped).utc_s() > 0
