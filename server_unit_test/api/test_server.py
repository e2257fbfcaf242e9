"""Starting and stopping the web server."""

import contextlib
import socket
import threading

import pytest
import requests

from server.api.server import (
    BACKLOG_MAX,
    CLOSE_TIMEOUT_S,
    START_TIMEOUT_S,
    STOP_TIMEOUT_S,
    ApiServer,
    bind,
)
from server.errors import SettingsError
from server.model.request import QueryHistory
from server_unit_test.api.fake_desk import FakeDesk
from server_unit_test.api.fake_services import fake_services


def api_threads() -> int:
    """How many servers run in this process; another test may own one."""
    return [each.name for each in threading.enumerate()].count("api")


def a_server(desk: FakeDesk | None = None, host: str = "127.0.0.1", port: int = 0) -> ApiServer:
    return ApiServer(desk or FakeDesk(), fake_services(), host, port)


def test_port_0_takes_a_free_port() -> None:
    """The address that is returned answers at once."""
    server = a_server()
    host, port = server.start()

    response = requests.get(f"http://{host}:{port}/api/hello", timeout=5)

    assert ("127.0.0.1", 200) == (host, response.status_code)
    server.stop()


def test_a_port_in_use_is_said_in_words() -> None:
    """The error names the settings to change, and nothing is left behind."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(SettingsError, match=rf"api: .* port {port}: .*api\.port"):
            a_server(port=port).start()


@pytest.mark.parametrize(("host", "port"), [("203.0.113.7", 0), ("127.0.0.1", 70_000)])
def test_an_address_that_is_not_ours_is_said_in_words(host: str, port: int) -> None:
    """Neither a foreign address nor an impossible port ends in a traceback."""
    with pytest.raises(SettingsError, match="cannot listen"):
        a_server(host=host, port=port).start()


def test_small_answers_are_not_held_back() -> None:
    """Nagle's algorithm is off, or each answer would take 40 ms."""
    with bind("127.0.0.1", 0) as door:
        assert socket.IPPROTO_TCP == door.proto


def test_stopping_frees_the_port_and_ends_the_thread() -> None:
    """The address can be taken again at once."""
    before = api_threads()
    server = a_server()
    host, port = server.start()

    server.stop()

    assert before == api_threads()
    again = a_server(port=port)
    assert (host, port) == again.start()
    again.stop()


def test_stop_may_come_twice_or_too_early() -> None:
    """Stopping never raises, whatever came before."""
    before = api_threads()
    server = a_server()
    server.stop()
    server.start()

    server.stop()
    server.stop()

    assert before == api_threads()


def test_stop_ends_in_time_whatever_is_open() -> None:
    """Streams, silent connections and unanswered requests hold the process up no longer."""
    before = api_threads()
    desk = FakeDesk()
    desk.answers[QueryHistory] = desk.SILENCE
    server = a_server(desk)
    host, port = server.start()
    stream = requests.get(f"http://{host}:{port}/api/stream", stream=True, timeout=5)
    with socket.create_connection((host, port)), socket.create_connection((host, port)) as asked:
        asked.sendall(b"GET /api/history?quantity=pv_power HTTP/1.1\r\nHost: localhost\r\n\r\n")
        asked.settimeout(5)
        while not desk.unanswered:
            threading.Event().wait(0.005)

        server.stop(0.4)
        answer = asked.recv(65536)

        assert before == api_threads()
        assert answer.startswith(b"HTTP/1.1 503 ")
    stream.close()


def test_the_budgets_fit_into_the_processs_own() -> None:
    """A process has eight seconds to stop in, and a start is felt beyond ten."""
    assert STOP_TIMEOUT_S / 2 + CLOSE_TIMEOUT_S < STOP_TIMEOUT_S < 8
    assert START_TIMEOUT_S <= 10


def test_connections_that_come_while_it_stops_are_closed_too() -> None:
    """Nothing that was accepted at the last moment outlives the loop."""
    server = a_server()
    host, port = server.start()
    late = [socket.create_connection((host, port)) for _ in range(50)]

    server.stop()

    for each in late:
        each.settimeout(5)
        with each, contextlib.suppress(ConnectionResetError):
            assert b"" == each.recv(1)


def test_the_kernel_keeps_a_bounded_queue() -> None:
    """Connections beyond it are refused by the kernel, not by our memory."""
    with bind("127.0.0.1", 0) as door:
        assert door.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    assert 0 < BACKLOG_MAX <= 4096


def test_ipv6_is_served() -> None:
    """The loopback of the other family works alike."""
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        server = a_server(host="::1")
        host, port = server.start()
    except SettingsError:
        pytest.skip("this machine has no IPv6 loopback")

    response = requests.get(f"http://[{host}]:{port}/api/hello", timeout=5)

    assert 200 == response.status_code
    server.stop()
