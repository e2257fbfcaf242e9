"""The box in a guest, for all tests of a worker, and what it said when one of them fails.

Tests that take `box` may be coroutines: they run on the loop on which the radio lives.
"""

import inspect
import re
import secrets
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from system_test.guest_box import Box
from virtual_radio.guest.commands import GuestMissing

CAPTURES = Path("build/radio-captures")
"""What went over the air before a failure, for Wireshark; below pytest's root."""

MAX_FILE_NAME = 150
"""Characters of a test's name that its capture keeps: file systems end at 255."""

_BOX = pytest.StashKey[Box]()


@pytest.fixture(scope="session")
def bluez_guest(pytestconfig: pytest.Config) -> Iterator[Box]:
    """A guest with a real kernel and bluetoothd, and the radio here; made at first, then kept.

    It stands here and not in the radio's plugin, which knows nothing of the programs of a box.
    """
    try:
        made = Box.boot()
    except GuestMissing as missing:
        pytest.skip(f"QEMU cannot run here: {missing}")
    pytestconfig.stash[_BOX] = made
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def box(bluez_guest: Box) -> Box:
    """The guest as a whole box: the gateway and the Bluetooth service run in it."""
    bluez_guest.play(bluez_guest.start_programs())
    return bluez_guest


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test on the box's loop."""
    box = pyfuncitem.funcargs.get("bluez_guest")
    if not isinstance(box, Box) or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    box.play(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the guest said when a test failed in it, and keep what went over the air."""
    report = yield
    box = item.config.stash.get(_BOX, None)
    if report.failed and box is not None and "bluez_guest" in getattr(item, "fixturenames", ()):
        for name, text in box.report().items():
            report.sections.append((f"guest: {name}", text))
        name = re.sub(r"[^\w.-]+", "_", item.nodeid)[-MAX_FILE_NAME:]
        path = item.config.rootpath / CAPTURES / f"{name}.btsnoop"
        box.radio.capture.save(path)
        report.sections.append(("guest: radio", str(path)))
    return report


@pytest.fixture
def fuzz_seed(pytestconfig: pytest.Config) -> int:
    """Chosen by chance and printed, or given to see the same once more."""
    given: int | None = pytestconfig.getoption("--fuzz-seed")
    return secrets.randbits(32) if given is None else given
