"""`python -m server health`, against real sockets."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from server.commands import health
from server.commands.health import MAX_ANSWER_BYTES, TIMEOUT_S, ask


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """Something on a port of its own that says this to everything."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802  # The library's name.
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(5)


def test_a_well_gateway_is_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The port comes from its settings."""
    with answering(200, b'{"healthy": true, "reason": "", "mode": "running"}') as port:
        environ = {"EGRET_API_PORT": str(port), "EGRET_API_HOST": "0.0.0.0"}
        code = health.main(["--data", str(tmp_path)], environ)

    assert (0, "healthy, running\n") == (code, capsys.readouterr().out)


def test_an_ill_gateway_is_1_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As /healthz says it."""
    with answering(503, b'{"healthy": false, "reason": "the disk is full", "mode": "x"}') as port:
        code = health.main(["--data", str(tmp_path), "--port", str(port)], {})

    assert (1, "not healthy: the disk is full\n") == (code, capsys.readouterr().err)


def test_nobody_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Within TIMEOUT_S."""
    assert TIMEOUT_S <= 10
    with answering(200, b"") as port:
        pass

    assert 1 == health.main(["--data", str(tmp_path), "--port", str(port)], {})
    assert "no gateway answers at 127.0.0.1" in capsys.readouterr().err


@pytest.mark.parametrize("body", [b"", b"[]", b"hello", b"5", b"x" * (2 * MAX_ANSWER_BYTES)])
def test_something_else_is_not_healthy(body: bytes) -> None:
    """Whatever listens there."""
    with answering(200, body) as port:
        assert (False, f"something else than a gateway answers at 127.0.0.1:{port}") == ask(
            "127.0.0.1", port
        )


@pytest.mark.parametrize("port", ["0", "70000"])
def test_a_port_that_none_has_is_said(
    port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gateway with port 0 says where it is at its start only."""
    assert 1 == health.main(["--data", str(tmp_path), "--port", port], {})
    assert "name it with --port" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", '{"api": {"port": 80', '{"api": {"prot": 80}}'])
def test_asking_leaves_the_settings_as_they_are(content: str, tmp_path: Path) -> None:
    """A container asks twice a minute, also while somebody edits them: only a start moves them."""
    settings = tmp_path / "settings.json"
    settings.write_text(content)

    with answering(200, b'{"healthy": true, "reason": "", "mode": "running"}') as port:
        code = health.main(["--data", str(tmp_path), "--port", str(port)], {})

    assert (0, [settings], content) == (code, list(tmp_path.iterdir()), settings.read_text())
