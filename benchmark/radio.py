"""The virtual radio: HCI sequences, memory, and round trips, beside Bumble's own and RootCanal."""

import asyncio
import gc
import logging
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bumble import hci
from bumble.device import Device, Peer
from bumble.transport import open_transport

from benchmark import rootcanal
from benchmark.figures import (
    NOT_MEASURED,
    Section,
    Table,
    at_most,
    median,
    micro,
    milli,
    number,
    percentile,
)
from benchmark.hci_sequences import (
    ANSWER_TIMEOUT_S,
    SCAN_OFF,
    SCAN_ON,
    SCAN_PARAMETERS,
    InProcess,
    bumbles_own,
    dialled,
    ours,
    ours_over_tcp,
)
from benchmark.progress import say
from virtual_radio.clock import VirtualLoop
from virtual_radio.gatt import bumble_services, characteristic, service
from virtual_radio.radio import Radio

ADVERTISERS = 100
SEQUENCES = 200
ROUND_TRIPS = 300
CONNECTS = 10
CONTROLLERS = 50
"""That many are made, and their memory divided by it."""
SCAN_S = 1.0
ADVERTISING_MS = 20.0

SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
VALUE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"


async def scan_cost(advertisers: int) -> tuple[int, float]:
    """Reports of one second of scanning, and the CPU seconds that they took."""
    async with Radio() as radio:
        port = InProcess(radio.controller())
        await port.command(bytes(SCAN_PARAMETERS))
        radio.advertisers(advertisers)
        begin = time.process_time()
        await port.command(bytes(SCAN_ON))
        await asyncio.sleep(SCAN_S)
        await port.command(bytes(SCAN_OFF))
        return port.reports, time.process_time() - begin


async def _weigh(make: Callable[[Radio], Awaitable[object]]) -> float:
    async with Radio() as radio:
        await make(radio)
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            kept = [await make(radio) for _ in range(CONTROLLERS)]
            gc.collect()
            return (tracemalloc.get_traced_memory()[0] - before) / len(kept)
        finally:
            tracemalloc.stop()


async def _controller(radio: Radio) -> object:
    return radio.controller()


async def _central(radio: Radio) -> object:
    return await radio.central()


async def _beacon(radio: Radio) -> object:
    return radio.advertisers(1)


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Medians, in wall seconds."""

    connect_s: float
    read_s: float
    write_s: float
    notify_s: float


async def _timed(work: Callable[[], Awaitable[object]], count: int) -> float:
    taken = []
    for _ in range(count):
        begin = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - begin)
    return median(taken)


async def round_trips(central: Device, peripheral: Device, count: int) -> RoundTrips:
    """Two Bumble hosts on whatever controllers; connecting includes the wait for an advert."""
    made, by_uuid = bumble_services(
        [service(SERVICE, characteristic(VALUE, "read", "write", "notify", value=b"x" * 20))]
    )
    peripheral.add_services(made)
    await peripheral.start_advertising(
        auto_restart=True,
        advertising_interval_min=ADVERTISING_MS,
        advertising_interval_max=ADVERTISING_MS,
    )

    async def connect_once() -> None:
        connection = await central.connect(peripheral.random_address, timeout=ANSWER_TIMEOUT_S)
        connects.append(time.perf_counter() - begin)
        await connection.disconnect()

    connects: list[float] = []
    for _ in range(CONNECTS):
        begin = time.perf_counter()
        await connect_once()
        await asyncio.sleep(ADVERTISING_MS / 1000)
    peer = Peer(await central.connect(peripheral.random_address, timeout=ANSWER_TIMEOUT_S))
    await peer.discover_all()  # type: ignore[no-untyped-call]  # Bumble's
    value = peer.get_characteristics_by_uuid(by_uuid[VALUE].uuid)[0]
    brought: asyncio.Queue[bytes] = asyncio.Queue()
    await value.subscribe(brought.put_nowait)

    async def notify() -> None:
        await peripheral.notify_subscribers(by_uuid[VALUE], b"n" * 20)
        await asyncio.wait_for(brought.get(), ANSWER_TIMEOUT_S)

    return RoundTrips(
        median(connects),
        await _timed(value.read_value, count),
        await _timed(lambda: value.write_value(b"w" * 20, with_response=True), count),
        await _timed(notify, count),
    )


async def _our_round_trips(count: int) -> RoundTrips:
    async with Radio() as radio:
        central = await radio.central()
        peripheral = await radio.peripheral(advertise=False)
        return await round_trips(central.device, peripheral.device, count)


async def _rootcanal_round_trips(port: int, count: int) -> RoundTrips:
    hosts = []
    transports = []
    try:
        for name, address in (("central", "C1:00:00:00:00:01"), ("lamp", "F0:00:00:00:00:01")):
            transport = await open_transport(f"tcp-client:127.0.0.1:{port}")
            transports.append(transport)
            host = Device.with_hci(name, hci.Address(address), transport.source, transport.sink)
            await host.power_on()
            hosts.append(host)
        return await round_trips(hosts[0], hosts[1], count)
    finally:
        for transport in transports:
            await transport.close()


def _virtual(count: int) -> RoundTrips:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_our_round_trips(count))


def _sequence_table(count: int, port: int | None) -> tuple[Table, dict[str, list[float]]]:
    runs: dict[str, Callable[[int], Awaitable[list[float]]]] = {
        "virtual_radio": lambda advertisers: ours(advertisers, count),
        "Bumble's Controller": lambda advertisers: bumbles_own(advertisers, count),
        "virtual_radio over TCP": lambda advertisers: ours_over_tcp(advertisers, count),
    }
    costs: dict[str, list[float]] = {}
    rows = []
    for name, run in runs.items():
        cells = [name]
        for advertisers in (0, ADVERTISERS):
            taken = asyncio.run(_as_coroutine(run(advertisers)))
            costs[f"{name}, {advertisers}"] = taken
            cells += [milli(median(taken)), milli(percentile(taken, 0.99))]
        rows.append(tuple(cells))
    if port is not None:
        taken = asyncio.run(dialled(port, max(10, count // 10)))
        cells = ["RootCanal 1.10.0 over TCP", milli(median(taken)), milli(percentile(taken, 0.99))]
        rows.append((*cells, NOT_MEASURED, NOT_MEASURED))
    head = ("Ten HCI commands", "alone", "p99", f"{ADVERTISERS} advertisers", "p99")
    return Table(head, tuple(rows)), costs


async def _as_coroutine(work: Awaitable[list[float]]) -> list[float]:
    return await work


def _round_trip_table(count: int, port: int | None) -> Table:
    found = {
        "virtual_radio": asyncio.run(_our_round_trips(count)),
        "virtual_radio, virtual time": _virtual(count),
    }
    if port is not None:
        found["RootCanal 1.10.0 over TCP"] = asyncio.run(
            _rootcanal_round_trips(port, max(10, count // 10))
        )
    return Table(
        ("Two hosts, wall time", "connect", "read", "write", "notify, one way"),
        tuple(
            (
                name,
                milli(each.connect_s),
                micro(each.read_s),
                micro(each.write_s),
                micro(each.notify_s),
            )
            for name, each in found.items()
        ),
    )


def measure(quick: bool) -> Section:
    """Sequences, a scan, memory, round trips."""
    logging.disable(logging.CRITICAL)
    count = SEQUENCES // 10 if quick else SEQUENCES
    with rootcanal.running() as port:
        say(f"HCI sequences; RootCanal {'starts' if port else 'does not start'}")
        sequence_table, costs = _sequence_table(count, port)
        say("round trips")
        round_trip_table = _round_trip_table(ROUND_TRIPS // 10 if quick else ROUND_TRIPS, port)
    say("a scan, and memory")
    reports, cpu_s = asyncio.run(scan_cost(ADVERTISERS))
    controller_b = asyncio.run(_weigh(_controller))
    central_b = asyncio.run(_weigh(_central))
    beacon_b = asyncio.run(_weigh(_beacon))
    other = Table(
        ("virtual_radio", "figure"),
        (
            (f"Scanning for 1 s, {ADVERTISERS} advertisers at 100 ms: reports", number(reports)),
            ("CPU a report", micro(cpu_s / max(1, reports))),
            ("Memory of a controller", f"{number(round(controller_b))} B"),
            (
                "Memory of a central: controller, Bumble's host, capture",
                f"{number(round(central_b))} B",
            ),
            ("Memory of an advertiser", f"{number(round(beacon_b))} B"),
        ),
    )
    missing = "" if port else " RootCanal's wheel does not start on this machine."
    return Section(
        "Virtual radio",
        _TEXT + missing,
        (sequence_table, round_trip_table, other),
        (
            at_most("Ten HCI commands", median(costs["virtual_radio, 0"]) * 1e3, 2.3, " ms"),
            at_most(
                f"Ten HCI commands, {ADVERTISERS} advertisers",
                median(costs[f"virtual_radio, {ADVERTISERS}"]) * 1e3,
                10,
                " ms",
            ),
            at_most("Memory of a virtual controller", controller_b / 1000, 50, " kB"),
        ),
    )


_TEXT = """
The radio that the tests use instead of hardware. A sequence is what a host does to set up a
controller and to scan for a moment, as H4 bytes, each answer awaited; Bumble's own controller does
the same without checking anything. Over TCP our controller sits in the process that asks, RootCanal
in its own, and every segment is acknowledged at once; Bumble's hosts do not do that in the round
trips, where RootCanal's answers, which it sends in two halves, wait 40 ms for an acknowledgement.
Round trips are between two Bumble hosts with the same GATT table, 20 bytes each; connecting
includes the wait for an advertisement every 20 ms (and up to 10 ms of chance, which RootCanal does
not add). In virtual time the same waits cost only their computing. Memory as `tracemalloc` counts
it.
"""
