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


@pytest.mark.parametrize(
    "seconds", [SHORT_S, pytest.param(SOAK_S, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])]
)
def test_the_healthy_miss_no_beat(
    seconds: int, children: Children, gateway: Callable[..., Program]
) -> None:
    """Five of fifty fail in five ways; the other 45 are polled every second, and read truly."""
    fleet = children.keep(start_fleet())
    plants = fleet.hello["plants"]
    healthy = {plant["serial"] for plant in plants if not plant["fails"]}
    program = gateway(devices=devices_of(plants))
    wait_until(lambda: online(program, healthy), ONLINE_TIMEOUT_S, "healthy fleet online")
    let_pass(SETTLE_S)
    before, load_before = counts(program.get("/api/snapshot")), Load.of(program.pid)
    fleet_before = Load.of(fleet.pid)
    let_pass(seconds)
    after, load_after = counts(program.get("/api/snapshot")), Load.of(program.pid)
    fleet_after = Load.of(fleet.pid)
    tasks = program.get("/api/tasks")

    doors = {plant["serial"]: plant["door"] for plant in plants}
    polled = {serial: after[serial].polls - before[serial].polls for serial in healthy}
    missed = {
        f"{doors[serial]} {serial}": after[serial].missed - before[serial].missed
        for serial in healthy
        if after[serial].missed != before[serial].missed
    }
    failed = {
        f"{doors[serial]} {serial}": after[serial].failures - before[serial].failures
        for serial in healthy
        if after[serial].failures != before[serial].failures
    }
    print(
        f"{INVERTERS} inverters {dict(Counter(doors.values()))}, "
        f"{INVERTERS - len(healthy)} failing, {seconds} s\n"
        f"gateway: CPU {(load_after.cpu_s - load_before.cpu_s) / seconds:.1%} of a core, "
        f"RSS {load_after.rss_kib / 1024:.1f} MiB\n"
        f"fleet: CPU {(fleet_after.cpu_s - fleet_before.cpu_s) / seconds:.1%} of a core, "
        f"RSS {fleet_after.rss_kib / 1024:.1f} MiB\n"
        f"polls of a healthy device: {min(polled.values())} to {max(polled.values())}\n"
        f"lateness of polls: {tasks['kinds'].get('poll', tasks['kinds'])}"
    )

    assert ({}, {}) == (missed, failed)
    assert min(polled.values()) >= seconds - EDGE_BEATS
