"""`make run` as a person lives it: it starts, shows, survives a receiver's absence, and ends."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from system_test.processes import HTTP_TIMEOUT_S, Program, environment, wait_until

PATIENCE_S = 60.0
"""For what takes a few seconds on an idle machine."""


END_TIMEOUT_S = 30.0
"""For three programs that end one after the other, each within its own ten seconds."""


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Program]:
    """The whole house on free ports, its data in the test's folder."""
    command = [sys.executable, "-m", "demo", "--json", "--data", str(tmp_path), "--away", "2"]
    ports = [part for port in ("--port", "--plant-port", "--receiver-port") for part in (port, "0")]
    program = Program("demo", [*command, *ports], environment({}))
    yield program
    print(program.output())
    if program.returncode is None:
        program.stop(END_TIMEOUT_S)


def stats(demo: Program) -> dict[str, int]:
    answer = requests.get(f"{demo.hello['receiver']}/stats", timeout=HTTP_TIMEOUT_S)
    return dict(answer.json())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_person_sees_the_page_and_acknowledged_readings(demo: Program) -> None:
    """The page is served, and readings of the plant arrive with nothing missing between."""
    page = requests.get(f"{demo.url}/", timeout=HTTP_TIMEOUT_S)
    wait_until(lambda: stats(demo)["accepted"] > 0, PATIENCE_S, "acknowledged reading")

    assert 200 == page.status_code
    assert (1, 0, 0) == tuple(stats(demo)[name] for name in ("devices", "gaps", "bad_signatures"))


def test_an_ended_receiver_comes_back_and_misses_nothing(demo: Program) -> None:
    """What was read while the receiver was away is delivered once it is there again."""
    wait_until(lambda: stats(demo)["accepted"] > 0, PATIENCE_S, "acknowledged reading")
    before = stats(demo)["accepted"]
    os.kill(demo.hello["pids"]["receiver"], signal.SIGTERM)
    wait_until(lambda: "the receiver has ended" in demo.output(), PATIENCE_S, "word about it")

    wait_until(lambda: stats(demo)["accepted"] > before, PATIENCE_S, "further reading")

    assert 0 == stats(demo)["gaps"]


def test_it_ends_with_all_its_children(demo: Program) -> None:
    """After SIGTERM nothing of it is left."""
    status = demo.stop(END_TIMEOUT_S)

    assert 0 == status
    assert [] == [name for name, pid in demo.hello["pids"].items() if alive(pid)]
