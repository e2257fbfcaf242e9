"""A list of attacks on a protected box, each as it would come over the wire.

None leaves anything behind: the last test finds the box as it was.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from server_rest_test.protected import Asker, Box, started

SECRETS = ("/api/snapshot", "/api/settings", "/metrics", "/api/token", "/api/stream")
NAME = "Cellar"
REFUSED = {400, 401, 403, 404, 405, 415, 431}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Box, Asker]]:
    """A claimed box and its owner."""
    with started(tmp_path_factory.mktemp("box") / "data") as box:
        owner = box.owner()
        assert 200 == owner.status("/api/settings", "POST", {"name": NAME})
        yield box, owner


@pytest.fixture
def box(shared: tuple[Box, Asker]) -> Box:
    """The box."""
    return shared[0]


@pytest.fixture
def owner(shared: tuple[Box, Asker]) -> Asker:
    """Its owner, logged in."""
    return shared[1]


def raw(box: Box, request: bytes) -> tuple[int, bytes]:
    """Status and all of the answer to what is sent as it stands."""
    parts = urlsplit(box.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 10) as line:
        line.sendall(request)
        answer = b""
        while chunk := line.recv(65536):
            answer += chunk
    return int(answer.split(b" ", 2)[1]), answer


def head(method: str, target: str, *more: str) -> bytes:
    """A request without a body, after which the line is closed."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *more]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    "target",
    [
        "/api/snapshot/",
        "//api/snapshot",
        "/api//snapshot",
        "/API/SNAPSHOT",
        "/./api/snapshot",
        "/api/hello/../snapshot",
        "/static/../api/snapshot",
        "/static/%2e%2e/%2e%2e/entry.json",
        "/static/..%2f..%2fentry.json",
        "/static//etc/passwd",
        "/api/%73napshot",
        "/api/snapshot%00",
        "/api/snapshot;/api/hello",
        "/api/snapshot?access=open&token=x",
        "/\\api\\snapshot",
        "http://localhost/api/snapshot",
        "*",
    ],
)
def test_no_spelling_of_a_path_leads_around_the_gate(box: Box, target: str) -> None:
    """Either it is nothing, or it is the very page, and that is closed."""
    status, answer = raw(box, head("GET", target))

    assert status in REFUSED
    assert NAME.encode() not in answer and b"digest" not in answer and b"root:" not in answer


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-User: owner",
        "X-Remote-User: owner",
        "X-Original-URL: /api/hello",
        "X-Rewrite-URL: /api/hello",
        "X-HTTP-Method-Override: GET",
        "Forwarded: for=127.0.0.1;proto=https",
        "Authorization: Basic b3duZXI6b3duZXI=",
        "Authorization: Bearer null",
        "Authorization: Bearer egret_bluetooth_",
        "Cookie: egret_session=",
        "Cookie: egret_session=owner",
        "Cookie: egret_session; egret_session=undefined",
        "Cookie: __Host-egret_session=x",
    ],
)
@pytest.mark.parametrize("path", ["/api/snapshot", "/api/token"])
def test_no_header_makes_somebody_of_nobody(box: Box, path: str, header: str) -> None:
    """The box believes tokens and cookies, and no proxy."""
    status, _ = raw(box, head("GET", path, header))

    assert 401 == status


def test_a_token_in_the_address_is_none(box: Box, owner: Asker) -> None:
    """Addresses end up in logs and histories."""
    token = owner.token("read")["token"]

    for query in (f"token={token}", f"access_token={token}", f"authorization=Bearer {token}"):
        assert 401 == box.asker().status(f"/api/snapshot?{query}")


@pytest.mark.parametrize("path", SECRETS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_no_method_tells_what_get_does_not(box: Box, path: str, method: str) -> None:
    """Neither in the body nor in the length of it."""
    status, answer = raw(box, head(method, path))

    assert status in REFUSED
    assert NAME.encode() not in answer


def test_a_guessed_token_is_not_told_from_an_unknown_one(box: Box, owner: Asker) -> None:
    """Whether the id exists shows in nothing that is answered."""
    told = owner.token("read")
    guesses = (f"egret_{told['id']}_{'A' * 43}", f"egret_00000000_{'A' * 43}")

    answers = [box.asker(each).call("GET", "/api/snapshot") for each in guesses]

    assert [401, 401] == [each.status_code for each in answers]
    assert answers[0].json() == answers[1].json()


BROWSERS: dict[str, dict[str, str]] = {
    "a form of another site": {
        "Origin": "http://evil.example",
        "Sec-Fetch-Site": "cross-site",
        "Content-Type": "application/x-www-form-urlencoded",
    },
    "a form of another port": {
        "Origin": "http://127.0.0.1:1",
        "Sec-Fetch-Site": "same-site",
        "Content-Type": "text/plain",
    },
    "an old browser": {"Content-Type": "text/plain"},
    "an old browser's form": {"Content-Type": "application/x-www-form-urlencoded"},
    "an old browser's upload": {"Content-Type": "multipart/form-data; boundary=x"},
    "a blob without a type": {"Sec-Fetch-Site": "same-origin"},
    "a frame without an origin": {"Origin": "null", "Content-Type": "application/json"},
}


@pytest.mark.parametrize("browser", BROWSERS)
def test_a_foreign_page_changes_nothing_in_the_owners_browser(
    box: Box, owner: Asker, browser: str
) -> None:
    """Even if the cookie came along, which SameSite prevents."""
    body = json.dumps({"name": "Stolen"})

    response = owner.http.post(
        f"{box.url}/api/settings", data=body, headers=BROWSERS[browser], timeout=20
    )

    assert response.status_code in (403, 415)


def test_an_image_of_another_page_reads_and_writes_nothing(box: Box, owner: Asker) -> None:
    """A GET never writes, and none is answered to a page of another site."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    for path in (*SECRETS, "/api/inverter/modbus?address=1&function_code=16&values=1"):
        response = owner.call("GET", path, headers=headers, stream=True)
        response.close()
        assert 403 == response.status_code


def test_a_name_that_was_bound_anew_reads_nothing(box: Box, owner: Asker) -> None:
    """DNS rebinding: the page is of evil.example, the address is ours."""
    for path in SECRETS:
        assert 403 == owner.call("GET", path, headers={"Host": "evil.example"}).status_code


BODIES: list[Any] = [
    {"password": None},
    {"password": ["x"]},
    {"password": {"$ne": ""}},
    {"password": ""},
    {"password": "\ud800\udfff\0"},
    {"password": "x" * 60_000},
    {"secret": "\ud800", "password": "long enough it is"},
    {"secret": "egret:pair?s=", "password": "long enough it is"},
    {"secret": "egret:pair?" + "&" * 250, "password": "long enough it is"},
    [],
    "x",
    None,
]


@pytest.mark.parametrize("path", ["claim", "login", "logout", "password"])
def test_strange_words_at_the_door_are_refused(tmp_path_factory: Any, path: str) -> None:
    """Never with a fault of ours, and never with a way in."""
    with started(tmp_path_factory.mktemp("box") / "data") as box:
        for body in BODIES:
            asker = box.asker()
            response = asker.call("POST", f"/api/entry/{path}", body)
            assert response.status_code in {400, 401, 429} | ({200} if path == "logout" else set())
            assert "" == asker.cookie
            assert 401 == asker.status()


def test_the_box_is_as_it_was(box: Box, owner: Asker) -> None:
    """After all of this."""
    settings = owner.call("GET", "/api/settings").json()["settings"]

    assert NAME == settings["name"]
    assert 200 == owner.status("/healthz")
