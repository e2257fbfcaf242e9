"""The guest's end of the control channel: runs programs for the test and says how they ended.

Runs inside the guest on Python's standard library alone. One JSON object a line in both
directions; requests are done side by side, answers come as they are ready.

    {"id": 1, "do": "run", "argv": [...], "timeout_s": 10} -> {"id": 1, "code", "out", "err"}
    {"id": 2, "do": "start", "argv": [...], "log": path}   -> {"id": 2, "pid"}
    {"id": 3, "do": "stop", "pid", "signal", "timeout_s"}  -> {"id": 3, "code"}
    {"id": 4, "do": "look", "pid"}                         -> {"id": 4, "code": null while it runs}
    {"id": 5, "do": "http", "method", "url", "body", "timeout_s"} -> {"id": 5, "code", "out"}

What cannot be done is answered with {"id", "error": in words}.
"""

import http.client
import json
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

PORT_NAME = "egret.control"
"""Name of the virtio port, as QEMU's command line gives it."""

PORTS = Path("/sys/class/virtio-ports")

MAX_OUTPUT_CHARACTERS = 200_000
"""Of each stream of a program, the end: what a test wants to read, never a whole log."""

HELLO = {"id": 0, "hello": "egret"}
"""The first line: the guest is ready."""

Answer = dict[str, Any]


def find_port(ports: Path, name: str) -> Path:
    """The device of the virtio port called `name`. Raises FileNotFoundError."""
    for port in sorted(ports.glob("*")):
        if (port / "name").read_text().strip() == name:
            return Path("/dev") / port.name
    raise FileNotFoundError(f"no virtio port is called {name}")


class Programs:
    """The programs that the test started."""

    def __init__(self) -> None:
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def run(self, request: Mapping[str, Any]) -> Answer:
        """One program to its end."""
        done = subprocess.run(
            request["argv"],
            input=request.get("input", ""),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=request["timeout_s"],
        )
        out, err = done.stdout[-MAX_OUTPUT_CHARACTERS:], done.stderr[-MAX_OUTPUT_CHARACTERS:]
        return {"code": done.returncode, "out": out, "err": err}

    def start(self, request: Mapping[str, Any]) -> Answer:
        """One program that goes on; what it prints is appended to a log."""
        with open(request["log"], "ab") as log:
            program = subprocess.Popen(
                request["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self._running[program.pid] = program
        return {"pid": program.pid}

    def stop(self, request: Mapping[str, Any]) -> Answer:
        """The end of a program that was started; killed when the signal does not do it."""
        program = self._running[request["pid"]]
        program.send_signal(request["signal"])
        try:
            code = program.wait(request["timeout_s"])
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            raise
        del self._running[program.pid]
        return {"code": code}

    def look(self, request: Mapping[str, Any]) -> Answer:
        """Whether a program still runs."""
        return {"code": self._running[request["pid"]].poll()}


def fetch(request: Mapping[str, Any]) -> Answer:
    """One HTTP request from inside the guest; a body is JSON."""
    url = urlsplit(request["url"])
    connection = http.client.HTTPConnection(url.netloc, timeout=request["timeout_s"])
    try:
        headers = {"Content-Type": "application/json"} if request["body"] else {}
        path = f"{url.path}?{url.query}" if url.query else url.path
        connection.request(request["method"], path, request["body"].encode(), headers)
        answered = connection.getresponse()
        return {"code": answered.status, "out": answered.read().decode(errors="replace")}
    finally:
        connection.close()


def answer(programs: Programs, request: Mapping[str, Any]) -> Answer:
    """What one request comes to, errors included."""
    deeds: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
        "run": programs.run,
        "start": programs.start,
        "stop": programs.stop,
        "look": programs.look,
        "http": fetch,
    }
    try:
        said = deeds[request["do"]](request)
    except (OSError, KeyError, subprocess.SubprocessError, http.client.HTTPException) as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    return {"id": request["id"], **said}


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more."""
    programs, lock = Programs(), threading.Lock()

    def say(said: Answer) -> None:
        with lock:
            answers.write(json.dumps(said).encode() + b"\n")
            answers.flush()

    say(HELLO)
    for line in requests:
        request = json.loads(line)
        threading.Thread(
            target=lambda asked=request: say(answer(programs, asked)), daemon=True
        ).start()


def main() -> None:
    """Serve the port until the other end goes."""
    with open(find_port(PORTS, PORT_NAME), "r+b", buffering=0) as port:
        reader = open(port.fileno(), "rb", closefd=False)
        serve(reader, port)


if __name__ == "__main__":
    main()
