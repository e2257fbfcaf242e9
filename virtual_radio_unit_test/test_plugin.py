"""The pytest plugin, used as a stranger would: by its name, in a test run of its own."""

import sys
from pathlib import Path

import pytest

from virtual_radio.plugin import MAX_FILE_NAME, RadioCaptures
from virtual_radio.radio import Radio

pytest_plugins = ["pytester"]

STRANGER = """
import asyncio

import pytest

async def test_async_tests_run_where_time_costs_nothing(radio):
    radio.advertisers(3)
    phone = await radio.central()
    assert 3 == len(await phone.scan(30.0))

def test_sync_tests_may_use_the_loop(radio_loop, peripheral, central):
    session = radio_loop.run_until_complete(central.connect(peripheral.address))
    assert session.connected

@pytest.mark.real_time
async def test_real_time_is_real(radio):
    assert asyncio.get_running_loop().time() > 1.0

def test_others_are_left_alone():
    pass
"""

FAILS = """
async def test_fails(radio, peripheral, central):
    await central.connect(peripheral.address)
    assert radio.seed == 41
"""

IN_THE_BACKGROUND = """
async def explode():
    raise RuntimeError("unseen")

async def test_it(radio_loop):
    radio_loop.create_task(explode())
"""

LAZY = """
import sys

def test_nothing_is_imported():
    assert not {name for name in sys.modules if name.split(".")[0] in ("bumble", "bleak")}
"""

CONFTEST = 'pytest_plugins = ["virtual_radio.plugin"]'


@pytest.fixture
def stranger(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with tests of somebody else, whose conftest names the plugin."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    pytester.makeconftest(CONFTEST)
    return pytester


QUIETLY = ("-p", "no:cacheprovider", "-W", "error", "--strict-markers")


def run(stranger: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """With warnings as errors."""
    return stranger.runpytest_inprocess(*QUIETLY, *arguments)


def test_a_stranger_gets_it_by_its_name(stranger: pytest.Pytester) -> None:
    """Async and sync tests, virtual and real time, beside tests that want nothing."""
    stranger.makepyfile(STRANGER)

    run(stranger).assert_outcomes(passed=4)


def test_a_failed_test_keeps_its_capture(stranger: pytest.Pytester) -> None:
    """Under the test's name, and the report says where and with which seed."""
    stranger.makepyfile(FAILS)

    outcome = run(stranger, "--radio-seed", "40")

    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*seed 40, * HCI packets: *"])
    kept = list((stranger.path / "build" / "radio-captures").iterdir())
    assert ["test_a_failed_test_keeps_its_capture.py_test_fails.btsnoop"] == [
        each.name for each in kept
    ]
    assert kept[0].read_bytes().startswith(b"btsnoop\0")


@pytest.mark.parametrize("by", ["option", "ini"])
def test_captures_go_where_they_are_told(stranger: pytest.Pytester, by: str) -> None:
    """On the command line, or in pytest's own settings."""
    stranger.makepyfile(FAILS)
    stranger.makeini("[pytest]\n" + ("radio_captures = kept\n" if by == "ini" else ""))

    run(stranger, *(["--radio-captures", "kept"] if by == "option" else []))

    assert 1 == len(list((stranger.path / "kept").iterdir()))


def test_a_test_that_passes_leaves_nothing(stranger: pytest.Pytester) -> None:
    """No folder and no file; the same test with the seed that it wants."""
    stranger.makepyfile(FAILS)

    run(stranger, "--radio-seed", "41").assert_outcomes(passed=1)

    assert not (stranger.path / "build").exists()


def test_what_fails_unseen_fails_the_test(stranger: pytest.Pytester) -> None:
    """A task that died in the background is an error."""
    stranger.makepyfile(IN_THE_BACKGROUND)

    outcome = run(stranger)

    outcome.assert_outcomes(passed=1, errors=1)
    outcome.stdout.fnmatch_lines(["*failed in the background*unseen*"])


def test_tests_without_a_radio_do_not_pay(stranger: pytest.Pytester) -> None:
    """Neither Bumble nor bleak is imported before somebody asks for a fixture."""
    stranger.makepyfile(LAZY)

    outcome = stranger.run(sys.executable, "-m", "pytest", *QUIETLY, timeout=60)

    outcome.assert_outcomes(passed=1)


async def test_radios_that_outlive_a_test_can_be_watched(radio: Radio, tmp_path: Path) -> None:
    """Each gets a file of its own, until it is forgotten; an empty one gets none."""
    captures = RadioCaptures(tmp_path)
    other = Radio()
    for each in (radio, other, Radio()):
        captures.watch(each)
    await radio.central()
    await other.central()

    written = [path.name for _radio, path in captures.save("test_x.py::test_it[a/b]")]
    captures.forget(radio)

    assert ["test_x.py_test_it_a_b_.btsnoop", "test_x.py_test_it_a_b_.1.btsnoop"] == written
    assert [other] == [each for each, _path in captures.save("x")]
    await other.close()


async def test_long_names_are_cut(radio: Radio, tmp_path: Path) -> None:
    """A file system has its limits; the end of a name says more than its beginning."""
    captures = RadioCaptures(tmp_path)
    captures.watch(radio)
    await radio.central()

    ((_radio, path),) = captures.save("x" * 300 + "the_end")

    assert "x" * (MAX_FILE_NAME - 7) + "the_end.btsnoop" == path.name
