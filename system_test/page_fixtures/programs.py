"""Starts and stops the programs that a page test needs: the canned box, the gateway, the plant."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
FIRST_LINE_TIMEOUT_S = 40.0
"""A gateway that says nothing for this long will not start; a busy machine starts it in five."""
STOP_TIMEOUT_S = 12.0
"""The gateway promises to be gone within eight seconds."""


class Program:
    """One child process whose first line on stdout is a JSON object."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self._log = log.open("ab")
        environment = os.environ | {"EGRET_CLOCK_TRUST": "always"}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.process.stdout is not None
        self._stdout = self.process.stdout
        overdue = threading.Timer(FIRST_LINE_TIMEOUT_S, self.process.kill)
        overdue.start()
        line = self._stdout.readline()
        overdue.cancel()
        assert line, f"{arguments} said nothing:\n{log.read_text(errors='replace')[-4000:]}"
        self.first: dict[str, Any] = json.loads(line)
        self._drain = threading.Thread(target=self._stdout.read, daemon=True)
        self._drain.start()

    def stop(self) -> None:
        """End it and wait until it is gone."""
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._drain.join(STOP_TIMEOUT_S)
        self._stdout.close()
        self._log.close()


class CannedBox:
    """The page before canned values."""

    model = "SH10RT"
    target = ("192.168.1.40", 502)

    def __init__(self, folder: Path, scene: str = "empty") -> None:
        self._log = folder / "canned.log"
        self._scene = scene
        self._program = self._start(0)
        self.url = str(self._program.first["url"])

    def _start(self, port: int) -> Program:
        script = "system_test/page_fixtures/dev_server.py"
        arguments = [script, "--scene", self._scene, "--port", str(port), "--json"]
        return Program(arguments, self._log)

    def down(self) -> None:
        """Stop answering."""
        self._program.stop()

    def up(self) -> None:
        """Answer again, at the same address."""
        self._program = self._start(urlsplit(self.url).port or 0)

    def close(self) -> None:
        """End everything."""
        self._program.stop()


class GatewayBox:
    """The page before the real gateway, with a virtual plant to be added."""

    model = "SH10RT"

    def __init__(self, folder: Path, door: str = "modbus", *more: str) -> None:
        """`door` is the plant's only one; `more` are further options of it."""
        self._folder = folder
        options = [f"--{door}", "0", *more, "--json"]
        self.plant = Program(["-m", "simulator", "plant", *options], folder / "plant")
        host, _, port = str(self.plant.first["doors"][door]).rpartition(":")
        self.target = (host, int(port))
        self._program = self._start(0)
        self.url = str(self._program.first["url"])

    def _start(self, port: int) -> Program:
        data = str(self._folder / "data")
        arguments = ["-m", "server", "--data", data, "--port", str(port), "--json"]
        return Program(arguments, self._folder / "gateway.log")

    def down(self) -> None:
        """Stop answering."""
        self._program.stop()

    def up(self) -> None:
        """Answer again, at the same address, from the same data."""
        self._program = self._start(urlsplit(self.url).port or 0)

    def raise_notice(self) -> None:
        """Restart it with settings that nobody can read, which it then tells."""
        self.down()
        (self._folder / "data" / "settings.json").write_text("{ this is no JSON")
        self.up()

    def close(self) -> None:
        """End everything."""
        self._program.stop()
        self.plant.stop()


Box = CannedBox | GatewayBox
