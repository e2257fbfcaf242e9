"""The API beside bare Starlette routes, and its answers while a hundred devices are polled."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmark.bench_profile import write_profile
from benchmark.child import Child, cpu_share
from benchmark.figures import (
    Section,
    Table,
    at_most,
    median,
    median_ratio,
    micro,
    milli,
    number,
    percentile,
    ratio,
)
from benchmark.gateway import Client, address_of, devices, gateway, snapshot, wait_until
from benchmark.measure import interleaved
from benchmark.progress import say

REQUESTS = 1_000
POLLED = 100
ASKED_EVERY_S = 0.02
ONLINE_WITHIN_S = 30.0
PATHS = ("/api/hello", "/api/readings")
"""A constant answer, and about 2 kB: the newest reading of one hybrid inverter."""
BUSY_PATHS = ("/api/hello", "/api/readings", "/api/snapshot", "/api/tasks")


def _cost(child: Child, client: Client, path: str, count: int, idle: float) -> tuple[float, float]:
    """Wall and server CPU seconds a request; what the idle server uses meanwhile is taken off."""
    wall, cpu = time.monotonic(), child.cpu_s()
    for _ in range(count):
        client.get(path)
    passed = time.monotonic() - wall
    return passed / count, (child.cpu_s() - cpu - idle * passed) / count


def _compare(ours: Child, bare: Child, quick: bool) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    idle = cpu_share(ours, 1.0 if quick else 3.0)
    count = REQUESTS // 4 if quick else REQUESTS
    with Client(address_of(ours)) as client, Client(address_of(bare)) as peer:
        for path in PATHS:
            size = len(client.get(path))
            rows.append(_row(path, size, count, quick, (ours, client, idle), (bare, peer, 0.0)))
    return rows


Party = tuple[Child, Client, float]


def _row(
    path: str, size: int, count: int, quick: bool, ours: Party, bare: Party
) -> tuple[str, ...]:
    walls: dict[str, list[float]] = {"ours": [], "bare": []}

    def run(name: str, party: Party, target: str) -> Callable[[], float]:
        child, client, idle = party

        def once() -> float:
            wall, cpu = _cost(child, client, target, count, idle)
            walls[name].append(wall)
            return cpu

        return once

    runs = {"ours": run("ours", ours, path), "bare": run("bare", bare, f"/bytes/{size}")}
    costs = interleaved(runs, 3 if quick else 7)
    return (
        f"`GET {path}`, {number(size)} bytes",
        micro(median(costs["ours"])),
        micro(median(costs["bare"])),
        ratio(median_ratio(costs["ours"], costs["bare"])),
        number(round(1 / median(walls["ours"]))),
        number(round(1 / median(walls["bare"]))),
    )


def _online(child: Child, count: int) -> bool:
    shown = snapshot(child)
    return bool(sum(each["polls"] > 0 for each in shown["devices"]) >= count)


def _latencies(folder: Path, seconds: float) -> dict[str, list[float]]:
    """Wall seconds of each answer, one path after the other, fifty times a second."""
    late: dict[str, list[float]] = {path: [] for path in BUSY_PATHS}
    data = folder / "busy"
    write_profile(data, "bench1", 1)
    arguments = ["benchmark.doors", "modbus", "--doors", str(POLLED)]
    with Child(arguments, folder / "doors.log") as doors:
        settings = {"devices": devices(doors.hello["ports"], "bench1")}
        with gateway(data, settings) as child, Client(address_of(child)) as client:
            if not wait_until(ONLINE_WITHIN_S, lambda: _online(child, POLLED)):
                raise RuntimeError(f"{POLLED} devices did not come online")
            end = time.monotonic() + seconds
            while (begin := time.monotonic()) < end:
                path = BUSY_PATHS[sum(map(len, late.values())) % len(BUSY_PATHS)]
                client.get(path)
                took = time.monotonic() - begin
                late[path].append(took)
                time.sleep(max(0.0, ASKED_EVERY_S - took))
    return late


def measure(quick: bool) -> Section:
    """Cost of a request, then its lateness under load."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say("API beside bare Starlette")
        plant = Child(["simulator", "plant", "--port", "0", "--json"], folder / "plant.log")
        with plant, Child(["benchmark.bare_api"], folder / "bare.log") as bare:
            port = int(plant.hello["doors"]["modbus"].rpartition(":")[2])
            # Polled rarely, so that what the server uses by itself is next to nothing.
            settings = {"devices": devices([port], "auto", 60.0)}
            with gateway(folder / "idle", settings) as ours:
                if not wait_until(ONLINE_WITHIN_S, lambda: _online(ours, 1)):
                    raise RuntimeError("the plant did not come online")
                rows = _compare(ours, bare, quick)
        say(f"API while {POLLED} devices are polled")
        late = _latencies(folder, 4.0 if quick else 15.0)
    everything = [each for path in late.values() for each in path]
    busy = tuple(
        (
            f"`GET {path}`",
            number(len(each)),
            milli(median(each)),
            milli(percentile(each, 0.99)),
            milli(max(each)),
        )
        for path, each in [*late.items(), ("… (all)", everything)]
    )
    head = (
        "Request",
        "server CPU, Egret",
        "bare Starlette",
        "ratio",
        "requests/s, Egret",
        "bare Starlette",
    )
    busy_head = (f"While {POLLED} devices are polled each second", "asked", "p50", "p99", "longest")
    p99 = percentile(everything, 0.99) * 1e3
    return Section(
        "The API",
        _TEXT,
        (Table(head, tuple(rows)), Table(busy_head, busy)),
        (at_most(f"API answer p99 while {POLLED} devices are polled", p99, 20, " ms"),),
    )


_TEXT = """
One client in another process, one kept connection, one request at a time. Bare Starlette is a
route that returns as many bytes, ready made, on the same uvicorn settings. Server CPU is that of
the whole process, less what it uses when nobody asks. Under load the gateway polls a hundred
devices on real sockets each second (100 registers, 60 values, all stored) while the client asks
fifty times a second; these are wall times and feel other load on the machine.
"""
