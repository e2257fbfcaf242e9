"""The dongle's port: what it bounds, with bytes on a socket."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from simulator import winet_listener
from simulator.winet_certificate import Certificate
from simulator.winet_listener import MAX_CONNECTIONS, MAX_HEAD_BYTES, Listener
from simulator_unit_test.dongles import TIMEOUT_S, Loop

REQUEST = b"GET / HTTP/1.1\r\nHost: dongle\r\n\r\n"


async def hello(scope: Any, _: Any, send: Any) -> None:
    """The smallest application."""
    assert scope["type"] == "http"
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hi"})


class Open:
    """A listener on a free port."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.listener = Listener(hello)
        self.port: int = loop.run(self.listener.open("127.0.0.1", 0))

    def client(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S)

    def count(self) -> int:
        async def ask() -> int:
            return self.listener.connections

        return int(self.loop.run(ask()))


@pytest.fixture
def port() -> Iterator[Open]:
    with Loop() as loop:
        opened = Open(loop)
        try:
            yield opened
        finally:
            loop.run(opened.listener.close())


def test_what_is_no_http_is_answered_and_not_reported(
    port: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that tries TLS on a plain port is told so, and the terminal is left alone."""
    with port.client() as client:
        client.sendall(bytes.fromhex("16030100c8010000c40303"))
        answer = client.recv(4096)

    assert b"HTTP/1.1 400 Bad Request" == answer.splitlines()[0]
    assert [] == caplog.records


def answered(client: socket.socket) -> bytes:
    """Ask, and take all of the answer."""
    client.sendall(REQUEST)
    got = b""
    while not got.endswith(b"hi"):
        chunk = client.recv(4096)
        assert chunk, f"the answer ended with {got!r}"
        got += chunk
    return got


def ends(client: socket.socket) -> bool:
    """Whether the peer hangs up without a word."""
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def test_it_answers_and_keeps_the_connection(port: Open) -> None:
    """Two requests on one connection; the head names no server and no date."""
    with port.client() as client:
        answers = [answered(client) for _ in range(2)]

    assert [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"] * 2 == answers


def test_one_client_too_many_is_turned_away(port: Open) -> None:
    """MAX_CONNECTIONS are served; the next is closed, and has a place when one goes."""
    clients = [port.client() for _ in range(MAX_CONNECTIONS)]
    while port.count() < MAX_CONNECTIONS:
        continue
    with port.client() as surplus:
        turned_away = ends(surplus)
    clients.pop().close()
    while port.count() >= MAX_CONNECTIONS:
        continue
    with port.client() as client:
        answer = answered(client)
    for each in clients:
        each.close()

    assert turned_away
    assert answer.endswith(b"hi")


def test_a_head_without_end_is_cut_off(port: Open) -> None:
    """More than MAX_HEAD_BYTES of headers close the connection."""
    with port.client() as client:
        line = b"X-Filler: " + b"y" * 1000 + b"\r\n"
        client.sendall(REQUEST[:-2])
        try:
            for _ in range(MAX_HEAD_BYTES // len(line) + 2):
                client.sendall(line)
        except ConnectionError:
            return

        assert ends(client)


def test_an_unfinished_request_is_cut_off(port: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence and half a request end after REQUEST_TIMEOUT_S."""
    monkeypatch.setattr(winet_listener, "REQUEST_TIMEOUT_S", 0.05)
    with port.client() as silent, port.client() as half:
        half.sendall(REQUEST[:10])

        assert ends(silent)
        assert ends(half)


def test_an_idle_connection_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an answer a connection is kept for KEEP_ALIVE_TIMEOUT_S, and no longer."""
    monkeypatch.setattr(winet_listener, "KEEP_ALIVE_TIMEOUT_S", 0.05)
    with Loop() as loop:
        opened = Open(loop)
        try:
            with opened.client() as client:
                body = answered(client)

                assert ends(client)
        finally:
            loop.run(opened.listener.close())

    assert body.endswith(b"hi")


def test_a_handshake_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that speaks no TLS is dropped after HANDSHAKE_TIMEOUT_S."""
    monkeypatch.setattr(winet_listener, "HANDSHAKE_TIMEOUT_S", 0.05)
    listener = Listener(hello, Certificate("WiNet-1").context())
    with Loop() as loop:
        port = loop.run(listener.open("127.0.0.1", 0))
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
                assert ends(client)
        finally:
            loop.run(listener.close())


def test_what_is_no_http_is_refused(port: Open) -> None:
    """With 400, and the connection is closed."""
    with port.client() as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        answer = client.recv(4096)

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_it_opens_again_where_it_was(port: Open) -> None:
    """Closed and opened on the same port, it serves again."""
    port.loop.run(port.listener.close())
    again = port.loop.run(port.listener.open("127.0.0.1", port.port))
    with port.client() as client:
        answer = answered(client)

    assert answer.endswith(b"hi")
    assert port.port == again


def test_closing_twice_does_no_harm(port: Open) -> None:
    """And neither does closing what was never open."""
    port.loop.run(port.listener.close())
    port.loop.run(port.listener.close())
    port.loop.run(Listener(hello).close())

    assert 0 == port.count()
