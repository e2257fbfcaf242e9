"""A thousand devices on real sockets: polled, decoded, stored, delivered, by the real gateway."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.bench_profile import write_profile
from benchmark.child import Child
from benchmark.figures import Section, Table, at_least, at_most, number, percent
from benchmark.gateway import devices, gateway, snapshot, wait_until
from benchmark.progress import say

SIZES = (1_000, 700, 500, 300, 200, 100)
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
    stored: int
    cpu: float
    rss_mb: float
    lateness: tuple[int, ...]
    backlog: int
    acknowledged: bool

    @property
    def holds(self) -> bool:
        """Every device polled at every beat."""
        return self.online == self.count and not self.missed and not self.failures


def _online(shown: dict[str, Any]) -> int:
    return sum(each["state"] == "online" and each["polls"] > 0 for each in shown["devices"])


def _totals(shown: dict[str, Any]) -> tuple[int, int, int]:
    each = shown["devices"]
    return (
        sum(device["polls"] for device in each),
        sum(device["missed"] for device in each),
        sum(device["failures"] for device in each),
    )


def _hold(root: Path, count: int, profile: str, device: str, seconds: float) -> Held:
    folder = root / f"{device}-{count}"
    folder.mkdir()
    data = folder / "data"
    write_profile(data, "bench1", 1)
    door = ["benchmark.doors", "modbus", "--doors", str(count), "--device", device]
    with Child(door, folder / "doors.log") as doors, _sink(folder) as sink:
        settings = {
            "devices": devices(doors.hello["ports"], profile),
            "harvest": {"endpoints": [f"http://127.0.0.1:{sink.hello['ports'][0]}/"]},
        }
        with gateway(data, settings) as child:
            wait_until(ONLINE_WITHIN_S, lambda: _online(snapshot(child)) == count, 1.0)
            time.sleep(SETTLE_S)
            return _watch(child, count, seconds)


def _sink(folder: Path) -> Child:
    return Child(["benchmark.doors", "http"], folder / "sink.log")


def _watch(child: Child, count: int, seconds: float) -> Held:
    before = snapshot(child)
    cpu, wall = child.cpu_s(), time.monotonic()
    time.sleep(seconds)
    used, passed = child.cpu_s() - cpu, time.monotonic() - wall
    after = snapshot(child)
    polls, missed, failures = (
        late - early for early, late in zip(_totals(before), _totals(after), strict=True)
    )
    kinds = [shown["engine"]["kinds"]["poll"]["lateness"] for shown in (before, after)]
    sinks = after["sinks"]
    return Held(
        count=count,
        online=_online(after),
        seconds=passed,
        polls=polls,
        missed=missed,
        failures=failures,
        stored=after["store"]["accepted"] - before["store"]["accepted"],
        cpu=used / passed,
        rss_mb=child.rss_mb(),
        lateness=tuple(late - early for early, late in zip(*kinds, strict=True)),
        backlog=sum(each["backlog"] for each in sinks),
        acknowledged=all(each["last_ack_ms"] for each in sinks),
    )


def _largest(root: Path, profile: str, device: str, quick: bool) -> list[Held]:
    """Every size that was tried, the last one being the largest that holds, if any does."""
    tried: list[Held] = []
    for count in SIZES:
        say(f"{count:,} devices at 1 Hz ({device})")
        held = _hold(root, count, profile, device, 5.0 if quick else 15.0)
        tried.append(held)
        if held.holds or quick:
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
        number(held.stored),
        percent(held.lateness[0] / starts),
        percent(sum(held.lateness[:2]) / starts),
        percent(held.cpu),
        number(held.rss_mb),
        number(held.backlog),
    )


def measure(quick: bool) -> Section:
    """The anchor's device first, then a real profile."""
    build = Path("build")
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as name:
        root = Path(name).resolve()
        tried = _largest(root, "bench1", "pattern", quick)
        real = [] if quick else _largest(root, "sungrow_hybrid", "sh10rt", quick)
    rows = [_row("1 block: 100 registers, 60 values", held) for held in tried]
    rows += [_row("SH10RT: 5 blocks, 79 registers", held) for held in real]
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
    "stored",
    "begun < 1 ms late",
    "< 10 ms",
    "CPU of a core",
    "RSS, MB",
    "sink's backlog",
)

_TEXT = """
All of it real: `python -m server` with its profiles, engine, threads, SQLite (WAL, FULL, on
disk), signing and HTTP delivery, watched for {} s from outside; every device is a TCP port of its
own in another process, which answers from memory. The sink is an endpoint in a third process that
says 200 without looking. What no longer goes with 1,000 devices is tried with fewer. These
processes share the machine's cores with the gateway. CPU and memory are the gateway's alone.
Lateness is the engine's own: when the poll began after it was due, the 10 ms of slack that polls
are given at 1 Hz included.
"""
