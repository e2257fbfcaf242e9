"""The command line as a user and as a program meets it: real processes, real signals."""

import argparse
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from simulator.__main__ import main
from simulator import command_plant
from simulator.command_plant import live_line, plan_from
from simulator.command_receiver import Teller
from simulator.clock import ManualClock
from simulator.plant import VirtualPlant
from simulator.plant_file import Plan
from simulator.receiver import Receiver
from simulator.trouble import Order, Trouble
from simulator_unit_test.signing import GATEWAY, Gateway

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60

END_S = 8.0
"""What a container's stop leaves is ten seconds."""


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A simulator process and its first line; ended by its id whatever happens."""
    command = [sys.executable, "-m", "simulator", *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": ""},
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_plant_tells_programs_its_doors() -> None:
    """With --json the first line is one object, and SIGTERM ends it cleanly."""
    with running("plant", "--json", "--port", "0", "--seed", "1") as (process, line):
        told = json.loads(line)
        host, port = told["doors"]["modbus"].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(bytes.fromhex("0001 0000 0006 01 04 1387 0001"))
            reply = client.recv(100)
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=PATIENCE_S)

    assert bytes.fromhex("0001 0000 0005 01 04 02 0E03") == reply
    assert ("SH10RT", 1, 11, 0) == (
        told["model"],
        told["unit_id"],
        len(told["serial"]),
        process.returncode,
    )
    assert ("", "") == (rest, errors)


def test_sigterm_ends_every_door_quickly() -> None:
    """With a client at every port and an answer that never comes, as a container is stopped."""
    doors = ("--modbus", "0", "--encrypted", "0", "--winet", "0", "--winet-tls", "0")
    troubles = ("--trouble", "latency:1:600", "--control", "0")
    with running("plant", "--json", *doors, *troubles) as (process, line), ExitStack() as clients:
        told = json.loads(line)
        addresses = [*told["doors"].values(), told["control"].removeprefix("http://").rstrip("/")]
        for address in addresses:
            host, *ports = address.split(":")
            for port in ports:
                client = socket.create_connection((host, int(port)), timeout=10)
                clients.enter_context(client)
                client.sendall(bytes.fromhex("0001 0000 0006 01 04 1387 0001"))
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=END_S)

    assert (0, "") == (process.returncode, rest)


def test_plant_tells_people_its_address() -> None:
    """The first line names model and address; an interrupt ends it as cleanly."""
    with running("plant", "--model", "SG5.0RT", "--port", "0", "--start", "12:00") as found:
        process, line = found
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)

    assert ("SG5.0RT ", True, 0) == (
        line[:8],
        "Modbus TCP at 127.0.0.1:" in line,
        process.returncode,
    )


def test_plant_on_a_terminal_shows_what_it_does() -> None:
    """Somebody who looks at a terminal sees the live line, and a signal still ends it cleanly."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "simulator", "plant", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=theirs, env=os.environ | {"TERM": "xterm", "COLUMNS": "200"}
    ) as process:
        os.close(theirs)
        shown = b""
        while b"requests" not in shown:
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGTERM)
        try:
            while os.read(ours, 4096):
                pass
        except OSError:
            pass  # The other end is closed.
        status = process.wait(timeout=PATIENCE_S)
    os.close(ours)

    assert (0, True, True) == (status, b"Modbus TCP at" in shown, b"house" in shown)


def test_killed_receiver_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """Each delivery that was answered 200 is in the store after kill -9."""
    me, store = Gateway(), tmp_path / "received.db"
    acknowledged = []
    with running(
        "receiver",
        "--json",
        "--port",
        "0",
        "--store",
        str(store),
        f"--key={GATEWAY}={me.public_key}",
    ) as (process, line):
        with requests.Session() as web:
            for sequence in range(30):
                body = me.deliver({1000 + sequence: sequence})
                with web.post(json.loads(line)["url"], data=body, timeout=10) as reply:
                    if reply.status_code == 200:
                        acknowledged.append(sequence)
        process.kill()
        process.communicate(timeout=PATIENCE_S)

    with sqlite3.connect(store) as base:
        kept = [row[0] for row in base.execute("SELECT sequence FROM records ORDER BY sequence")]
    base.close()
    assert (list(range(30)), acknowledged) == (acknowledged, kept)


def test_receiver_tells_people_what_changed(tmp_path: Path) -> None:
    """The first line is the address; what changed is told at the latest at the end."""
    with running("receiver", "--port", "0") as (process, line):
        with requests.post(line.strip(), data=b"hello", timeout=10) as reply:
            status = reply.status_code
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=PATIENCE_S)

    assert (400, True, 0) == (status, "malformed 0 -> 1" in rest, process.returncode)


def test_teller_says_nothing_new_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for every change, and none without one."""
    with Receiver() as receiver, requests.Session() as web:
        teller = Teller(receiver)
        teller.tell()
        for _ in range(3):
            web.post(receiver.url, data=b"hello", timeout=10).close()
        teller.tell()
        teller.tell()

    lines = capsys.readouterr().out.splitlines()
    assert (1, True) == (len(lines), "malformed 0 -> 3" in lines[0])


@pytest.mark.parametrize(
    ("command", "option"),
    [("receiver", "port"), ("plant", "modbus"), ("plant --modbus 0", "control")],
)
def test_port_in_use(command: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken is named, with a way out."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status = main([*command.split(), f"--{option}", str(port)])

    assert (
        2,
        f"simulator: port {port} is in use; give another one, or --{option} 0 for any free one\n",
    ) == (
        status,
        capsys.readouterr().err,
    )


def test_plant_of_a_file(tmp_path: Path) -> None:
    """A plant file is enough; its control port answers, and what is typed wins over it."""
    file = tmp_path / "house.toml"
    file.write_text(
        'model = "sg5.0rt"\nserial = "A2200000001"\ncontrol = 0\nquirks = ["padded-frame"]\n'
        'troubles = ["latency:0.1:0.5"]\n[doors]\nmodbus = 0\n'
    )
    with running(str(file), "--json", "--serial", "A2200000002") as (process, line):
        told = json.loads(line)
        with requests.get(told["control"] + "state", timeout=10) as reply:
            state = reply.json()
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=PATIENCE_S)

    assert ("SG5.0RT", "A2200000002", ["modbus"]) == (
        told["model"],
        told["serial"],
        list(told["doors"]),
    )
    assert (told["doors"], ["padded-frame"], 0.5) == (
        state["doors"],
        state["quirks"],
        state["troubles"]["1"]["value"],
    )
    assert (0, "", "") == (process.returncode, rest, errors)


def test_nothing_at_all_is_a_plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a command there is a plant, with everything as it comes but for its options."""
    plans: list[Plan] = []

    def run(options: argparse.Namespace) -> int:
        plans.append(plan_from(vars(options)))
        return 0

    monkeypatch.setattr(command_plant, "run", run)

    status = main([]), main(["--seed", "7"])

    assert ((0, 0), [Plan(), Plan(seed=7)]) == (status, plans)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plant", "--model", "sh99"], "no model 'sh99'; there are: "),
        (["plant", "--start", "noon"], "write it like 2026-06-21T10:00"),
        (["plant", "--speed", "0"], "give more than 0"),
        (["plant", "--night", "dark"], "there are: awake, sentinels, gone"),
        (["plant", "--plant", "/no/such.toml"], "/no/such.toml: No such file"),
        (["house.yaml"], "house.yaml: plant files are TOML"),
        (["plant", "--host", "192.0.2.7"], "this machine has no address 192.0.2.7"),
        (["plant", "--host", ""], "host: '' is no address"),
        (["plant", "--host", "nobody.invalid"], "nobody knows the host 'nobody.invalid'"),
        (["receiver", "--host", "192.0.2.7"], "this machine has no address 192.0.2.7"),
        (["plant", "--control", "0", "--host", "192.0.2.7"], "has no address 192.0.2.7"),
        (["receiver", "--fail", "2"], "fail must be a number from 0 to 1"),
        (["receiver", "--key", "abc"], "write it as SERIAL=HEX"),
        (["receiver", "--key", "abc=00"], "128 hex digits"),
        (["receiver", "--store", "/proc/no/such"], "cannot be used as a store"),
    ],
)
def test_errors_in_words(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong option is answered with what would be right."""
    status = main([*arguments, "--port", "0"])

    assert (2, True) == (status, words in capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["plant", "--port", "70000"],
        ["plant", "--port", "x"],
        ["plant", "--unit", "0"],
        ["plant", "--latitude", "91"],
        ["plant", "--latitude", "north"],
        ["receiver", "--port", "-1"],
        ["plant", "--modbus", "1:2"],
        ["plant", "--quirk", "odd"],
        ["plant", "--trouble", "drop:2"],
        ["plant", "--control", "x"],
        ["plant", "--set", "second"],
        ["plant", "--set", "second=waits"],
        ["house"],
    ],
)
def test_refused_at_once(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What no option can mean is refused by the command line itself."""
    with pytest.raises(SystemExit) as left:
        main(arguments)

    assert (2, True) == (left.value.code, "usage: python -m simulator" in capsys.readouterr().err)


@pytest.mark.parametrize("arguments", [["--help"], ["plant", "--help"], ["receiver", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Help is help."""
    with pytest.raises(SystemExit) as left:
        main(arguments)

    assert (0, True) == (left.value.code, len(capsys.readouterr().out) > 500)


def test_list_of_models(capsys: pytest.CaptureFixture[str]) -> None:
    """The models can be listed without starting anything."""
    status = main(["plant", "--list-models"])

    lines = capsys.readouterr().out.splitlines()
    assert (0, True) == (status, any(line.startswith("sh10rt   SH10RT") for line in lines))


def test_live_line_tells_what_is_wrong() -> None:
    """Troubles are counted, and a device that is gone for the night is called so."""
    clock = ManualClock(1_782_043_200)
    plant = VirtualPlant(clock=clock)
    plant.troubles.set(Order(Trouble.DROP))
    by_day = live_line(plant).plain

    plant.behave(night="gone")
    plant.advance(12 * 3600)

    assert ("1 troubles", "gone for the night") == (by_day[-10:], live_line(plant).plain[-18:])


@pytest.mark.parametrize(("model", "battery"), [("sh10rt", True), ("sg5.0rt", False)])
def test_live_line(model: str, battery: bool) -> None:
    """The live line tells time, sun, house and grid, and a battery where there is one."""
    plant = VirtualPlant(model, clock=ManualClock(1_782_043_200))

    line = live_line(plant).plain

    assert ("2026-06-21 12:00:00  sun ", battery) == (line[:25], "battery " in line)
    assert all(word in line for word in ("house ", "port ", "0 requests"))
