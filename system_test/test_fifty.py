"""Fifty inverters at one poll a second through mixed doors, a tenth of them failing.

The healthy ones miss no beat: what one device does to its connection costs nobody else anything.
The figures of a run are printed; docs/performance-fleet.md keeps those of one.
"""

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.model.device import KNOWN_SCHEMES
from system_test.processes import Children, Program, device, environment, wait_until

INVERTERS = 50

SHORT_S = 60
"""What every run of the system tests measures."""

SOAK_S = 600
"""What `make soak` measures."""

SETTLE_S = 12.0
"""From the last healthy device online until measuring starts: probing, first connections, and the
zeros that a new device is asked about are behind it then."""

ONLINE_TIMEOUT_S = 120.0
"""Until every healthy device has been read: on a busy machine of two cores."""

EDGE_BEATS = 2
"""Beats that may lie on either edge of the time measured."""

SCHEME_OF = {
    "modbus": "modbus_tcp",
    "encrypted": "sungrow_tcp",
    "winet": "winet",
    "winet-tls": "winet",
}

STARVED_SHARE = 0.4
"""From here on the machine, and no device, may have taken a beat: something waits for a processor
two fifths of the time. These two programs alone take a seventh of a core each."""

MAX_WINDOWS = 3
"""How often a starved machine is given another chance. What a failing device costs its neighbours
it costs them each time."""

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """What a process has cost so far."""

    cpu_s: float
    rss_kib: int

    @classmethod
    def of(cls, pid: int) -> "Load":
        """Now."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
        rss = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return cls((int(fields[11]) + int(fields[12])) / TICKS_PER_S, int(rss.split()[1]))


@dataclass(frozen=True, slots=True)
class Count:
    """Beats of one device so far."""

    polls: int
    missed: int
    failures: int


@dataclass(frozen=True, slots=True)
class Window:
    """What happened to the healthy devices in some time."""

    missed: dict[str, int]
    failed: dict[str, int]
    polled: set[int]
    starved: float
    """Share of the time in which something waited for a processor."""


def start_fleet() -> Program:
    """All plants, at the doors that this gateway has schemes for."""
    doors = [door for door, scheme in SCHEME_OF.items() if scheme in KNOWN_SCHEMES]
    command = [sys.executable, "-m", "system_test.fleet", "--count", str(INVERTERS)]
    return Program("fleet", [*command, "--doors", ",".join(doors)], environment({}))


def devices_of(plants: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """The gateway's settings for them."""
    devices = []
    for plant in plants:
        host, *ports = plant["address"].split(":")
        family = "hybrid" if plant["model"].startswith("sh") else "string"
        endpoint = {"scheme": SCHEME_OF[plant["door"]], "host": host, "port": int(ports[-1])}
        devices.append(
            device((host, 0), plant["serial"], endpoint=endpoint, profile=f"sungrow_{family}")
        )
    return devices


def counts(snapshot: Mapping[str, Any]) -> dict[str, Count]:
    """By device."""
    return {
        each["config"]["device_id"]: Count(each["polls"], each["missed"], each["failures"])
        for each in snapshot["devices"]
    }


def online(program: Program, serials: set[str]) -> bool:
    """Whether all of them have been read."""
    snapshot = program.get("/api/snapshot")
    read = {
        each["config"]["device_id"]
        for each in snapshot["devices"]
        if each["state"] == "online" and each["latest"] is not None
    }
    return serials <= read


def let_pass(seconds: float) -> None:
    """Both programs run by themselves meanwhile."""
    threading.Event().wait(seconds)


def starved_s() -> float:
    """Seconds so far in which something on this machine waited for a processor; 0 if untold."""
    try:
        told = Path("/proc/pressure/cpu").read_text()
    except OSError:
        return 0.0
    return int(told.splitlines()[0].rpartition("total=")[2]) / 1e6


def watch(program: Program, fleet: Program, healthy: dict[str, str], seconds: int) -> Window:
    """What happens to the healthy devices (serial -> door) in so many seconds."""
    before, starved = counts(program.get("/api/snapshot")), starved_s()
    loads = Load.of(program.pid), Load.of(fleet.pid)
    let_pass(seconds)
    after, starved = counts(program.get("/api/snapshot")), starved_s() - starved
    window = Window({}, {}, set(), starved / seconds)
    for serial, door in healthy.items():
        polls, missed, failures = (
            getattr(after[serial], name) - getattr(before[serial], name)
            for name in ("polls", "missed", "failures")
        )
        window.polled.add(polls)
        window.missed.update({f"{door} {serial}": missed} if missed else {})
        window.failed.update({f"{door} {serial}": failures} if failures else {})
    for name, load, child in zip(("gateway", "fleet"), loads, (program, fleet), strict=True):
        now = Load.of(child.pid)
        share, rss_mib = (now.cpu_s - load.cpu_s) / seconds, now.rss_kib / 1024
        print(f"{name}: CPU {share:.1%} of a core, RSS {rss_mib:.1f} MiB")
    print(f"polls of a healthy device: {min(window.polled)} to {max(window.polled)}")
    print(f"lateness of polls: {program.get('/api/tasks')['kinds'].get('poll')}")
    print(f"the machine was short of processors for {window.starved:.0%} of {seconds} s")
    return window


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(SHORT_S, marks=pytest.mark.timeout(600)),
        pytest.param(SOAK_S, marks=[pytest.mark.soak, pytest.mark.timeout(3000)]),
    ],
)
def test_the_healthy_miss_no_beat(
    seconds: int, children: Children, gateway: Callable[..., Program]
) -> None:
    """Five of fifty fail in five ways; the other 45 are polled every second, and read truly."""
    fleet = children.keep(start_fleet())
    plants = fleet.hello["plants"]
    healthy = {plant["serial"]: plant["door"] for plant in plants if not plant["fails"]}
    program = gateway(devices=devices_of(plants))
    wait_until(lambda: online(program, set(healthy)), ONLINE_TIMEOUT_S, "healthy fleet online")
    let_pass(SETTLE_S)
    doors = dict(Counter(plant["door"] for plant in plants))
    print(f"{INVERTERS} inverters {doors}, {INVERTERS - len(healthy)} failing")
    for _ in range(MAX_WINDOWS):
        window = watch(program, fleet, healthy, seconds)
        if not window.missed or window.starved < STARVED_SHARE:
            break

    assert ({}, {}) == (window.missed, window.failed)
    assert min(window.polled) >= seconds - EDGE_BEATS
