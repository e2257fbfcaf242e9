"""The version stands in one place, server/__init__.py; what must repeat it says the same."""

import re
import tomllib
from pathlib import Path

import pytest

from server import __version__

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = ("server", "bluetooth", "simulator", "virtual_radio", "demo")
STATED = re.compile(r"^__version__\s*=\s*[\"'](.+)[\"']", re.MULTILINE)


def test_it_is_a_semantic_version() -> None:
    """Three numbers, and perhaps what comes before a release."""
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?", __version__)


def test_the_project_says_the_same() -> None:
    """pyproject.toml, which tools read without running anything."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert __version__ == project["version"]


def test_the_fleet_says_the_same() -> None:
    """balena.yml, by which balena numbers a release."""
    found = re.findall(r"^version: (\S+)$", (ROOT / "balena.yml").read_text(), re.MULTILINE)

    assert [__version__] == found


@pytest.mark.parametrize("process", PROCESSES)
def test_no_process_states_another_one(process: str) -> None:
    """They ask the gateway, or say nothing; one that states a version states this one."""
    found = {
        path.relative_to(ROOT).as_posix(): version
        for path in sorted((ROOT / process).rglob("*.py"))
        for version in STATED.findall(path.read_text(encoding="utf-8"))
    }

    assert {} == {path: version for path, version in found.items() if version != __version__}
    assert (process == "server") == ("server/__init__.py" in found)


def test_images_take_it_from_the_program() -> None:
    """No Dockerfile and no composition names a version of ours."""
    files = [*ROOT.glob("*/Dockerfile*"), *ROOT.glob("docker-compose*.yml")]
    naming = [path.name for path in files if __version__ in path.read_text(encoding="utf-8")]

    assert len(files) >= 6
    assert [] == naming
