"""HTTP at the door: bounded bodies, connections and waits; no bytes wedge it."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from simulator import http_door
from simulator.http_door import MAX_CONNECTIONS, Answer, HttpDoor, Request

LIMIT = 100


def echo(request: Request) -> Answer | None:
    """Says what came; closes without a word when asked to."""
    if request.path == "/silence":
        return None
    told = [request.method, request.path, request.query, request.body.decode("latin-1")]
    return Answer(200, [*told, request.from_loopback])


@pytest.fixture(scope="module")
def door() -> Iterator[HttpDoor]:
    door = HttpDoor(echo, lambda: LIMIT)
    door.start("127.0.0.1", 0)
    yield door
    door.stop()


def talk(door: HttpDoor, raw: bytes) -> bytes:
    """Send bytes, end, and read until the other side ends."""
    got = b""
    with socket.create_connection(door.address, timeout=10) as client:
        try:
            client.sendall(raw)
            client.shutdown(socket.SHUT_WR)
            while chunk := client.recv(65536):
                got += chunk
        except TimeoutError:
            raise
        except OSError:
            pass  # It was closed with our bytes unread, which is an answer too.
    return got


def url(door: HttpDoor, path: str) -> str:
    return f"http://{door.address[0]}:{door.address[1]}{path}"


def test_request_and_answer(door: HttpDoor) -> None:
    """Method, path, query and body arrive; the answer is JSON."""
    with requests.post(url(door, "/a/b?c=d"), data=b"hello", timeout=10) as reply:
        told = reply.json()

    assert ["POST", "/a/b", "c=d", "hello", True] == told


def test_several_requests_on_one_connection(door: HttpDoor) -> None:
    """A connection is kept, even for requests that are sent together."""
    one = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1"
    two = b"GET /y HTTP/1.1\r\nHost: h\r\n\r\n"

    got = talk(door, one + two)

    assert 2 == got.count(b"HTTP/1.1 200 OK")


def test_silence(door: HttpDoor) -> None:
    """A handler that answers nothing closes the connection without a byte."""
    assert b"" == talk(door, b"GET /silence HTTP/1.1\r\nHost: h\r\n\r\n")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nHost: h\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ten\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", b"501"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9.9\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_refusals(door: HttpDoor, raw: bytes, status: bytes) -> None:
    """What cannot be taken is refused in JSON, and the connection is closed."""
    head, _, body = talk(door, raw).partition(b"\r\n\r\n")

    assert (status, True, True) == (
        head.split()[1],
        b"Connection: close" in head,
        "error" in json.loads(body),
    )


def test_largest_body(door: HttpDoor) -> None:
    """A body of exactly the limit is taken."""
    with requests.post(url(door, "/"), data=b"x" * LIMIT, timeout=10) as reply:
        assert LIMIT == len(reply.json()[3])


def test_body_that_ends_early(door: HttpDoor) -> None:
    """Half a body gets no answer, and nothing is handed on."""
    assert b"" == talk(door, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhalf")


def test_slow_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that drips longer than the time for a whole one is refused."""
    monkeypatch.setattr(http_door, "BODY_TIMEOUT_S", -1.0)
    door = HttpDoor(echo, lambda: LIMIT)
    door.start("127.0.0.1", 0)

    got = talk(door, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n12")
    door.stop()

    assert b"408" == got.split()[1]


def test_silent_client_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a request and then silence holds a connection no longer than the idle timeout."""
    monkeypatch.setattr(http_door._Conversation, "timeout", 0.05)
    door = HttpDoor(echo, lambda: LIMIT)
    door.start("127.0.0.1", 0)

    with socket.create_connection(door.address, timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHos")
        got = client.recv(100)
    door.stop()

    assert b"" == got


def test_too_many_clients() -> None:
    """One client too many is turned away, and the others are still served."""
    door = HttpDoor(echo, lambda: LIMIT)
    door.start("127.0.0.1", 0)
    request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    with ExitStack() as clients:
        for _ in range(MAX_CONNECTIONS):
            client = clients.enter_context(socket.create_connection(door.address, timeout=10))
            client.sendall(request)
            client.recv(4096)

        turned_away = talk(door, request)
        client.sendall(request)
        served = client.recv(4096)
    door.stop()

    assert (b"", b"HTTP/1.1 200 OK") == (turned_away, served[:15])


def test_stop_drops_clients() -> None:
    """Stopping does not wait for a client that only holds its connection."""
    door = HttpDoor(echo, lambda: LIMIT)
    door.start("127.0.0.1", 0)

    with socket.create_connection(door.address, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        client.recv(4096)
        door.stop()
        rest = client.recv(4096)

    assert b"" == rest


@given(
    st.binary(max_size=300)
    | st.builds(
        b"".join,
        st.lists(
            st.sampled_from(
                [b"POST", b"GET", b" ", b"/", b"HTTP/1.1", b"\r\n", b"Content-Length:", b"5", b":"]
            )
            | st.binary(max_size=3),
            max_size=30,
        ),
    )
)
def test_no_bytes_wedge_it(door: HttpDoor, noise: bytes) -> None:
    """Whatever one client sends, its connection ends and the next client is served."""
    talk(door, noise)

    served = talk(door, b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n")

    assert b"HTTP/1.1 200 OK" == served[:15]
