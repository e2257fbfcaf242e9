"""From a request to a handler and back."""

import socket
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from server.api.application import MAX_LARGE_BODIES, Application
from server.api.body import MAX_BODY_BYTES
from server.api.call import Access, Call, Context, Nothing, Reply, Route, answer
from server.model.request import QueryHistory
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import FakeDesk


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/", "/api/hello/x", "/api/%00", "/a b"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_answered_in_json(api: Api, method: str, path: str) -> None:
    """404 in words, whatever the method."""
    response = api.call(method, path)

    assert 404 == response.status_code
    assert response.json()["error"]
    assert "application/json" == response.headers["content-type"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_wrong_method_names_the_right_ones(api: Api, method: str) -> None:
    """405 in words, with the header that HTTP asks for."""
    response = api.call(method, "/api/hello")

    assert 405 == response.status_code
    assert "GET, HEAD" == response.headers["allow"]
    assert "GET" in response.json()["error"]


@pytest.mark.parametrize("path", ["/api/hello", "/api/snapshot", "/metrics", "/api/notification/7"])
def test_head_is_get_without_the_body(api: Api, path: str) -> None:
    """Status and headers are the same, length included."""
    head, get = api.call("HEAD", path), api.get(path)

    assert b"" == head.content
    assert (get.status_code, dict(get.headers)) == (head.status_code, dict(head.headers))


def test_json_is_not_kept_and_not_guessed(api: Api) -> None:
    """Answers are the state of now, and of the type they say."""
    headers = api.get("/api/hello").headers

    assert "no-store" == headers["cache-control"]
    assert "nosniff" == headers["x-content-type-options"]


def test_a_fault_of_ours_is_answered_in_json(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """500 names the kind and the endpoint; the details are in the log only."""
    api.desk.answers[QueryHistory] = ZeroDivisionError("secret detail")

    response = api.get("/api/history?quantity=pv_power")

    assert 500 == response.status_code
    assert "ZeroDivisionError" == response.json()["exception"]
    assert "/api/history" == response.json()["endpoint"]
    assert "secret detail" not in response.text
    api.get("/api/hello")  # The log line is written after the answer, before the next request.
    assert "secret detail" in caplog.text


def test_a_server_goes_on_after_a_fault(api: Api) -> None:
    """One broken answer breaks no other."""
    api.desk.answers[QueryHistory] = ZeroDivisionError("x")
    api.get("/api/history?quantity=pv_power")

    assert 200 == api.get("/api/hello").status_code


def test_few_large_bodies_are_read_at_once(own_api: Api) -> None:
    """Beyond MAX_LARGE_BODIES the answer is 503, and small bodies are read all the same."""
    head = b"POST /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n{"
    text = b"{}".ljust(MAX_BODY_BYTES + 1)
    with ExitStack() as stack:
        for _ in range(MAX_LARGE_BODIES):
            door = stack.enter_context(socket.create_connection((own_api.host, own_api.port), 5))
            door.sendall(head % (MAX_BODY_BYTES + 1))
        until(lambda: 503 == own_api.call("POST", "/api/settings", data=text).status_code)

        response = own_api.call("POST", "/api/settings", data=text)
        assert "large" in response.json()["error"]
        assert 200 == own_api.call("POST", "/api/settings", {"name": "Hut"}).status_code

    until(lambda: 400 == own_api.call("POST", "/api/settings", data=text).status_code)


def test_a_body_of_unknown_length_is_no_large_one(api: Api) -> None:
    """Only who says how much comes may send more than the usual."""
    chunks = (b" " * 1024 for _ in range(MAX_BODY_BYTES // 1024 + 1))

    assert 413 == api.call("POST", "/api/settings", data=chunks).status_code


def test_a_route_is_listed_once(api: Api) -> None:
    """Two rows for one call would hide one of them."""
    route = Route("GET", "/x", _nothing, Access.OPEN, "x", Nothing)

    with pytest.raises(ValueError, match="twice"):
        Application((route, route), _context())


def test_a_get_that_writes_cannot_be_listed() -> None:
    """The table itself refuses the mistake."""
    with pytest.raises(ValueError, match="GET never writes"):
        Route("GET", "/x", _nothing, Access.CHANGE, "x", Nothing)


def until(happened: Callable[[], bool]) -> None:
    for _ in range(500):
        if happened():
            return
    raise AssertionError("it never happened")


def _nothing(_: Call[Nothing, Nothing]) -> Reply:
    return answer(None)


def _context() -> Context:
    from server.api.live import Live
    from server_unit_test.api.fake_services import fake_services

    services, desk = fake_services(), FakeDesk()
    return Context(desk, services, Live(desk, services.clock), {}, (), 0)
