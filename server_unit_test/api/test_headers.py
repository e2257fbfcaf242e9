"""What a browser is told with every answer, whoever asks for what and whatever comes of it."""

import re
import socket
from pathlib import Path

import pytest
import requests

from server.api.call import GUARDED
from server.api.page import FOLDER
from server.api.routes import ROUTES
from server.model.request import QueryHistory
from server_unit_test.api.conftest import Api
from server_unit_test.api.examples import EXAMPLES, Example

EXPECTED = {name.decode(): value.decode() for name, value in GUARDED}


def check(response: requests.Response) -> None:
    """All of them are there, once, and no script may run that is not a file of ours."""
    told = response.headers
    assert EXPECTED == {name: told.get(name) for name in EXPECTED}
    policy = told["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy and "unsafe" not in policy
    assert "strict-transport-security" not in told
    for name in (*EXPECTED, "content-security-policy"):
        assert 1 == len(response.raw.headers.getlist(name)), name


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.method} {each.path}")
def test_every_route_sends_them(api: Api, example: Example) -> None:
    """Streams and files alike."""
    response = api.call(example.method, example.path, example.body, owner=True, stream=True)

    check(response)
    response.close()


def test_every_route_is_among_them() -> None:
    """So that a new row cannot be forgotten."""
    assert {each.path for each in ROUTES} == {each.route for each in EXAMPLES}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/no/such/thing", 404),
        ("GET", "/static/no-such-file", 404),
        ("PUT", "/api/hello", 405),
        ("POST", "/api/settings", 400),
        ("GET", "/api/token", 401),
    ],
)
def test_refusals_send_them(api: Api, method: str, path: str, status: int) -> None:
    """An error is an answer."""
    response = api.call(method, path)

    assert status == response.status_code
    check(response)


def test_a_fault_of_ours_sends_them(api: Api) -> None:
    """Even what nobody foresaw."""
    api.desk.answers[QueryHistory] = ZeroDivisionError("a mistake")

    response = api.get("/api/history?quantity=pv_power&points=2")

    assert 500 == response.status_code
    check(response)


def test_what_is_no_http_is_answered_with_them(api: Api) -> None:
    """The answer that comes before there is a request."""
    with socket.create_connection((api.host, api.port), 5) as door:
        door.settimeout(5)
        door.sendall(b"rubbish\r\n\r\n")
        answer = door.recv(65536).decode().lower()

    assert answer.startswith("http/1.1 400 ")
    assert all(f"\r\n{name}: {value.lower()}\r\n" in answer for name, value in EXPECTED.items())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.html")), ids=lambda path: path.name)
def test_the_page_has_nothing_inline(path: Path) -> None:
    """Neither a script, nor a style, nor a handler, nor an address that runs something."""
    text = path.read_text(encoding="utf-8")

    assert [] == re.findall(r"<script(?![^>]*\bsrc=)", text)
    assert [] == re.findall(r"<style|\sstyle=|\son\w+=|javascript:", text)
