"""Tests that share something dear run one after another in one process: `--dist loadgroup`.

pytest-xdist 3.8 marks such tests in a field that pytest 9 does not read any more, and then spreads
them over all processes (pytest-dev/pytest-xdist, remote.py, pytest_collection_modifyitems). So the
groups stand here once more, by file; remove this once xdist groups again by itself.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

GROUPS: Mapping[str, str] = {
    "test_bluez_guest.py": "guest",
    "test_phone_door.py": "guest",
    "ble_in_guest.py": "guest",
    "test_ble_guest.py": "guest",
    "test_compose.py": "docker",
}
"""File in this folder -> its group, as in its xdist_group mark."""


def group_of(nodeid: str) -> str:
    """What runs together with this test: its group, or it alone."""
    path = PurePosixPath(nodeid.split("::", 1)[0])
    return GROUPS.get(path.name, nodeid)


class GroupScheduling(LoadGroupScheduling):  # type: ignore[misc]  # xdist has no types
    """One unit of work for each group, and for each test that is in none."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling | None:
    """Ours where groups were asked for."""
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None
