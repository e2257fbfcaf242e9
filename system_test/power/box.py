"""A whole box around one gateway: plants to read, a receiver to deliver to, a witness who listens.

Owns the processes of one test and what the tests ask of them. The gateway is started, killed and
started again on the same data folder; the plants run all the time. Nothing here looks into the
gateway: what is known of it was said by it or reached the receiver.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from system_test.processes import (
    ROOT,
    Program,
    device,
    environment,
    start_gateway,
    start_plant,
    start_receiver,
)
from system_test.witness import Following, Report, Witness, within

POLL_INTERVAL_S = 0.1
"""Of each device: the rate at which things can go wrong."""

COMMIT_INTERVAL_S = 0.05
"""Short, so that every moment of a kill falls near a commit."""

DELIVERY_INTERVAL_S = 0.2
"""Short, so that deliveries are under way all the time."""

HTTP_TIMEOUT_S = 20.0
"""For the questions of the tests."""

FIRST_ACCEPTED_TIMEOUT_S = 60.0
"""From the start of a gateway to its first accepted reading, on a machine that does much else."""

DRAIN_TIMEOUT_S = 120.0
"""For a whole backlog to arrive; backfilling is rate-limited on purpose."""

SETTINGS = {
    "EGRET_HARVEST_INTERVAL_S": str(DELIVERY_INTERVAL_S),
    "EGRET_STORE_COMMIT_INTERVAL_S": str(COMMIT_INTERVAL_S),
    "EGRET_CLOCK_TRUST": "always",
}
"""What every gateway here is told."""

DEFAULT_PLANTS = 3
"""Enough that lanes run side by side."""


class Box:
    """One gateway with all that surrounds it; a context manager that leaves nothing running."""

    def __init__(self, folder: Path, data: Path, plants: int = DEFAULT_PLANTS) -> None:
        self.folder = folder
        self.data = data
        self.witness = Witness(folder / "witness.jsonl")
        self.devices: list[dict[str, Any]] = []
        self.receiver_url = ""
        self.serials: set[str] = set()
        self._last: Program | None = None
        self._plants = plants
        self._open = ExitStack()
        self._receiver: Program | None = None

    def __enter__(self) -> Self:
        self._open.enter_context(self.witness)
        try:
            for number in range(self._plants):
                self._start_plant(number)
            self.start_receiver()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self._last is not None:
            print(f"--- the last gateway said:\n{self._last.output()}")
        self._open.close()

    def start_receiver(self, port: int = 0) -> None:
        """Start the receiver on what it stored before; port 0 takes a free one."""
        self._receiver = start_receiver("--store", str(self.folder / "receiver.db"), port=port)
        self._open.callback(self._receiver.kill)
        self.receiver_url = self._receiver.url

    def kill_receiver(self) -> int:
        """Kill the receiver; returns the port that it had."""
        assert self._receiver is not None
        self._receiver.kill()
        return int(self.receiver_url.rsplit(":", 1)[1])

    @contextmanager
    def gateway(self, introduce: bool = True, **settings: str) -> Iterator[Program]:
        """A running gateway, its key known to the receiver, followed by the witness.

        Killed at the end of the block, if it still runs. `introduce=False` is for a receiver that
        would not listen.
        """
        program = start_gateway(
            self.data,
            devices=self.devices,
            endpoints=[self.receiver_url],
            settings={**SETTINGS, **settings},
        )
        self._last = program
        try:
            with Following(self.witness, program.url):
                if introduce:
                    self._introduce(program)
                yield program
                program.kill()
        finally:
            program.kill()

    def kill_while_starting(self, seconds: float) -> None:
        """Start a gateway and kill it so many seconds later, whatever it does by then."""
        settings = {
            **SETTINGS,
            "EGRET_DEVICES": json.dumps(self.devices),
            "EGRET_HARVEST_ENDPOINTS": self.receiver_url,
        }
        command = [sys.executable, "-m", "server", "--json", "--port", "0"]
        with subprocess.Popen(
            [*command, "--data", str(self.data)],
            cwd=ROOT,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as starting:
            let_pass(starting, seconds)
            starting.kill()

    def wait_accepted(self, known: set[str], accepted: int = 1) -> Report:
        """Wait until a boot not in `known` has `accepted` readings on disk."""
        return self.witness.wait_latest(known, accepted, FIRST_ACCEPTED_TIMEOUT_S)

    def missing(self, owed: Mapping[str, int]) -> dict[str, list[tuple[int, int]]]:
        """What of 1..n of each boot in `owed` is not at the receiver, as ranges."""
        identities = ask(f"{self.receiver_url}/identities")
        found = {}
        for boot, accepted in owed.items():
            ranges = identities.get(boot, {"ranges": []})["ranges"]
            if holes := holes_in(ranges, accepted):
                found[boot] = holes
        return found

    def wait_drained(self, timeout_s: float = DRAIN_TIMEOUT_S) -> dict[str, list[tuple[int, int]]]:
        """Wait until what is accepted by now has arrived; returns what in the end has not."""
        owed = self.witness.accepted()
        missing: dict[str, list[tuple[int, int]]] = {}
        for _ in within(timeout_s):
            missing = self.missing(owed)
            if not missing:
                break
        return missing

    def conflicts(self) -> list[Any]:
        """Readings that came under two identities, or identities that came with two contents."""
        found: list[Any] = ask(f"{self.receiver_url}/conflicts")
        return found

    def stats(self) -> dict[str, Any]:
        """The receiver's own figures."""
        found: dict[str, Any] = ask(f"{self.receiver_url}/stats")
        return found

    def behave(self, **behaviour: float) -> None:
        """Tell the receiver how to misbehave."""
        ask(f"{self.receiver_url}/behaviour", behaviour)

    def _start_plant(self, number: int) -> None:
        plant = start_plant("--seed", str(number))
        self._open.callback(plant.kill)
        name = f"plant-{number}"
        self.devices.append(device(plant.door, name, interval_s=POLL_INTERVAL_S))

    def _introduce(self, gateway: Program) -> None:
        identity = gateway.get("/api/crypto")
        self.serials.add(identity["serialNumber"])
        ask(
            f"{self.receiver_url}/register",
            {"device": identity["serialNumber"], "public_key": identity["publicKey"]},
        )


def let_pass(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Let time pass, or less if the process ends by itself."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def let_run(program: Program, seconds: float) -> None:
    """Let time pass; fails with the program's output when it ends by itself."""
    for _ in within(seconds, step_s=min(seconds, 0.02)):
        assert program.returncode is None, program.output()


def stop_within(program: Program, number: signal.Signals, timeout_s: float) -> float:
    """Send a signal and wait for a clean end; returns the seconds that it took.

    Fails with the program's output when it takes longer or ends in any other way than with 0.
    """
    os.kill(program.pid, number)
    taken = timeout_s
    for passed in within(timeout_s, step_s=0.01):
        if program.returncode is not None:
            taken = passed
            break
    assert program.returncode == 0, f"exit {program.returncode}\n{program.output()}"
    return taken


def ask(url: str, body: Mapping[str, Any] | None = None) -> Any:
    """GET, or POST with a JSON body; returns the JSON answer, None when it is empty."""
    request = urllib.request.Request(url)
    if body is not None:
        request = urllib.request.Request(
            url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
    with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_S) as response:
        content = response.read()
    return json.loads(content) if content else None


def holes_in(ranges: list[list[int]], last: int) -> list[tuple[int, int]]:
    """What of 1..last the sorted inclusive `ranges` leave out."""
    holes = []
    expected = 1
    for first, end in sorted(ranges):
        if first > expected:
            holes.append((expected, min(first - 1, last)))
        expected = max(expected, end + 1)
        if expected > last:
            return [hole for hole in holes if hole[0] <= last]
    return [*(hole for hole in holes if hole[0] <= last), (expected, last)]
