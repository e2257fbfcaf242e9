"""A real gateway and a virtual plant, each in a process of its own, spoken to over HTTP only."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
CLIENT_TIMEOUT_S = 70.0
WAIT_ROUNDS = 300
ROUND_S = 0.1
NO_BUS = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus"}
"""No test may change the connections of the machine it runs on."""

_PAUSE = threading.Event()


class Gateway:
    """A client of the running gateway, and the address of the plant."""

    def __init__(self, url: str, plant: str) -> None:
        self.url = url
        self.plant_host, _, port = plant.rpartition(":")
        self.plant_port = int(port)
        self._session = requests.Session()
        self._session.trust_env = False

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """One request; `body` goes as JSON."""
        more.setdefault("timeout", CLIENT_TIMEOUT_S)
        return self._session.request(method, self.url + path, json=body, **more)

    def json(self, path: str) -> Any:
        """The answer of a GET that must succeed."""
        response = self.call("GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    def wait_for(self, path: str, wanted: Callable[[Any], Any]) -> Any:
        """What `wanted` finds in the answer of `path`, as soon as it finds something."""
        for _ in range(WAIT_ROUNDS):
            found = wanted(self.json(path))
            if found:
                return found
            _PAUSE.wait(ROUND_S)
        raise AssertionError(f"{path} never showed what was waited for: {self.json(path)}")

    def close(self) -> None:
        """Close connections."""
        self._session.close()


@contextmanager
def running(*arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Any]:
    """A process of ours, and the JSON of its first line; ended by SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | NO_BUS | dict(environ or {}),
    )
    watchdog = threading.Timer(START_TIMEOUT_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        watchdog.cancel()
        assert first, f"{arguments} ended without a word"
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield json.loads(first)
    finally:
        watchdog.cancel()
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT_S)
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A fresh gateway with no device, beside a virtual SH10RT at noon."""
    data = tmp_path_factory.mktemp("data")
    plant_words = ("simulator", "plant", "--port", "0", "--json", "--start", "2026-06-21T12:00")
    with (
        running(*plant_words) as plant,
        running("server", "--data", str(data), "--port", "0", "--json") as server,
    ):
        found = Gateway(server["url"], plant["doors"]["modbus"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def device_id(gateway: Gateway) -> str:
    """The plant, added as an earlier client would, and online."""
    body = {
        "ip": gateway.plant_host,
        "port": str(gateway.plant_port),
        "type": "sungrow",
        "address": "1",
    }
    response = gateway.call("POST", "/api/invertertcp", body)
    assert response.status_code == 200, response.text
    found: str = response.json()["id"]
    gateway.wait_for("/api/device", lambda all_: [e for e in all_ if e["is_open"]])
    return found
