"""Power cuts during the very first start: the box always comes up, and nothing is called broken.

A first start makes everything: the data folder, the key, the database. Wherever the power goes,
the next start must find nothing that it takes for damage, and go on.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from system_test.power.box import Box
from system_test.power.disk import Cut
from system_test.power.drive import Drive
from system_test.power.lives import drawn_seed
from system_test.power.mount_point import require_fuse

pytestmark = [pytest.mark.system, pytest.mark.timeout(3600)]

FIRST_START_CHANGES_MAX = 250
"""A first start writes and syncs about so often until the first readings are on disk."""

CUT_TIMEOUT_S = 2.5
"""Enough for a first start to come to its cut."""


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    """A mounted disk for the gateway."""
    require_fuse()
    with Drive(tmp_path / "disk") as drive:
        yield drive


@pytest.mark.parametrize("mode", list(Cut))
def test_a_first_start_survives_a_cut_at_any_moment(
    tmp_path: Path, drive: Drive, mode: Cut, rounds: int
) -> None:
    """After each cut the next start accepts readings and reports no damage."""
    random = Random(drawn_seed())
    damage = []
    with Box(tmp_path, drive.path / "data", plants=1) as box:
        for number in range(max(1, rounds // 2)):
            box.data = drive.path / f"data-{number}"
            after = random.randint(1, FIRST_START_CHANGES_MAX)
            drive.cut(mode, random.getrandbits(32), after=after)
            box.kill_while_starting(CUT_TIMEOUT_S)
            drive.cut(mode, random.getrandbits(32))
            print(f"round {number}: cut after {after}, lost {drive.restore()}")
            known = set(box.witness.accepted())
            with box.gateway() as program:
                box.wait_accepted(known)
                notices = json.dumps(program.get("/api/notification"))
            asides = [path.name for path in box.data.iterdir() if is_aside(path)]
            damage += [(number, after, asides, notices)] if asides else []

    assert [] == damage


def is_aside(path: Path) -> bool:
    """Whether a file was set aside as damaged."""
    return ".broken-" in path.name or ".corrupt-" in path.name
