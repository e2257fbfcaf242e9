"""The guest's end of the control channel."""

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from virtual_radio.guest.agent import (
    HELLO,
    MAX_OUTPUT_CHARACTERS,
    Programs,
    answer,
    find_port,
    serve,
)


def ask(programs: Programs, **request: Any) -> dict[str, Any]:
    """One request with an id."""
    return answer(programs, {"id": 7, **request})


def test_a_program_is_run_to_its_end() -> None:
    """With its input, both streams and its exit status."""
    said = ask(
        Programs(), do="run", argv=["sh", "-c", "cat; echo no >&2; exit 3"], input="in", timeout_s=9
    )

    assert {"id": 7, "code": 3, "out": "in", "err": "no\n"} == said


def test_of_long_output_the_end_is_kept() -> None:
    """MAX_OUTPUT_CHARACTERS of it."""
    script = f"head -c {MAX_OUTPUT_CHARACTERS} /dev/zero | tr '\\0' x; echo end"

    out = ask(Programs(), do="run", argv=["sh", "-c", script], timeout_s=9)["out"]

    assert (MAX_OUTPUT_CHARACTERS, True) == (len(out), out.endswith("xend\n"))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "run", "argv": ["no-such-program"], "timeout_s": 9}, "FileNotFoundError"),
        ({"do": "run", "argv": ["sleep", "60"], "timeout_s": 0.1}, "TimeoutExpired"),
        ({"do": "stop", "pid": 1, "signal": 15, "timeout_s": 1}, "KeyError"),
        ({"do": "dance"}, "KeyError"),
    ],
)
def test_what_cannot_be_done_is_answered_in_words(request_: dict[str, Any], words: str) -> None:
    """And the agent goes on."""
    assert words in ask(Programs(), **request_)["error"]


def test_a_program_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    """What it prints lies in its log; its exit status names the signal."""
    programs, log = Programs(), tmp_path / "log"
    pid = ask(programs, do="start", argv=["sleep", "600"], log=str(log))["pid"]

    runs = ask(programs, do="look", pid=pid)["code"]
    code = ask(programs, do="stop", pid=pid, signal=15, timeout_s=9)["code"]

    assert (None, -15, True) == (runs, code, log.exists())


def test_a_program_that_ignores_the_signal_is_killed_and_that_is_said(tmp_path: Path) -> None:
    """The guest keeps nothing that the test believes gone."""
    programs = Programs()
    script = "trap '' TERM; echo deaf; while :; do sleep 0.05; done"
    pid = ask(programs, do="start", argv=["sh", "-c", script], log=str(tmp_path / "log"))["pid"]
    while "deaf" not in (tmp_path / "log").read_text():
        pass

    said = ask(programs, do="stop", pid=pid, signal=15, timeout_s=0.1)

    assert "TimeoutExpired" in said["error"] and not Path(f"/proc/{pid}").exists()


def test_http_is_asked_from_inside() -> None:
    """Method, query and body go through, status and text come back."""

    class Echo(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802  # the name that http.server calls
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(418)
            self.end_headers()
            self.wfile.write(f"{self.path} {body.decode()}".encode())

        def log_message(self, *_: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/api/x?y=1"
        said = ask(Programs(), do="http", method="POST", url=url, body='{"ü": 1}', timeout_s=9)
        thread.join(9)

    assert {"id": 7, "code": 418, "out": '/api/x?y=1 {"ü": 1}'} == said


def test_a_server_that_is_not_there_is_answered_in_words() -> None:
    """As any other failure."""
    url = "http://127.0.0.1:1/"

    said = ask(Programs(), do="http", method="GET", url=url, body="", timeout_s=9)

    assert "ConnectionRefusedError" in said["error"]


def test_the_port_is_found_by_its_name(tmp_path: Path) -> None:
    """Whatever its number is."""
    for number, name in enumerate(("other", "egret.control")):
        (tmp_path / f"vport{number}p1").mkdir()
        (tmp_path / f"vport{number}p1/name").write_text(f"{name}\n")

    assert Path("/dev/vport1p1") == find_port(tmp_path, "egret.control")
    with pytest.raises(FileNotFoundError, match="no virtio port is called x"):
        find_port(tmp_path, "x")


def test_the_first_line_says_that_the_guest_is_ready() -> None:
    """Before any request."""
    said = io.BytesIO()

    serve(io.BytesIO(b""), said)

    assert HELLO == json.loads(said.getvalue())
