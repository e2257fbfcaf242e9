"""The TLS door of the whole process: when there is one, and what is said when there is not."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from server.__main__ import _announce_tls, _announce_tls_as_json
from server.api.server import bind
from server_unit_test.test_app import Process, notices, server

ROUNDS = 200


def configured(data: Path, **api: Any) -> None:
    """Settings of the next start."""
    data.mkdir(exist_ok=True)
    (data / "settings.json").write_text(json.dumps({"api": api}))


def told(process: Process, words: str = "") -> tuple[dict[str, Any], str]:
    """Of the door, and the notices once these words are among them."""
    snapshot = process.started()
    tls: dict[str, Any] = process.get("/api/tls")
    for _ in range(ROUNDS):
        if words in (said := notices(snapshot)):
            return tls, said
        threading.Event().wait(0.05)
    raise AssertionError(said)


def test_there_is_none_on_loopback_unless_it_is_wanted(tmp_path: Path) -> None:
    """Nobody listens there."""
    with server(tmp_path / "data") as process:
        tls, said = told(process)

    assert (0, False) == (tls["port"], "TLS" in said)
    assert not (tmp_path / "data" / "tls_key.pem").exists()


def test_it_names_the_box(tmp_path: Path) -> None:
    """As it is called in multicast DNS, on its network and on itself."""
    configured(tmp_path / "data", tls="on", tls_port=0)
    with server(tmp_path / "data") as process:
        tls, _ = told(process)

    assert tls["port"] > 0 and {"localhost", "127.0.0.1"} <= set(tls["names"])
    assert any(each.startswith("egret-") and each.endswith(".local") for each in tls["names"])


def test_a_port_that_is_taken_is_a_notice(tmp_path: Path) -> None:
    """The page goes on without."""
    with bind("127.0.0.1", 0) as taken:
        configured(tmp_path / "data", tls="on", tls_port=taken.getsockname()[1])
        with server(tmp_path / "data") as process:
            tls, said = told(process, "There is no TLS door")

    assert 0 == tls["port"]
    assert "api.tls_port" in said


def test_a_certificate_that_cannot_be_made_is_a_notice(tmp_path: Path) -> None:
    """As when something that is no file lies in its place."""
    configured(tmp_path / "data", tls="on", tls_port=0)
    (tmp_path / "data" / "tls_key.pem").mkdir()
    with server(tmp_path / "data") as process:
        tls, said = told(process, "There is no TLS door")

    assert 0 == tls["port"]
    assert "check the disk" in said


def test_an_owners_certificate_that_is_not_there_is_a_notice(tmp_path: Path) -> None:
    """And the box's own counts."""
    configured(tmp_path / "data", tls="on", tls_port=0, tls_certificate="/no/such.pem")
    with server(tmp_path / "data") as process:
        tls, said = told(process, "api.tls_certificate")

    assert (True, False) == (tls["port"] > 0, tls["owners"])
    assert "the box's own counts" in said


def test_where_it_is_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """To a person, and to a program, with the fingerprint to compare."""
    _announce_tls("https://192.0.2.7:8443", "AB:CD")
    _announce_tls_as_json("https://192.0.2.7:8443", "AB:CD")

    first, second = capsys.readouterr().out.splitlines()
    assert "https://192.0.2.7:8443" in first and "AB:CD" in first
    assert {"url": "https://192.0.2.7:8443", "fingerprint": "AB:CD"} == json.loads(second)
