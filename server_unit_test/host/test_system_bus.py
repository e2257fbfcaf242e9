"""The message bus: absent, silent, broken off. What it says is met in system_test."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.errors import WifiUnavailable
from server.host import system_bus
from server.host.system_bus import (
    CALL_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    MAX_SIGNALS,
    BusRefused,
    SystemBus,
)

WAIT_S = 10.0


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[tuple[str, threading.Event]]:
    """A door that takes a connection and says nothing; set once somebody has come."""
    path, come = tmp_path / "bus", threading.Event()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        held: list[socket.socket] = []

        def take() -> None:
            held.append(door.accept()[0])
            come.set()

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"unix:path={path}", come
        thread.join(WAIT_S)
        for each in held:
            each.close()


def test_a_machine_without_a_bus_says_so(tmp_path: Path) -> None:
    """At once, and leaves nothing open."""
    bus = SystemBus(f"unix:path={tmp_path}/none")

    with pytest.raises(WifiUnavailable, match="no message bus"):
        bus.open()
    bus.close()
    bus.close()


def test_a_bus_that_says_nothing_is_given_up(
    silent: tuple[str, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After CONNECT_TIMEOUT_S, which is less than one call may take."""
    assert CONNECT_TIMEOUT_S < CALL_TIMEOUT_S
    monkeypatch.setattr(system_bus, "CONNECT_TIMEOUT_S", 0.05)
    bus = SystemBus(silent[0])

    with pytest.raises(WifiUnavailable, match="within 0.05 s|no message bus"):
        bus.open()
    bus.close()


def test_a_call_in_flight_is_broken_off_from_another_thread(
    silent: tuple[str, threading.Event],
) -> None:
    """Within a moment, and every later call is refused."""
    address, come = silent
    bus = SystemBus(address)

    def breaker() -> None:
        come.wait(WAIT_S)
        bus.abort()

    thread = threading.Thread(target=breaker)
    thread.start()
    with pytest.raises(WifiUnavailable, match="broken off"):
        bus.open()
    with pytest.raises(WifiUnavailable, match="broken off"):
        bus.open()
    thread.join(WAIT_S)
    bus.close()
    bus.abort()


def test_nothing_is_said_over_a_closed_connection() -> None:
    """An error in words, no crash."""
    bus = SystemBus("unix:path=/nowhere")

    with pytest.raises(WifiUnavailable, match="closed"):
        bus.call("a.b", "/", "a.b", "C")
    bus.close()


def test_waiting_signals_are_bounded() -> None:
    """The oldest go first."""
    bus = SystemBus("unix:path=/nowhere")

    assert MAX_SIGNALS == bus._signals.maxlen
    bus.close()


def test_a_refusal_without_words_is_its_name() -> None:
    """Some services say nothing more."""
    assert "a.b.Failed" == str(BusRefused("a.b.Failed", ""))
