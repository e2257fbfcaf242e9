"""A clean stop: within eight seconds, with everything committed, whatever hangs.

Told by SIGTERM or SIGINT the gateway takes no new work, gives the calls in flight their time,
commits its buffer and ends with 0. What it held is found by its next life.
"""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from system_test.power.box import Box, let_run, stop_within
from system_test.power.lives import NOTHING_LOST, Reckoning
from system_test.processes import Program, device
from system_test.witness import Report, within

STOP_BUDGET_S = 8.0
"""What the gateway promises."""

SIGNALS = [signal.SIGTERM, signal.SIGINT]

LONG_COMMIT_S = "30"
"""A commit interval within which a test ends: all that is committed, the stop has committed."""

BUFFERED_READINGS = 20
"""So many lie in the buffer before the stop."""

BUFFER_TIMEOUT_S = 30.0
"""Until they do: three plants at ten a second need one second."""

HANG_S = 1.0
"""Lets the gateway run into whatever hangs."""


@contextmanager
def hanging_server(port: int = 0) -> Iterator[tuple[str, int]]:
    """A server that accepts and never says anything; yields its address."""
    accepted: list[socket.socket] = []

    def accept() -> None:
        try:
            while True:
                accepted.append(server.accept()[0])
        except OSError:
            return

    with socket.create_server(("127.0.0.1", port)) as server:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[:2]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in accepted:
                each.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box with plants and a receiver."""
    with Box(tmp_path, tmp_path / "data") as box:
        yield box


def wait_buffered(box: Box) -> tuple[str, int]:
    """Wait until readings lie in the buffer uncommitted; returns the boot and how many."""
    for _ in within(BUFFER_TIMEOUT_S, step_s=0.02):
        latest = box.witness.latest()
        if latest is not None and latest.buffered >= BUFFERED_READINGS:
            return latest.boot, latest.accepted + latest.buffered
    raise AssertionError(f"never {BUFFERED_READINGS} in the buffer; last: {box.witness.latest()}")


def arrived(box: Box, boot: str, count: int) -> Reckoning:
    """Start the gateway again; what of the first `count` of `boot` does not arrive."""
    heard = box.witness.accepted().get(boot, 0)
    box.witness.hear(Report(boot, max(count, heard), 0))
    with box.gateway():
        missing = box.wait_drained()
    return Reckoning(missing, box.conflicts(), box.witness.complaints())


@pytest.mark.parametrize("number", SIGNALS)
def test_it_stops_in_time_under_load(box: Box, number: signal.Signals) -> None:
    """While polling, committing and publishing, a signal ends it with 0; nothing is lost."""
    with box.gateway() as program:
        box.wait_accepted(set(), accepted=50)
        taken_s = stop_within(program, number, STOP_BUDGET_S)
    print(f"stopped within {taken_s:.2f} s")
    with box.gateway():
        missing = box.wait_drained()

    assert NOTHING_LOST == Reckoning(missing, box.conflicts(), box.witness.complaints())


@pytest.mark.parametrize("number", SIGNALS)
def test_the_buffer_is_committed(box: Box, number: signal.Signals) -> None:
    """What lay in the buffer when the signal came is delivered by the next life."""
    with box.gateway(EGRET_STORE_COMMIT_INTERVAL_S=LONG_COMMIT_S) as program:
        boot, count = wait_buffered(box)
        stop_within(program, number, STOP_BUDGET_S)

    assert NOTHING_LOST == arrived(box, boot, count)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_hanging_device_does_not_hold_it(box: Box, number: signal.Signals) -> None:
    """A device that accepts and never answers is broken off; the others' readings are safe."""
    with hanging_server() as address:
        box.devices.append(device(address, "hanging", interval_s=1))
        with box.gateway(EGRET_STORE_COMMIT_INTERVAL_S=LONG_COMMIT_S) as program:
            boot, count = wait_buffered(box)
            let_run(program, HANG_S)
            taken_s = stop_within(program, number, STOP_BUDGET_S)
    box.devices.pop()
    print(f"stopped within {taken_s:.2f} s")

    assert NOTHING_LOST == arrived(box, boot, count)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_hanging_receiver_does_not_hold_it(box: Box, number: signal.Signals) -> None:
    """A delivery without an answer is given up; its records are delivered by the next life."""
    with box.gateway():
        box.wait_accepted(set())
    port = box.kill_receiver()
    known = set(box.witness.accepted())
    with hanging_server(port):
        with box.gateway(introduce=False) as program:
            box.wait_accepted(known, accepted=50)
            let_run(program, HANG_S)
            taken_s = stop_within(program, number, STOP_BUDGET_S)
    print(f"stopped within {taken_s:.2f} s")
    box.start_receiver(port)
    with box.gateway():
        missing = box.wait_drained()

    assert NOTHING_LOST == Reckoning(missing, box.conflicts(), box.witness.complaints())


def test_a_second_signal_does_no_harm(box: Box) -> None:
    """Impatience neither kills the commit under way nor spoils the database."""
    with box.gateway(EGRET_STORE_COMMIT_INTERVAL_S=LONG_COMMIT_S) as program:
        boot, count = wait_buffered(box)
        send_again_and_again(program)

    assert (0, NOTHING_LOST) == (program.returncode, arrived(box, boot, count))


def send_again_and_again(program: Program) -> None:
    """SIGTERM, at once again, and a SIGINT on top."""
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        os.kill(program.pid, number)
    stop_within(program, signal.SIGTERM, STOP_BUDGET_S)
