"""RootCanal, the virtual controller of Android, as a peer of our radio: started, dialled, ended.

The wheel is a binary of another project; where it does not start, its figures are missing.
"""

import importlib.resources
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0
PORTS = ("test_port", "hci_port", "link_port", "link_ble_port")


def _binary() -> Path | None:
    try:
        folder = Path(str(importlib.resources.files("rootcanal")))
    except ModuleNotFoundError:
        return None
    found = folder / "bin" / f"{sys.platform}-x86_64" / "rootcanal"
    return found if found.exists() else None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


@contextmanager
def running() -> Iterator[int | None]:
    """The port on which each connection is a controller; None where it does not start."""
    binary = _binary()
    if binary is None:
        yield None
        return
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    flags = [f"--{name}={port}" for name, port in ports.items()]
    with tempfile.TemporaryDirectory() as folder:
        try:
            process = subprocess.Popen(
                [binary, *flags],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            yield None
            return
        try:
            yield ports["hci_port"] if _answers(ports["hci_port"], process) else None
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_TIMEOUT_S)
