"""The whole process: started, asked, stopped, and refused in words."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
import requests

from server.app import API_STOP_S, PROFILE_FOLDER, STORE_FOLDER
from server.tasks.stop_gateway import STOP_AT_MOST_S
from server_unit_test.architecture.source import ROOT

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
"""On a machine that is busy with other tests; an idle gateway takes a fraction of a second."""

EXIT_AT_MOST_S = 8.0
"""What the design promises."""


class Process:
    """One `python -m server` and what it says."""

    def __init__(self, data: Path, *options: str) -> None:
        self._said = NamedTemporaryFile("w+", dir=data.parent, suffix=".log")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "server",
                "--data",
                str(data),
                "--port",
                "0",
                "--json",
                *options,
            ],
            cwd=ROOT,
            env={
                "PATH": "",
                "EGRET_STORE_BALLAST_BYTES": "0",
                "EGRET_API_ANNOUNCE": "false",
            },
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def url(self) -> str:
        """Where it is; waits until it says so."""
        assert self._process.stdout is not None
        deadline = threading.Timer(START_TIMEOUT_S, self._process.kill)
        deadline.start()
        line = self._process.stdout.readline()
        deadline.cancel()
        assert line, self.log()
        url = json.loads(line)["url"]
        assert isinstance(url, str)
        return url

    def get(self, path: str) -> Any:
        """The answer to a GET."""
        with requests.Session() as session:
            session.trust_env = False
            response = session.get(self._at + path, timeout=10)
        assert 200 == response.status_code, response.text
        return response.json()

    def started(self) -> "Process":
        """Once it is up."""
        self._at = self.url()
        return self

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait(STOP_TIMEOUT_S)

    def log(self) -> str:
        """What it wrote to stderr so far."""
        return Path(self._said.name).read_text()

    def close(self) -> None:
        """Leave nothing running."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._said.close()


@contextmanager
def server(data: Path, *options: str) -> Iterator[Process]:
    """A process that is ended in any case."""
    process = Process(data, *options)
    try:
        yield process
    finally:
        process.close()


def notices(process: Process) -> str:
    """All notices' words."""
    return json.dumps(process.get("/api/state"), ensure_ascii=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_serves_and_stops(tmp_path: Path, number: signal.Signals) -> None:
    """Both ways of asking it to stop end it cleanly, and the log says so."""
    with server(tmp_path / "data") as process:
        state = process.started().get("/api/state")
        code = process.stop(number)

        assert "status" in state
        assert 0 == code
        assert "event=stopped" in process.log() and "Traceback" not in process.log()
    assert STOP_AT_MOST_S + API_STOP_S < EXIT_AT_MOST_S
    assert (tmp_path / "data" / STORE_FOLDER).is_dir()


def test_it_can_be_started_again(tmp_path: Path) -> None:
    """What it left behind is what it finds: the same serial, and no problem to tell."""
    serials = []
    for _ in range(2):
        with server(tmp_path / "data") as process:
            serials.append(process.started().get("/api/crypto")["serialNumber"])
            assert 0 == process.stop()
            assert "level=ERROR" not in process.log()

    assert serials[0] == serials[1]


def test_a_second_one_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """In words that say what to do; the first one goes on."""
    with server(tmp_path / "data") as first:
        first.started()
        with server(tmp_path / "data") as second:
            code, said = second.wait(), second.log()

        assert 1 == code
        assert "another gateway is using the data folder" in said and "Traceback" not in said
        first.get("/api/state")


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    """With the port, and without a traceback; the folder is free again afterwards."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with server(tmp_path / "data", "--port", port) as process:
            code, said = process.wait(), process.log()

    assert 1 == code
    assert "egret: " in said and port in said and "Traceback" not in said
    with server(tmp_path / "data") as process:
        process.started()


def test_a_broken_settings_file_is_moved_aside_and_told(tmp_path: Path) -> None:
    """The box is up with its defaults; the owner reads what happened and where the file is."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.json").write_text("{ broken")

    with server(data) as process:
        said = notices(process.started())

    assert "settings.json is broken" in said and "moved to" in said
    assert not (data / "settings.json").exists()
    assert ["{ broken"] == [
        each.read_text() for each in data.iterdir() if each.name.startswith("settings.json")
    ]


def test_a_broken_profile_is_told_and_the_rest_loads(tmp_path: Path) -> None:
    """By file and line; families that are bundled are there all the same."""
    folder = tmp_path / "data" / PROFILE_FOLDER
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text("name = \n")

    with server(tmp_path / "data") as process:
        said = notices(process.started())
        supported = json.dumps(process.get("/api/inverter/supported"))

    assert "mine.toml:1" in said
    assert "sungrow" in supported.lower()


def test_a_damaged_database_is_moved_aside_and_told(tmp_path: Path) -> None:
    """The box is up, and nothing is deleted."""
    store = tmp_path / "data" / STORE_FOLDER
    store.mkdir(parents=True)
    (store / "readings.sqlite3").write_bytes(b"no database at all" * 1000)

    with server(tmp_path / "data") as process:
        said = notices(process.started())

    assert "The database could not be used" in said and "is now" in said


def test_a_box_open_to_everybody_is_warned_of(tmp_path: Path) -> None:
    """Only who asks for it gets it, and the log says what it means."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "settings.json").write_text('{"api": {"access": "open"}}')
    with server(tmp_path / "data", "--host", "0.0.0.0") as process:
        process.url()
        process.stop()

        assert "open to everybody" in process.log()


def test_listening_to_everybody_lets_nobody_in(tmp_path: Path) -> None:
    """Beyond loopback a box is protected from its first start."""
    with server(tmp_path / "data", "--host", "0.0.0.0") as process:
        url = process.url()
        with requests.Session() as session:
            session.trust_env = False
            response = session.get(url + "/api/snapshot", timeout=10)
        process.stop()

        assert 401 == response.status_code
        assert "open to everybody" not in process.log()


def test_loopback_is_not_warned_of(tmp_path: Path) -> None:
    """The ordinary start is silent about it."""
    with server(tmp_path / "data") as process:
        process.url()
        process.stop()

        assert "open to everybody" not in process.log()
