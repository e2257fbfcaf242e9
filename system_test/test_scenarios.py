"""The scenario runner against a real gateway: two programs that meet over sockets alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from system_test.fleet import free_pair
from system_test.processes import ROOT, Program, device, environment

RUN_TIMEOUT_S = 240.0
"""Warm-up, half a minute of troubles, and recovery, on a busy machine."""

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
    program = gateway(devices=devices)
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "scenario", str(file), "--gateway", program.url],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
    )
    print(json.dumps(devices), done.stdout, done.stderr, sep="\n")
    return done.returncode, done.stdout


def test_a_gateway_gets_over_it(gateway: Callable[..., Program], tmp_path: Path) -> None:
    """Three doors in trouble, two of them at once: all resume, none invents, none disturbs."""
    status, told = start(gateway, tmp_path, patience=8)

    assert 0 == status
    assert ["holds"] * 3 == [line[:5] for line in told.splitlines()[-3:]]
