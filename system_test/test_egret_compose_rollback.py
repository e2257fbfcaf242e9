"""The rollback script for plain Docker, run for real against a docker that is a small script.

`docker` answers from files and writes down what it is asked to change; what the real one does with
`tag` and `compose up` is Docker's own matter, see `test_compose.py`.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.host.release_file import ReleaseFile
from server.ledger.trial import MAX_TRIES
from server.model.release import Attempt, Release

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "deploy" / "egret-compose-rollback"
SCRIPT_TIMEOUT_S = 60.0

pytestmark = pytest.mark.system

DOCKER = """#!/bin/sh
# Services gateway and bluetooth; images and containers are called after them.
here=$(dirname "$0")
case "$*" in
"compose config --services") printf 'gateway\\nbluetooth\\n' ;;
"compose ps --all --quiet "*) [ ! -e "$here/down" ] && echo "container-$5" ;;
"inspect --format {{.Image}} container-"*) echo "sha256:${4#container-}" ;;
"inspect --format {{.Config.Image}} container-"*) echo "box-${4#container-}" ;;
"inspect --format {{.RestartCount}} "*) cat "$here/restarts" ;;
"image inspect egret-before-"*) grep -qs "$3" "$here/asked" ;;
"compose exec -T gateway cat /data/release.json") cat "$here/release.json" ;;
"compose exec -T gateway /opt/egret/bin/python -m server --version") cat "$here/version" ;;
"tag "* | "compose up "*) echo "$*" >>"$here/asked" ;;
*) echo "unexpected: $*" >>"$here/asked" && exit 1 ;;
esac
"""


@dataclass(frozen=True)
class Host:
    """A machine with Docker, as far as the script sees it."""

    folder: Path

    def runs(self, version: str, release: Release | None, restarts: int = 0) -> None:
        """The gateway's image and what it has written down; None while it cannot be asked."""
        (self.folder / "version").write_text(f"egret {version}\n")
        (self.folder / "restarts").write_text(f"{restarts}\n")
        if release is not None:
            ReleaseFile(self.folder).write(release)

    def script(self, *words: str, looks: int = 2) -> "subprocess.CompletedProcess[str]":
        """Run the script, which looks so many times without a pause."""
        return subprocess.run(
            [str(SCRIPT), *words],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder}:{os.environ['PATH']}",
                "EGRET_LOOKS_MAX": str(looks),
                "EGRET_LOOK_EVERY_S": "0",
            },
            capture_output=True,
            text=True,
            timeout=SCRIPT_TIMEOUT_S,
            check=False,
        )

    def asked(self) -> list[str]:
        """What docker was asked to change."""
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []


KEPT = [
    "tag sha256:gateway egret-before-gateway:latest",
    "tag sha256:bluetooth egret-before-bluetooth:latest",
]
WENT_BACK = [
    "tag egret-before-gateway:latest box-gateway",
    "tag egret-before-bluetooth:latest box-bluetooth",
    "compose up --detach --no-build",
]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """The old version runs."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    host = Host(tmp_path)
    host.runs("0.1.0", Release("0.1.0", "0.1.0"))
    return host


@pytest.fixture
def updated(host: Host) -> Host:
    """Its images were kept, and the new version has been started."""
    assert 0 == host.script("keep").returncode
    host.runs("0.2.0", Release("0.1.0", "0.2.0", Attempt("0.2.0", 0, 1)))
    return host


def test_the_number_of_tries_is_the_programs() -> None:
    """It stands in both."""
    assert f"MAX_TRIES={MAX_TRIES}\n" in SCRIPT.read_text()


def test_keep_names_the_images_that_run(host: Host) -> None:
    """So that no clearing up removes them."""
    assert (0, KEPT) == (host.script("keep").returncode, host.asked())


def test_keep_without_anything_running_is_refused(host: Host) -> None:
    """There would be nothing to go back to."""
    (host.folder / "down").touch()

    done = host.script("keep")

    assert (1, True) == (done.returncode, "nothing runs here" in done.stderr)


def test_a_proven_version_stays(updated: Host) -> None:
    """Nothing is changed."""
    updated.runs("0.2.0", Release("0.2.0", "0.2.0"))

    done = updated.script("watch")

    assert (0, KEPT) == (done.returncode, updated.asked())
    assert "has proved itself" in done.stderr


def test_a_failed_version_is_replaced_and_the_reason_told(updated: Host) -> None:
    """Once: the images of before get the names by which compose starts them."""
    failed = Attempt("0.2.0", 0, 1, ("roof",), "it has not read roof")
    updated.runs("0.2.0", Release("0.1.0", "0.2.0", failed))

    done = updated.script("watch")

    assert (1, [*KEPT, *WENT_BACK]) == (done.returncode, updated.asked())
    assert "did not prove itself: it has not read roof; going back" in done.stderr


def test_a_version_that_ends_again_and_again_is_replaced(updated: Host) -> None:
    """Also one that never gets as far as writing anything down."""
    updated.runs("0.2.0", None, restarts=MAX_TRIES + 1)
    (updated.folder / "version").write_text("")

    done = updated.script("watch")

    assert (1, WENT_BACK) == (done.returncode, updated.asked()[2:])
    assert f"it ended {MAX_TRIES + 1} times" in done.stderr


def test_a_version_that_does_not_come_up_is_replaced_in_the_end(updated: Host) -> None:
    """What the version before wrote down does not count for the new one."""
    updated.runs("", Release("0.1.0", "0.1.0"))
    (updated.folder / "version").write_text("")

    done = updated.script("watch")

    assert (1, WENT_BACK) == (done.returncode, updated.asked()[2:])
    assert "not proved itself in time" in done.stderr


def test_an_old_failure_is_none_of_the_new_version(updated: Host) -> None:
    """The record may still tell of another one."""
    updated.runs("0.3.0", Release("0.1.0", "0.1.0", Attempt("0.2.0", 0, 1, (), "no")))

    assert "in time" in updated.script("watch").stderr


def test_watching_without_a_kept_image_is_refused(host: Host) -> None:
    """Before anything is waited for."""
    done = host.script("watch")

    assert (1, [], True) == (done.returncode, host.asked(), "run 'keep'" in done.stderr)


def test_what_it_does_not_understand_is_told(host: Host) -> None:
    """With what it does understand."""
    assert (2, True) == (host.script().returncode, "watch" in host.script("x").stderr)
