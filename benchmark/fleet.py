"""A thousand devices on real sockets: polled, decoded, stored, delivered, by the real gateway."""

import json
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.bench_profile import write_profile
from benchmark.child import Child
from benchmark.figures import Section, Table, at_least, at_most, number, percent
from benchmark.gateway import Client, address_of, devices, gateway, snapshot, wait_until
from benchmark.progress import say

SIZES = (1_000, 500, 250, 100)
"""Tried from the largest down, until one misses no beat."""

ONLINE_WITHIN_S = 60.0
SETTLE_S = 8.0
"""The rush of a thousand connects is over, and the sink has had its first round."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the gateway did with so many devices."""

    count: int
    online: int
    seconds: float
    polls: int
    missed: int
    failures: int
    accepted: int
    delivered: int
    cpu: float
    rss_mb: float
    lateness: tuple[int, ...]

    @property
    def holds(self) -> bool:
        """Every device polled at every beat."""
        return self.online == self.count and not self.missed and not self.failures


@dataclass(frozen=True, slots=True)
class Fleet:
    """So many devices of one sort, and the sink they are delivered to."""

    what: str
    profile: str
    device: str
    batch_records: int = 500
    """The setting's default."""


ANCHOR = Fleet("1 block: 100 registers, 60 values", "bench1", "pattern")
LARGE_BATCHES = Fleet("the same, `harvest.batch_records` 5,000", "bench1", "pattern", 5_000)
REAL = Fleet("SH10RT: 5 blocks, 79 registers", "sungrow_hybrid", "sh10rt")


def _polls(child: Child) -> Any:
    """The engine's figures of polls; asking for them is cheap, unlike the whole snapshot."""
    with Client(address_of(child)) as client:
        return json.loads(client.get("/api/tasks"))["kinds"]["poll"]


def _hold(root: Path, count: int, fleet: Fleet, seconds: float) -> Held:
    folder = Path(tempfile.mkdtemp(dir=root))
    data = folder / "data"
    write_profile(data, "bench1", 1)
    door = ["benchmark.doors", "modbus", "--doors", str(count), "--device", fleet.device]
    sink_door = Child(["benchmark.doors", "http"], folder / "sink.log")
    with Child(door, folder / "doors.log") as doors, sink_door as sink:
        settings = {
            "devices": devices(doors.hello["ports"], fleet.profile),
            "harvest": {
                "endpoints": [f"http://127.0.0.1:{sink.hello['ports'][0]}/"],
                "batch_records": fleet.batch_records,
            },
        }
        with gateway(data, settings) as child:
            wait_until(ONLINE_WITHIN_S, partial(_all_polled, child, count), 0.5)
            time.sleep(SETTLE_S)
            return _watch(child, count, seconds)


def _all_polled(child: Child, count: int) -> bool:
    polls = _polls(child)
    return bool(polls["queued"] + polls["ready"] + polls["running"] >= count)


def _watch(child: Child, count: int, seconds: float) -> Held:
    before = _polls(child)
    cpu, wall = child.cpu_s(), time.monotonic()
    time.sleep(seconds)
    used, passed = child.cpu_s() - cpu, time.monotonic() - wall
    after, rss_mb = _polls(child), child.rss_mb()
    shown = snapshot(child)
    lateness = zip(before["lateness"], after["lateness"], strict=True)
    return Held(
        count=count,
        online=sum(each["state"] == "online" for each in shown["devices"]),
        seconds=passed,
        polls=after["started"] - before["started"],
        missed=after["missed"] - before["missed"],
        failures=after["failed"] - before["failed"],
        accepted=shown["store"]["accepted"],
        delivered=sum(each["delivered"] for each in shown["sinks"]),
        cpu=used / passed,
        rss_mb=rss_mb,
        lateness=tuple(late - early for early, late in lateness),
    )


def _largest(root: Path, fleet: Fleet, quick: bool) -> list[Held]:
    """Every size that was tried, the last one being the largest that holds, if any does."""
    tried: list[Held] = []
    for count in SIZES:
        say(f"{count:,} devices at 1 Hz ({fleet.what})")
        tried.append(_hold(root, count, fleet, 5.0 if quick else 15.0))
        if tried[-1].holds or quick:
            break
    return tried


def _row(what: str, held: Held) -> tuple[str, ...]:
    starts = sum(held.lateness) or 1
    return (
        what,
        number(held.count),
        number(held.online),
        number(held.polls),
        number(held.missed),
        number(held.accepted),
        number(held.delivered),
        percent(held.lateness[0] / starts),
        percent(sum(held.lateness[:2]) / starts),
        percent(held.cpu),
        number(held.rss_mb),
    )


def measure(quick: bool) -> Section:
    """The anchor's device first, then a real profile."""
    build = Path("build")
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as name:
        root = Path(name).resolve()
        tried = _largest(root, ANCHOR, quick)
        say(f"1,000 devices at 1 Hz ({LARGE_BATCHES.what})")
        large = [] if quick else [_hold(root, SIZES[0], LARGE_BATCHES, 15.0)]
        real = [] if quick else _largest(root, REAL, quick)
    rows = [_row(ANCHOR.what, held) for held in tried]
    rows += [_row(LARGE_BATCHES.what, held) for held in large]
    rows += [_row(REAL.what, held) for held in real]
    first, last = tried[0], tried[-1]
    return Section(
        "Many devices",
        _TEXT.format(f"{first.seconds:.0f}"),
        (Table(_HEAD, tuple(rows)),),
        (
            at_most("Missed beats, 1,000 devices at 1 Hz", first.missed + first.failures, 0, ""),
            at_least("Devices at 1 Hz without a missed beat", _held(last), 1_000, ""),
            at_most("CPU, 1,000 devices at 1 Hz", first.cpu * 100, 60, " % of a core"),
            at_most("RSS, 1,000 devices at 1 Hz", first.rss_mb, 150, " MB"),
        ),
    )


def _held(held: Held) -> int:
    return held.count if held.holds else 0


_HEAD = (
    "Each device",
    "devices",
    "online",
    "polls",
    "missed beats",
    "accepted since start",
    "delivered",
    "begun < 1 ms late",
    "< 10 ms",
    "CPU of a core",
    "RSS, MB",
)

_TEXT = """
All of it real: `python -m server` with its profiles, engine, threads, SQLite (WAL, FULL, on
disk), signing and HTTP delivery, watched for {} s from outside; every device is a TCP port of its
own in another process, which answers from memory. The sink is an endpoint in a third process that
says 200 without looking. What no longer goes with 1,000 devices is tried with fewer. These
processes share the machine's cores with the gateway. CPU and memory are the gateway's alone.
Lateness is the engine's own: how long after it was due a poll began, the 10 ms of slack that polls
are given at 1 Hz included.
"""
