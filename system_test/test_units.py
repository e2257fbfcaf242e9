"""The systemd units: systemd itself reads them, and says how exposed they leave a machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
UNITS = sorted((ROOT / "deploy").glob("*.service"))

EXPOSURE_MAX = 1.6
"""Of 10; docs/install.md states what the units have. Most services of a distribution have 9."""

ANALYZE_TIMEOUT_S = 60.0

pytestmark = pytest.mark.system


def analyze(*words: str) -> str:
    """`systemd-analyze WORDS`, which need no running systemd."""
    done = subprocess.run(
        ["systemd-analyze", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=ANALYZE_TIMEOUT_S,
        check=False,
    )
    return done.stdout


@pytest.fixture(params=UNITS, ids=lambda unit: unit.stem)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit whose program is one that this machine has; everything else is as it is."""
    given: Path = request.param
    text, changed = re.subn(r"/opt/egret/deploy/egret-start", "/bin/true", given.read_text())
    assert changed >= 1
    copy = tmp_path / given.name
    copy.write_text(text)
    return copy


def test_both_programs_have_one() -> None:
    """The gateway and the phone's door."""
    assert ["egret-bluetooth", "egret"] == [unit.stem for unit in UNITS]


def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    """No unknown key, no bad value; other units that this machine lacks are not ours."""
    said = [line for line in analyze("verify", str(unit)).splitlines() if unit.stem in line]

    assert [] == said


def test_it_leaves_little_exposed(unit: Path) -> None:
    """By systemd's own count."""
    said = analyze("security", "--offline=yes", "--no-pager", str(unit))
    score = re.search(r"Overall exposure level for [^:]+: ([0-9.]+)", said)

    assert score is not None, said
    assert float(score.group(1)) <= EXPOSURE_MAX, said


def test_the_score_is_stated(unit: Path) -> None:
    """docs/install.md names the figure that systemd gives today."""
    said = analyze("security", "--offline=yes", "--no-pager", str(unit))
    score = re.search(r"Overall exposure level for [^:]+: ([0-9.]+)", said)
    stated = (ROOT / "docs" / "install.md").read_text()

    assert score is not None, said
    assert f"| `{unit.name}` | {score.group(1)} |" in stated
