"""The whole gateway with one simulated inverter: start, memory, and what idling costs."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmark.child import Child, cpu_share
from benchmark.figures import (
    NOT_MEASURED,
    Section,
    Table,
    at_most,
    median,
    number,
    percent,
)
from benchmark.gateway import Client, address_of, devices, gateway, snapshot, wait_until
from benchmark.progress import say

FIRST_READING_WITHIN_S = 30.0
LOOK_EVERY_S = 0.02

_IMPORT = """
import json, time, sys
import {module}
status = open("/proc/self/status").read()
rss = int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6
print(json.dumps([time.process_time(), rss, len(sys.modules)]))
"""


def _import(module: str) -> tuple[float, float, int]:
    """CPU seconds of a fresh interpreter that imports it, its memory in MB, its modules."""
    ended = subprocess.run(
        [sys.executable, "-c", _IMPORT.format(module=module)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    cpu, rss, modules = json.loads(ended.stdout)
    return cpu, rss, modules


def _has_reading(child: Child) -> bool:
    return bool(snapshot(child)["store"]["accepted"] >= 1)


def _first_reading(folder: Path, port: int) -> tuple[float, float]:
    """Wall and CPU seconds from the start of the process to the first committed reading."""
    folder.mkdir()
    with gateway(folder, {"devices": devices([port], "auto")}) as child:
        held = wait_until(FIRST_READING_WITHIN_S, lambda: _has_reading(child), LOOK_EVERY_S)
        if not held:
            return float("inf"), child.cpu_s()
        return time.monotonic() - child.started_at, child.cpu_s()


def _idle(folder: Path, port: int, seconds: float) -> dict[str, tuple[float, float, float]]:
    """CPU share, RSS and wake-ups of the engine a second: page closed, then open."""
    folder.mkdir()
    found: dict[str, tuple[float, float, float]] = {}
    with gateway(folder, {"devices": devices([port], "auto")}) as child:
        wait_until(FIRST_READING_WITHIN_S, lambda: _has_reading(child))
        time.sleep(3.0)
        found["one device at 1 Hz, page closed"] = _share(child, seconds)
        page = subprocess.Popen(
            [sys.executable, "-c", _READ_STREAM, *map(str, address_of(child))],
            stdin=subprocess.DEVNULL,
        )
        try:
            with Client(address_of(child)) as client:
                client.get("/")
            time.sleep(2.0)
            found["one device at 1 Hz, page open"] = _share(child, seconds)
        finally:
            page.kill()
            page.wait(5)
    return found


_READ_STREAM = """
import socket, sys
page = socket.create_connection((sys.argv[1], int(sys.argv[2])))
host = ":".join(sys.argv[1:])
page.sendall(f"GET /api/stream HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n".encode())
while page.recv(65536):
    pass
"""


def _share(child: Child, seconds: float) -> tuple[float, float, float]:
    before = snapshot(child)["engine"]["wakeups"]
    cpu = cpu_share(child, seconds)
    wakeups = snapshot(child)["engine"]["wakeups"] - before
    return cpu, child.rss_mb(), wakeups / seconds


def measure(quick: bool) -> Section:
    """Start-up several times, idling once."""
    rounds, seconds = (1, 3.0) if quick else (5, 10.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say("imports")
        imports = [_import("server.app") for _ in range(rounds)]
        blank = [_import("sys") for _ in range(rounds)]
        plant = Child(["simulator", "plant", "--port", "0", "--json"], folder / "plant.log")
        with plant:
            port = int(plant.hello["doors"]["modbus"].rpartition(":")[2])
            say("start to first reading")
            starts = [_first_reading(folder / f"start-{each}", port) for each in range(rounds)]
            say("idling")
            idle = _idle(folder / "idle", port, seconds)
    first = median(wall for wall, _ in starts)
    cpu = median(cpu for _, cpu in starts)
    import_cpu = median(each[0] for each in imports) - median(each[0] for each in blank)
    rss = idle["one device at 1 Hz, page open"][1]
    start = Table(
        ("Start", "wall", "CPU", "RSS"),
        (
            (
                "`import server.app`, beyond a bare interpreter",
                NOT_MEASURED,
                f"{number(import_cpu * 1e3)} ms",
                f"{number(median(each[1] for each in imports))} MB in all",
            ),
            (
                "First reading committed",
                f"{number(first)} s",
                f"{number(cpu)} s",
                NOT_MEASURED,
            ),
        ),
    )
    idling = Table(
        ("Idle", "CPU of a core", "engine wake-ups/s", "RSS"),
        tuple(
            (what, percent(share), number(wakeups), f"{number(memory)} MB")
            for what, (share, memory, wakeups) in idle.items()
        ),
    )
    return Section(
        "The whole process",
        _TEXT,
        (start, idling),
        (
            at_most("RSS at idle, page open", rss, 60, " MB"),
            at_most("First reading committed after start", first, 3, " s"),
        ),
    )


_TEXT = """
`python -m server` in a fresh data folder, with one simulated SH10RT on Modbus TCP. The first
reading counts from the start of the process until the gateway reports it as accepted, that is
committed: key, database, connect, probe, poll and commit. *Page open* is a client that has
fetched the page and keeps its event stream.
"""
