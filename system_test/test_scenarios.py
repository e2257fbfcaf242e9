"""The scenario runner against a real gateway: two programs that meet over sockets alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server.devices.link import ASLEEP_RETRY_S, LINK_BACKOFF
from server.tasks.poll_device import POLL_BUDGET_S
from server.transports.winet import ANSWER_TIMEOUT_S, doors_of
from server.transports.winet_lockout import LOCK_S
from simulator import winet_sessions
from simulator.scenario import Befall, Expected, Scenario, read_scenario
from simulator.trouble import Trouble
from system_test.fleet import free_pair
from system_test.processes import ROOT, Program, device, environment

RUN_TIMEOUT_S = 240.0
"""Warm-up, half a minute of troubles, and recovery, on a busy machine."""

SHIPPED = ROOT / "simulator" / "scenarios"

SHIPPED_TIMEOUT_S = 3600.0
"""The longest scenario that ships takes three quarters of an hour."""

SCHEMES = {"modbus": "modbus_tcp", "winet": "winet"}
PROFILES = {"sh10rt": "sungrow_hybrid", "sg5.0rt": "sungrow_string"}

# A reading carries the time at which its poll began; a busy dongle makes a poll take ten seconds.
SCENARIO = """
title = "Three doors at once"
lasts = "70 s"

[[plant]]
name  = "roof"
start = "2026-06-21T11:00"
[plant.doors]
modbus = {modbus}
winet  = [{http}, {websocket}]

[[plant]]
name  = "barn"
model = "sg5.0rt"
start = "2026-06-21T11:00"
doors = {{ encrypted = {encrypted} }}

[[step]]
at    = "3 s"
do    = "modbus exception"
value = 4
for   = "4 s"

[[step]]
at  = "5 s"
do  = "winet busy"
for = "6 s"

[[step]]
at  = "20 s"
do  = "stop"
on  = "barn"
for = "6 s"

[[expect]]
that   = "readings resume"
within = "40 s"

[[expect]]
that   = "none invented"
within = "12 s"

[[expect]]
that   = "no other device disturbed"
within = "{patience} s"
"""


def start(gateway: Callable[..., Program], tmp_path: Path, patience: float) -> tuple[int, str]:
    """A gateway that knows three doors, and the scenario that opens them; status and words."""
    (http, websocket), (encrypted, modbus) = free_pair(), free_pair()
    file = tmp_path / "three.toml"
    file.write_text(
        SCENARIO.format(
            modbus=modbus, http=http, websocket=websocket, encrypted=encrypted, patience=patience
        )
    )
    doors = (
        ("modbus_tcp", modbus, "sungrow_hybrid"),
        ("winet", websocket, "sungrow_hybrid"),
        ("sungrow_tcp", encrypted, "sungrow_string"),
    )
    devices = [
        device(
            ("127.0.0.1", port),
            f"{scheme}-{port}",
            endpoint={"scheme": scheme, "host": "127.0.0.1", "port": port},
            profile=profile,
        )
        for scheme, port, profile in doors
    ]
    print(json.dumps(devices))
    return run_file(file, gateway(devices=devices), RUN_TIMEOUT_S)


def run_file(file: Path, program: Program, timeout_s: float) -> tuple[int, str]:
    """The scenario of a file against a gateway that runs; status and words."""
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "scenario", str(file), "--gateway", program.url],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    print(done.stdout, done.stderr, sep="\n")
    return done.returncode, done.stdout


def test_a_gateway_gets_over_it(gateway: Callable[..., Program], tmp_path: Path) -> None:
    """Three doors in trouble, two of them at once: all resume, none invents, none disturbs."""
    status, told = start(gateway, tmp_path, patience=8)

    assert 0 == status
    assert ["holds"] * 3 == [line[:5] for line in told.splitlines()[-3:]]


def within_s(scenario: Scenario, that: Expected) -> float:
    """What an expectation leaves the reader."""
    return next(each.within_s for each in scenario.expectations if each.that is that)


def test_the_locked_dongle_is_given_the_time_that_it_takes() -> None:
    """The lock is noticed at the first answer, left alone as long as dongles lock, and a device
    that sleeps is asked again every 44 s at the latest; a poll of a busy dongle may take all of its
    budget, and carries the time at which it began. The scenario grants all of that."""
    scenario = read_scenario(SHIPPED / "winet-locked.toml")
    (lock_s,) = [
        step.until_s - step.at_s
        for step in scenario.steps
        if isinstance(step.deed, Befall) and step.deed.order.trouble is Trouble.LOCKED
    ]
    retry_s = LINK_BACKOFF.delay_s(1000, 1.0)
    slowest_s = ANSWER_TIMEOUT_S + LOCK_S + retry_s + 2 * ANSWER_TIMEOUT_S

    assert POLL_BUDGET_S < within_s(scenario, Expected.NONE_INVENTED)
    assert LOCK_S == winet_sessions.LOCK_S == lock_s
    assert ASLEEP_RETRY_S < retry_s
    assert slowest_s - lock_s <= within_s(scenario, Expected.RESUME)


def test_the_doors_of_every_scenario_can_be_told_to_a_gateway() -> None:
    """A gateway is told one port: it finds a dongle's other one by it."""
    pairs = [
        plan.doors["winet"]
        for file in SHIPPED.glob("*.toml")
        for plan in read_scenario(file).plants
        if "winet" in plan.doors
    ]

    assert pairs
    for pair in pairs:
        assert isinstance(pair, tuple)
        assert pair in [(door.http_port, door.socket_port) for door in doors_of(pair[1])]


@pytest.mark.soak
@pytest.mark.timeout(SHIPPED_TIMEOUT_S + RUN_TIMEOUT_S)
@pytest.mark.parametrize("name", ["hiccups.toml", "winet-locked.toml"])
def test_a_gateway_gets_over_what_ships(
    gateway: Callable[..., Program], tmp_path: Path, name: str
) -> None:
    """The scenarios that ship hold against this gateway, at free ports."""
    file = tmp_path / name
    text, ports = (SHIPPED / name).read_text(), {}
    for plan in read_scenario(SHIPPED / name).plants:
        for door, wanted in plan.doors.items():
            lower, upper = free_pair()
            ports[upper] = (door, PROFILES[plan.model])
            spelled = str(wanted) if isinstance(wanted, int) else str(list(wanted))
            found = str(upper) if isinstance(wanted, int) else str([lower, upper])
            assert 1 == text.count(spelled)
            text = text.replace(spelled, found)
    file.write_text(text)
    devices = [
        device(
            ("127.0.0.1", port),
            f"{door}-{port}",
            endpoint={"scheme": SCHEMES[door], "host": "127.0.0.1", "port": port},
            profile=profile,
        )
        for port, (door, profile) in ports.items()
    ]

    status, told = run_file(file, gateway(devices=devices), SHIPPED_TIMEOUT_S)

    assert 0 == status, told
