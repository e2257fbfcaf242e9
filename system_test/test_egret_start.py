"""The supervisor script of systemd machines, run for real with releases that are small scripts."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.host.release_file import FALLBACK_FILE, ReleaseFile
from server.ledger.trial import MAX_TRIES
from server.model.release import TRIAL_EXIT_CODE, Attempt, Fallback, Release

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "deploy" / "egret-start"
SCRIPT_TIMEOUT_S = 30.0

pytestmark = pytest.mark.system

PROGRAM = """#!/bin/sh
echo "{version} in $(basename "$PWD"): $*" >>"{root}/started"
exit $(cat "{root}/releases/{version}/ends_with" 2>/dev/null || echo 0)
"""


@dataclass(frozen=True)
class Machine:
    """/opt/egret and /var/lib/egret of a box, below one folder."""

    root: Path
    data: Path

    def install(self, version: str, ends_with: int = 0) -> None:
        """Put a release there whose gateway ends with this code, at once."""
        release = self.root / "releases" / version
        (release / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
        program = release / ".venv" / "bin" / "python"
        program.write_text(PROGRAM.format(root=self.root, version=version))
        program.chmod(0o755)
        (release / "ends_with").write_text(str(ends_with))

    def script(self, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run the script as the unit does."""
        return subprocess.run(
            [str(self.root / "deploy" / "egret-start"), *words],
            env={"PATH": os.environ["PATH"], "EGRET_DATA": str(self.data), **environ},
            capture_output=True,
            text=True,
            timeout=SCRIPT_TIMEOUT_S,
            check=False,
        )

    def use(self, version: str) -> None:
        """As the owner does after installing."""
        done = self.script("use", version)
        assert 0 == done.returncode, done.stderr

    def live(self, times: int = 1) -> list[str]:
        """Start, let it end, note how, as systemd does with Restart=always; what ran each time."""
        before = len(self.started())
        for _ in range(times):
            code = self.script("server").returncode
            self.script("ended", EXIT_STATUS=str(code) if code >= 0 else "KILL")
        return [line.split()[0] for line in self.started()[before:]]

    def started(self) -> list[str]:
        """Every start so far."""
        log = self.root / "started"
        return log.read_text().splitlines() if log.exists() else []

    def prove(self, version: str) -> None:
        """What the gateway writes once it has proved itself."""
        ReleaseFile(self.data).write(Release(version, version))

    def on_trial(self, proven: str, version: str) -> None:
        """What it writes before that."""
        ReleaseFile(self.data).write(Release(proven, version, Attempt(version, 0, 1)))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """With the script, and no release yet."""
    root, data = tmp_path / "opt egret", tmp_path / "var"
    (root / "deploy").mkdir(parents=True)
    data.mkdir()
    shutil.copy(SCRIPT, root / "deploy")
    return Machine(root, data)


@pytest.fixture
def updated(machine: Machine) -> Machine:
    """0.1.0 has proved itself; 0.2.0 was just installed and gives up after its trial."""
    machine.install("0.1.0")
    machine.use("0.1.0")
    machine.prove("0.1.0")
    machine.install("0.2.0", ends_with=TRIAL_EXIT_CODE)
    machine.use("0.2.0")
    return machine


def test_the_script_and_the_program_mean_the_same() -> None:
    """Numbers and names stand in both."""
    text = SCRIPT.read_text()

    assert f"TRIAL_EXIT_CODE={TRIAL_EXIT_CODE}\n" in text
    assert f"MAX_TRIES={MAX_TRIES}\n" in text
    assert f"note {FALLBACK_FILE} " in text


def test_without_releases_the_one_program_runs(machine: Machine) -> None:
    """A plain checkout, as docs/install.md has it."""
    program = machine.root / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM.format(root=machine.root, version="plain"))
    program.chmod(0o755)

    machine.script("server", "--port", "8081")

    assert [f"plain in {machine.root.name}: -m server --port 8081"] == machine.started()
    assert [] == list(machine.data.iterdir())


def test_the_current_release_runs_in_its_own_folder(updated: Machine) -> None:
    """Gateway and door alike, with their options."""
    updated.script("server")
    updated.script("bluetooth", "--data", "/x y")

    assert [
        "0.2.0 in 0.2.0: -m server",
        "0.2.0 in 0.2.0: -m bluetooth --data /x y",
    ] == updated.started()


def test_a_failed_trial_brings_the_version_before_back_and_stays_there(updated: Machine) -> None:
    """Once, never back and forth; the door follows, and the older program learns why."""
    assert ["0.2.0", "0.1.0", "0.1.0", "0.1.0"] == updated.live(4)

    updated.script("bluetooth")
    told = updated.script("which")
    assert "0.1.0 in" in updated.started()[-1] and "0.1.0\n" == told.stdout
    assert "version 0.2.0 failed before" in told.stderr
    assert Fallback("0.2.0", "did not prove itself") == ReleaseFile(updated.data).fallback()


def test_it_says_what_it_does(updated: Machine) -> None:
    """In the journal."""
    updated.script("server")
    said = updated.script("ended", EXIT_STATUS=str(TRIAL_EXIT_CODE)).stderr

    assert "version 0.2.0 did not prove itself: going back to version 0.1.0" in said


def test_a_release_that_always_crashes_gets_a_few_tries(updated: Machine) -> None:
    """MAX_TRIES, whatever it ends with; it may not live long enough to judge itself."""
    updated.install("0.2.0", ends_with=1)

    assert ["0.2.0"] * MAX_TRIES + ["0.1.0"] * 2 == updated.live(MAX_TRIES + 2)
    fallback = ReleaseFile(updated.data).fallback()
    assert Fallback("0.2.0", f"was started {MAX_TRIES} times and did not prove itself") == fallback


def test_a_release_that_was_stopped_has_not_failed(updated: Machine) -> None:
    """An owner who restarts the box ten times during a trial loses nothing."""
    updated.install("0.2.0", ends_with=0)

    assert ["0.2.0"] * 10 == updated.live(10)


def test_a_proven_release_is_never_left(updated: Machine) -> None:
    """However often it crashes later: that is no matter of the update."""
    updated.install("0.2.0", ends_with=1)
    updated.live(2)
    updated.prove("0.2.0")

    assert ["0.2.0"] * 10 == updated.live(10)


def test_a_proven_number_is_compared_whole(updated: Machine) -> None:
    """0.2.0 is not 0.2.01, and a dot is a dot."""
    updated.install("0.2.0", ends_with=1)
    for other in ("0.2.01", "10.2.0", "0x2.0"):
        updated.prove(other)
    updated.on_trial("0.1.0", "0.2.0")

    assert "0.1.0" == updated.live(MAX_TRIES + 1)[-1]


def test_a_first_release_has_nowhere_to_go(machine: Machine) -> None:
    """It is started again and again."""
    machine.install("0.1.0", ends_with=TRIAL_EXIT_CODE)
    machine.use("0.1.0")

    assert ["0.1.0"] * (MAX_TRIES + 2) == machine.live(MAX_TRIES + 2)


def test_the_release_after_a_failed_one_falls_back_to_the_last_good_one(updated: Machine) -> None:
    """Never to the one that failed."""
    updated.live(2)
    updated.install("0.3.0", ends_with=TRIAL_EXIT_CODE)
    updated.use("0.3.0")

    assert ["0.3.0", "0.1.0"] == updated.live(2)


def test_a_failed_release_can_be_tried_again(updated: Machine) -> None:
    """Whoever names it again means it: perhaps it was the inverter that was switched off."""
    updated.live(2)
    updated.use("0.2.0")

    assert ["0.2.0", "0.1.0"] == updated.live(2)


def test_the_owner_can_go_back_by_hand(updated: Machine) -> None:
    """And from there forward again; each is an update like any other."""
    updated.install("0.2.0")
    updated.prove("0.2.0")
    updated.use("0.1.0")

    assert ["0.1.0"] == updated.live()
    assert "releases/0.2.0" == os.readlink(updated.root / "previous")


def test_a_release_that_is_not_there_is_refused(updated: Machine) -> None:
    """Links stay as they are."""
    done = updated.script("use", "9.9.9")

    assert (1, True) == (done.returncode, "there is no release in" in done.stderr)
    assert ["releases/0.2.0", "releases/0.1.0"] == [
        os.readlink(updated.root / name) for name in ("current", "previous")
    ]


def test_a_current_release_that_vanished_is_replaced_by_the_one_before(updated: Machine) -> None:
    """Somebody made room in the wrong place."""
    shutil.rmtree(updated.root / "releases" / "0.2.0")

    assert ["0.1.0"] == updated.live()


@pytest.mark.parametrize("note", ["", "0.2.0", "0.2.0 many", "\0\xff", "0.2.0 -1"])
def test_a_broken_note_keeps_nothing_from_starting(updated: Machine, note: str) -> None:
    """It counts as none."""
    (updated.data / "release-starts").write_text(note)
    (updated.data / "release-failed").write_text("")

    assert ["0.2.0"] == updated.live()


def test_a_data_folder_that_takes_no_note_keeps_nothing_from_starting(updated: Machine) -> None:
    """A full disk must not cost readings."""
    shutil.rmtree(updated.data)

    done = updated.script("server")

    assert "0.2.0" in updated.started()[-1]
    assert re.search("cannot write .*release-starts", done.stderr)


@pytest.mark.parametrize("words", [(), ("what",), ("use",), ("use", "1", "2")])
def test_what_it_does_not_understand_is_told(machine: Machine, words: tuple[str, ...]) -> None:
    """With what it does understand."""
    done = machine.script(*words)

    assert (2, True) == (done.returncode, "bluetooth" in done.stderr)
