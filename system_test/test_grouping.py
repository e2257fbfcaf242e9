"""Tests that are marked as a group are grouped, whatever pytest and xdist make of the mark."""

import re
from pathlib import Path

from system_test.grouping import GROUPS, group_of

HERE = Path(__file__).resolve().parent

MARK = re.compile(r'^pytestmark = .*xdist_group\("(\w+)"\)', re.MULTILINE)


def test_every_mark_has_its_row() -> None:
    """With the same group."""
    texts = {path.name: path.read_text() for path in HERE.glob("*.py")}
    marked = {name: match[1] for name, text in texts.items() if (match := MARK.search(text))}

    assert marked.items() <= GROUPS.items()


def test_tests_of_a_group_share_it_and_others_stand_alone() -> None:
    """Whatever their parameters are called."""
    one = group_of("system_test/test_bluez_guest.py::test_a[x::y]")
    other = group_of("system_test/test_phone_door.py::test_b")
    alone = group_of("system_test/test_kill.py::test_c")

    assert one == other == "guest"
    assert "system_test/test_kill.py::test_c" == alone
