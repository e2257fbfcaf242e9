"""The pytest plugin: one line brings the radio into any test suite.

    pytest_plugins = ["virtual_radio.plugin"]      # in the conftest.py beside your pytest settings

    async def test_my_driver(peripheral, bleak_over_radio):
        peripheral.serve([service(LAMP, characteristic(STATE, "read", value=b"on"))])
        assert await my_driver.read_lamp() == b"on"

Tests that use a fixture from here may be `async def`; they run on a loop whose time costs nothing,
or in real time when marked `real_time`. Nothing below is imported until a test asks for it.
"""

import asyncio
import inspect
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from virtual_radio.bluez_bus.fixture import bluez_bus  # noqa: F401  # A fixture.

if TYPE_CHECKING:
    from virtual_radio.bare_host import BareHost
    from virtual_radio.central import Central
    from virtual_radio.controller import RadioController
    from virtual_radio.peripheral import Peripheral
    from virtual_radio.radio import Radio

CAPTURES = "build/radio-captures"
"""Where captures of failed tests go, beside pytest's root."""

MAX_FILE_NAME = 150
"""Characters of a test's name that a capture's file name keeps: file systems end at 255."""

REAL_TIME = "real_time"
LOOP = "radio_loop"

Context = dict[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where captures go, and what all chance hangs on."""
    group = parser.getgroup("virtual radio")
    group.addoption("--radio-captures", metavar="DIR", help="captures of failed tests go here")
    group.addoption("--radio-seed", type=int, default=0, metavar="N", help="seed of every radio")
    parser.addini("radio_captures", f"captures of failed tests go here ({CAPTURES})", default="")


def pytest_configure(config: pytest.Config) -> None:
    """The marker, for strict markers."""
    config.addinivalue_line("markers", f"{REAL_TIME}: the radio runs on an ordinary event loop")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test that uses the radio on the radio's loop."""
    loop = pyfuncitem.funcargs.get(LOOP)
    if not isinstance(loop, asyncio.AbstractEventLoop) or not inspect.iscoroutinefunction(
        pyfuncitem.obj
    ):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: each for name, each in pyfuncitem.funcargs.items() if name in names}
    loop.run_until_complete(pyfuncitem.obj(**arguments))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what went over the air when a test failed, and say where."""
    report = yield
    captures = item.config.stash.get(_CAPTURES, None)
    if report.failed and captures is not None:
        for radio, path in captures.save(item.nodeid):
            text = f"seed {radio.seed}, {len(radio.capture)} HCI packets: {path}"
            report.sections.append(("virtual radio", text))
    return report


class RadioCaptures:
    """The radios whose captures are kept when a test fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._radios: "list[Radio]" = []

    def watch(self, radio: "Radio") -> None:
        """Keep this one's from now on: for radios that outlive a test."""
        self._radios.append(radio)

    def forget(self, radio: "Radio") -> None:
        """No longer. Idempotent."""
        self._radios = [each for each in self._radios if each is not radio]

    def save(self, test: str) -> "list[tuple[Radio, Path]]":
        """Write every capture that holds something."""
        name = re.sub(r"[^\w.-]+", "_", test)[-MAX_FILE_NAME:]
        written = []
        for number, radio in enumerate(self._radios):
            path = self.folder / f"{name}{f'.{number}' if number else ''}.btsnoop"
            if len(radio.capture):
                radio.capture.save(path)
                written.append((radio, path))
        return written


_CAPTURES = pytest.StashKey[RadioCaptures]()


@pytest.fixture(scope="session")
def radio_captures(pytestconfig: pytest.Config) -> RadioCaptures:
    """Whose captures are kept when a test fails; the `radio` fixture enters itself."""
    named = pytestconfig.getoption("--radio-captures") or pytestconfig.getini("radio_captures")
    captures = RadioCaptures(pytestconfig.rootpath / (named or CAPTURES))
    pytestconfig.stash[_CAPTURES] = captures
    return captures


@pytest.fixture
def radio_loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop of this test: virtual, or real where the test is marked `real_time`. What
    failed in it unseen fails the test."""
    from virtual_radio.clock import VirtualLoop

    real = request.node.get_closest_marker(REAL_TIME) is not None
    factory: Callable[[], asyncio.AbstractEventLoop] = (
        asyncio.SelectorEventLoop if real else VirtualLoop
    )
    failures: list[Context] = []
    with asyncio.Runner(loop_factory=factory) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _loop, context: failures.append(context))
        yield loop
    assert not failures, f"failed in the background: {failures}"


@pytest.fixture
def radio(
    request: pytest.FixtureRequest,
    radio_loop: asyncio.AbstractEventLoop,
    radio_captures: RadioCaptures,
) -> "Iterator[Radio]":
    """An air with nobody in it."""
    from virtual_radio.radio import Radio

    made = Radio(request.config.getoption("--radio-seed"))
    radio_captures.watch(made)
    yield made
    radio_captures.forget(made)
    radio_loop.run_until_complete(made.close())


@pytest.fixture
def controller(radio: "Radio", radio_loop: asyncio.AbstractEventLoop) -> "RadioController":
    """A controller with no host."""

    async def make() -> "RadioController":
        return radio.controller()

    return radio_loop.run_until_complete(make())


@pytest.fixture
def bare_host(controller: "RadioController") -> "BareHost":
    """The host of `controller`, all bytes."""
    from virtual_radio.bare_host import BareHost

    return BareHost(controller)


@pytest.fixture
def central(radio: "Radio", radio_loop: asyncio.AbstractEventLoop) -> "Central":
    """A phone."""
    return radio_loop.run_until_complete(radio.central())


@pytest.fixture
def peripheral(radio: "Radio", radio_loop: asyncio.AbstractEventLoop) -> "Peripheral":
    """A peripheral that advertises its name, Peripheral, and whose table is empty: `serve`."""
    return radio_loop.run_until_complete(radio.peripheral("Peripheral"))


@pytest.fixture
def bleak_over_radio(radio: "Radio", radio_loop: asyncio.AbstractEventLoop) -> "Iterator[Central]":
    """From now on bleak uses this central; code under test needs no change."""
    from virtual_radio.bleak_backend.install import installed

    central = radio_loop.run_until_complete(radio.central("bleak"))
    with installed(central):
        yield central
