"""Power cuts at random moments: what was reported as accepted was synced, and survives.

`kill -9` leaves the kernel to write what the gateway wrote; a power cut does not. The data folder
lies on a disk that forgets what was not synced, or keeps a random part of it out of order. The
receiver and the witness are outside and keep their power.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from system_test.power.box import Box, ask, let_run
from system_test.power.disk import Cut
from system_test.power.drive import Drive
from system_test.power.lives import (
    NOTHING_LOST,
    drawn_seed,
    early_death,
    live,
    misbehave,
    reckon,
)
from system_test.power.mount_point import require_fuse

pytestmark = [pytest.mark.system, pytest.mark.timeout(3600)]


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    """A mounted disk for the gateway."""
    require_fuse()
    with Drive(tmp_path / "disk") as drive:
        yield drive


@pytest.mark.parametrize("mode", list(Cut))
def test_no_accepted_reading_is_lost_to_power_cuts(
    tmp_path: Path, drive: Drive, mode: Cut, rounds: int
) -> None:
    """After all cuts everything accepted arrives, and the gateway is still the same one."""
    random = Random(drawn_seed())
    names = []
    with Box(tmp_path, drive.path / "data") as box:
        for number in range(rounds):
            misbehave(box, random)
            early = early_death(random) if number else None
            if early is not None:
                die_while_starting(box, drive, mode, random, early)
                continue
            names.append(die(box, drive, mode, random, number))
        reckoning = reckon(box)
        print(f"accepted: {box.witness.accepted()}; receiver: {box.stats()}")

    found = [before for before, _ in names[1:]]
    promised = [after for _, after in names[:-1]]
    assert (NOTHING_LOST, 1, promised) == (reckoning, len(box.serials), found)


def die_while_starting(box: Box, drive: Drive, mode: Cut, random: Random, seconds: float) -> None:
    """Start the gateway and cut its power on the way."""
    box.kill_while_starting(seconds)
    drive.cut(mode, random.getrandbits(32))
    drive.restore()


def die(box: Box, drive: Drive, mode: Cut, random: Random, number: int) -> tuple[str, str]:
    """One life with a cut at its end; returns the name it was found and was left with.

    The name is a setting: once the gateway has answered that it is changed, it must survive.
    """
    known = set(box.witness.accepted())
    with box.gateway() as program:
        seconds = live(box, program, known, random)
        found = name_of(program.url)
        name = f"box {number}"
        ask(f"{program.url}/api/settings", {"name": name})
        let_run(program, seconds)
        drive.cut(mode, random.getrandbits(32))
        program.kill()
    print(f"round {number}: lost {drive.restore()}")
    return found, name


def name_of(url: str) -> str:
    """The gateway's name as its settings have it."""
    return str(ask(f"{url}/api/settings")["settings"]["name"])


@pytest.mark.parametrize("mode", list(Cut))
def test_the_first_life_survives_its_end(tmp_path: Path, drive: Drive, mode: Cut) -> None:
    """Folders, key and readings of a first start are all there after a cut.

    The receiver refuses everything and no setting is changed, so that nothing else makes the new
    names durable and nothing is delivered in time. Only the owner may read the key.
    """
    with Box(tmp_path, drive.path / "data") as box:
        box.behave(fail=1.0)
        with box.gateway() as program:
            let_run(program, live(box, program, set(), Random(1)))
            drive.cut(mode, seed=1)
            program.kill()
        drive.restore()
        reckoning = reckon(box)
        modes = {stat.S_IMODE(os.stat(path).st_mode) for path in box.data.glob("*.pem")}

    assert (NOTHING_LOST, 1, {0o600}) == (reckoning, len(box.serials), modes)
