"""What systemd is told."""

import socket
from pathlib import Path

import pytest

from server.host.supervisor import ALIVE, READY, SEND_TIMEOUT_S, Supervisor


def test_messages_reach_the_socket(tmp_path: Path) -> None:
    """One datagram each."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(path))
        ear.settimeout(5)
        supervisor = Supervisor(str(path))
        supervisor.tell(READY)
        supervisor.tell(ALIVE)

        assert [b"READY=1", b"WATCHDOG=1"] == [ear.recv(64), ear.recv(64)]


def test_an_abstract_name_is_one(tmp_path: Path) -> None:
    """systemd writes it with an @ in front."""
    name = f"@egret-{tmp_path.name}-{id(tmp_path)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind("\0" + name[1:])
        ear.settimeout(5)
        Supervisor(name).tell(READY)

        assert b"READY=1" == ear.recv(64)


@pytest.mark.parametrize("address", ["", "/nowhere/at/all"])
def test_nobody_to_tell_is_no_error(address: str) -> None:
    """Most gateways run without systemd."""
    Supervisor(address).tell(READY)


def test_a_deaf_manager_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEND_TIMEOUT_S, then the message is lost."""
    assert SEND_TIMEOUT_S <= 1.0
    monkeypatch.setattr("server.host.supervisor.SEND_TIMEOUT_S", 0.01)
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(path))
        supervisor = Supervisor(str(path))

        for _ in range(400):  # More than any socket's queue holds.
            supervisor.tell(ALIVE)
            if _queue_is_full(path):
                break
        supervisor.tell(ALIVE)


def _queue_is_full(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        try:
            probe.sendto(b"?", str(path))
        except BlockingIOError:
            return True
    return False
