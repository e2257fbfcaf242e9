"""An address goes in, everything else is found: door, model, serial and units, for every door.

A real gateway asks a virtual plant that has one door. A port is given as well, because the ports of
real devices are not anybody's to open; which scheme is spoken behind it is for the gateway to find.
"""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator.door_settings import DoorSettings
from simulator.plant import VirtualPlant
from system_test.fleet import free_pair
from system_test.processes import Children, Program, environment, wait_until

ANSWER_TIMEOUT_S = 90.0
"""A search takes 40 s at the most, and this machine may be busy."""

READ_TIMEOUT_S = 60.0
"""From an answer to the first readings of all that was added."""

DOORS = {"modbus": "modbus_tcp", "encrypted": "sungrow_tcp", "winet": "winet", "winet-tls": "winet"}
BATTERY_UNIT = {"modbus": 200, "encrypted": 200, "winet": 2, "winet-tls": 2}


@pytest.fixture
def program(children: Children, tmp_path: Path) -> Program:
    """A gateway whose devices nobody has fixed: the page may add some."""
    command = [sys.executable, "-m", "server", "--json", "--port", "0", "--data", str(tmp_path)]
    return children.keep(Program("gateway", command, environment({})))


@contextmanager
def plant_behind(door: str) -> Iterator[tuple[VirtualPlant, int]]:
    """A hybrid with that door alone, and the port that a person would type."""
    ports = free_pair() if door == "winet" else 0
    settings = DoorSettings(answers_plain=False)
    with VirtualPlant("sh10rt", doors={door: ports}, seed=5, door_settings=settings) as plant:
        yield plant, int(plant.doors[door].rpartition(":")[2])


def asked(program: Program, path: str, port: int) -> tuple[int, Any]:
    """Status and answer of a POST with an address."""
    body = {"ip": "127.0.0.1", "port": port, "device_type": "auto"}
    answer = requests.post(f"{program.url}{path}", json=body, timeout=ANSWER_TIMEOUT_S)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("door", DOORS)
def test_an_address_is_enough(door: str, program: Program) -> None:
    """Probing tells what is there and each step to it; adding leads to readings of both devices."""
    with plant_behind(door) as (plant, port):
        status, found = asked(program, "/api/probe", port)
        assert 200 == asked(program, "/api/device", port)[0]
        devices = wait_until(lambda: read_by(program), READ_TIMEOUT_S, "readings of both")

    battery = BATTERY_UNIT[door]
    assert 200 == status, json.dumps(found)
    assert (DOORS[door], plant.serial, "SH10RT", 1) == (
        found["endpoint"]["scheme"],
        found["serial"],
        found["model"],
        found["unit_id"],
    )
    assert [("battery", battery)] == [(each["name"], each["unit_id"]) for each in found["also"]]
    assert any(f"serial number {plant.serial}, unit 1" in line for line in found["progress"])
    assert {(1, ""), (battery, plant.serial)} == devices


def read_by(program: Program) -> set[tuple[int, str]]:
    """Unit and parent of every device, once all have been read and there are two."""
    configured = program.get("/api/snapshot")["devices"]
    if len(configured) < 2 or any(each["latest"] is None for each in configured):
        return set()
    return {(each["config"]["unit_id"], each["config"]["parent"]) for each in configured}


def test_nobody_there_is_said_in_words(program: Program) -> None:
    """What was tried and what to do, without the numbers of errors; nothing is added."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    status, answer = asked(program, "/api/device", port)

    assert 502 == status
    assert answer["error"].startswith("No device was found at 127.0.0.1. Tried: Modbus TCP on port")
    assert "Connection refused" in answer["error"] and "Errno" not in answer["error"]
    assert "System > Port parameter > Modbus" in answer["error"]
    assert [] == program.get("/api/snapshot")["devices"]
