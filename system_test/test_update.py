"""Real updates on one machine: two real releases, the real script, one data folder."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from server import __version__
from server.ledger.trial import MAX_TRIES
from server_unit_test.store.samples import stored_records
from system_test.processes import (
    ROOT,
    Children,
    Program,
    device,
    environment,
    start_plant,
    wait_until,
)
from system_test.test_egret_start import Machine

NEXT = "99.0.0"
READ_TIMEOUT_S = 60.0

PYTHON = f"""#!/bin/sh
exec "{sys.executable}" "$@"
"""

pytestmark = pytest.mark.system


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A box on which this version has run."""
    machine = Machine(tmp_path / "opt", tmp_path / "var")
    (machine.root / "deploy").mkdir(parents=True)
    machine.data.mkdir()
    shutil.copy(ROOT / "deploy" / "egret-start", machine.root / "deploy")
    release(machine, __version__)
    machine.use(__version__)
    return machine


def release(machine: Machine, version: str, broken: str = "") -> None:
    """Install our own program as that version; `broken` is what stands at its beginning."""
    folder = machine.root / "releases" / version
    (folder / ".venv" / "bin").mkdir(parents=True)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    shutil.copytree(ROOT / "server", folder / "server", ignore=lambda *_: ["__pycache__"])
    (folder / "server" / "__init__.py").write_text(f'__version__ = "{version}"\n{broken}\n')


def run(machine: Machine, children: Children, plant: Program) -> Program:
    """What the unit starts, once it has read the plant."""
    settings: Mapping[str, str] = {
        "EGRET_DEVICES": str([device(plant.door, "roof", interval_s=1.0)]).replace("'", '"'),
        "EGRET_CLOCK_TRUST": "always",
    }
    script = machine.root / "deploy" / "egret-start"
    environ = {**environment(settings), "EGRET_DATA": str(machine.data)}
    program = children.keep(
        Program("gateway", [str(script), "server", "--json", "--port", "0"], environ)
    )
    wait_until(lambda: accepted(program) > 0, READ_TIMEOUT_S, "reading")
    return program


def accepted(program: Program) -> int:
    """Readings on disk, of this start."""
    return int(program.get("/api/snapshot")["store"]["accepted"])


def identity(program: Program) -> tuple[Any, ...]:
    """What must never change: the key, and which version says so."""
    return program.get("/api/crypto")["serialNumber"], program.get("/api/version")["version"]


def test_an_update_that_crashes_brings_the_version_before_back(
    machine: Machine, children: Children
) -> None:
    """With the same key and every reading, and it tells what happened."""
    plant = children.keep(start_plant())
    first = run(machine, children, plant)
    serial, _ = identity(first)
    first.stop()
    release(machine, NEXT, broken="raise SystemExit('a bug')")
    machine.use(NEXT)
    codes = [machine.script("server").returncode for _ in range(MAX_TRIES)]

    back = run(machine, children, plant)
    told = str(back.get("/api/state"))

    assert [1] * MAX_TRIES == codes
    assert (serial, __version__) == identity(back)
    assert f"Version {NEXT} was tried and did not prove itself" in told
    assert f"was started {MAX_TRIES} times" in told


def test_an_update_and_the_way_back_keep_everything(machine: Machine, children: Children) -> None:
    """The new version goes on where the old one stopped, and the old one again after it."""
    plant = children.keep(start_plant())
    release(machine, NEXT)
    seen = []
    for version in (__version__, NEXT, __version__):
        machine.use(version)
        program = run(machine, children, plant)
        named = identity(program)
        assert 0 == program.stop()
        seen.append((*named, stored_records(machine.data / "store")))
    serials, versions, kept = zip(*seen, strict=True)

    assert (1, (__version__, NEXT, __version__)) == (len(set(serials)), versions)
    assert kept[0] == kept[1][: len(kept[0])] and kept[1] == kept[2][: len(kept[1])]
    assert len(kept[0]) < len(kept[1]) < len(kept[2])
    assert not [path for path in (machine.data / "store").iterdir() if "corrupt" in path.name]
    assert os.readlink(machine.root / "previous").endswith(NEXT)
