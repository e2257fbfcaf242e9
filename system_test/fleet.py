"""Fifty inverters in one process: `python -m system_test.fleet`, a child of `test_fifty`.

Owns which plants there are, through which door each is reached, and which of them fail how. The
first line on stdout tells all that; SIGTERM ends it.
"""

import argparse
import json
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice

from simulator.clock import parse_start
from simulator.plant import VirtualPlant
from simulator.signals import stop_signals
from simulator.trouble import Order, Trouble

MODELS = ("sh10rt", "sg5.0rt", "sh5.0rs", "sg10rt", "sh25t")

MIX = ("modbus", "encrypted", "modbus", "winet", "modbus", "encrypted", "modbus", "winet-tls")
"""Doors in turn: half of the fleet on plain Modbus, a quarter encrypted, a quarter dongles."""

FAILURES = (
    Order(Trouble.DROP),
    Order(Trouble.CLOSE),
    Order(Trouble.GARBLE),
    Order(Trouble.SLOW_DRIP, value=20.0),
    Order(Trouble.BUSY),
)
"""What the failing tenth does to every request, in turn."""

DONGLE_GAP = 8082 - 80
"""Between the HTTP and the websocket port of a classic dongle."""


def free_pair() -> tuple[int, int]:
    """Free ports for HTTP and websocket, as far apart as on a dongle."""
    for _ in range(200):
        with socket.create_server(("127.0.0.1", 0)) as upper:
            port = upper.getsockname()[1]
            try:
                with socket.create_server(("127.0.0.1", port - DONGLE_GAP)):
                    return port - DONGLE_GAP, port
            except OSError:
                continue
    raise OSError("no two free ports so far apart")


def plants(count: int, doors: tuple[str, ...]) -> Iterator[tuple[str, str, VirtualPlant]]:
    """(door, model, plant), none of them started; every tenth one will fail."""
    mix = cycle([door for door in MIX if door in doors])
    start_s = parse_start("2026-06-21T11:00")
    for number, door in enumerate(islice(mix, count)):
        model = MODELS[number % len(MODELS)]
        ports: int | tuple[int, int] = free_pair() if door == "winet" else 0
        plant = VirtualPlant(model, doors={door: ports}, seed=number, start_s=start_s)
        if fails(number):
            plant.troubles.set(FAILURES[number // 10 % len(FAILURES)])
        yield door, model, plant


def fails(number: int) -> bool:
    """Every tenth plant; not the tenth of each ten, so that it is not always the same door."""
    return number % 10 == (number // 10) * 3 % 10


def main() -> int:
    """Run the fleet until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m system_test.fleet")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--doors", default=",".join(dict.fromkeys(MIX)))
    options = parser.parse_args()
    with stop_signals() as stopped, ExitStack() as stack:
        told = []
        wanted = tuple(options.doors.split(","))
        for number, (door, model, plant) in enumerate(plants(options.count, wanted)):
            stack.enter_context(plant)
            told.append(
                {
                    "door": door,
                    "model": model,
                    "serial": plant.serial,
                    "address": plant.doors[door],
                    "fails": fails(number),
                }
            )
        print(json.dumps({"plants": told}), flush=True)
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
