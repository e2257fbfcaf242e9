"""What one connection may cost, met with bare sockets."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from server.api import protocol
from server.api.page import load
from server.api.protocol import (
    HEADER_COST_BYTES,
    KEEP_ALIVE_TIMEOUT_S,
    MAX_CONNECTIONS,
    MAX_HEAD_BYTES,
    MAX_HEALTH_REQUESTS,
    MAX_REQUESTS,
    REQUEST_TIMEOUT_S,
    WRITE_BUFFER_MAX_BYTES,
    WRITE_TIMEOUT_S,
)
from server.model.request import QueryHistory
from server_unit_test.api.conftest import Api

HELLO = b"GET /api/hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
SILENT_BODY = b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
SHORT_S = 0.1
PATIENCE_S = 5.0

Dial = Callable[[], socket.socket]


@pytest.fixture
def dial(own_api: Api) -> Iterator[Dial]:
    """Opens connections to a server of its own."""
    with ExitStack() as stack:

        def connect() -> socket.socket:
            door = socket.create_connection((own_api.host, own_api.port), PATIENCE_S)
            return stack.enter_context(door)

        yield connect


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """All times of a connection are short."""
    monkeypatch.setattr(protocol, "REQUEST_TIMEOUT_S", SHORT_S)
    monkeypatch.setattr(protocol, "WRITE_TIMEOUT_S", SHORT_S)


def everything(door: socket.socket) -> bytes:
    """What comes until the server closes; fails when it does not."""
    data = b""
    try:
        while more := door.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def words(answer: bytes) -> str:
    text: str = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    return text


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\r\n",
        b"G",
        b"GET /api/hello HTTP/1.1\r\nHost: loc",
        b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{",
        HELLO + b"GE",
    ],
)
def test_a_silent_connection_is_closed(dial: Dial, beginning: bytes) -> None:
    """Silence at any point of a request ends the connection, with 408 where nothing was said."""
    door = dial()
    door.sendall(beginning)

    answer = everything(door)

    assert b" 408 " in answer or b"hello world" in answer


@pytest.mark.usefixtures("impatient")
def test_a_dripping_connection_is_closed(dial: Dial) -> None:
    """A byte now and then buys no time: the whole request has its one limit."""
    door = dial()
    door.settimeout(SHORT_S / 10)
    answer = b""
    for drop in b"GET /api/hello HTTP/1.1\r\n" + b"X: " + b"x" * 1000:
        try:
            door.sendall(bytes([drop]))
            answer = door.recv(65536)
            break
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            break

    assert 408 == status(answer)
    assert "did not arrive" in words(answer)


@pytest.mark.usefixtures("impatient")
def test_drops_between_requests_buy_no_time_either(dial: Dial) -> None:
    """Empty lines after an answer are a beginning that has to end."""
    door = dial()
    door.sendall(HELLO)
    while b"world" not in door.recv(65536):
        pass
    door.sendall(b"\r\n")

    assert 408 == status(everything(door))


@pytest.mark.usefixtures("impatient")
def test_a_request_that_is_complete_has_all_the_time(own_api: Api, dial: Dial) -> None:
    """The limit is for the peer's part; the gateway may take its own time."""
    own_api.desk.answers[QueryHistory] = own_api.desk.SILENCE
    door = dial()
    door.settimeout(SHORT_S * 3)
    door.sendall(b"GET /api/history?quantity=pv_power HTTP/1.1\r\nHost: localhost\r\n\r\n")

    with pytest.raises(TimeoutError):
        door.recv(1)

    door.settimeout(PATIENCE_S)
    own_api.desk.unanswered[0].set_exception(KeyError("late"))
    assert 404 == status(door.recv(65536))


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (MAX_HEAD_BYTES // HEADER_COST_BYTES) + b"\r\n",
    ],
    ids=["line", "header", "headers"],
)
def test_a_head_is_bounded(dial: Dial, head: bytes) -> None:
    """431 in words for a long line, a long header, or too many of them."""
    door = dial()
    door.sendall(head)

    answer = everything(door)

    assert 431 == status(answer)
    assert str(MAX_HEAD_BYTES) in words(answer)


def test_a_header_that_never_ends_is_bounded(dial: Dial) -> None:
    """The parser keeps what it has not seen the end of; that is counted, too."""
    door = dial()
    door.sendall(b"GET / HTTP/1.1\r\nX: ")
    sent = 0
    try:
        while sent < 4 * 1024 * 1024:
            sent += door.send(b"x" * 1024)
    except (BrokenPipeError, ConnectionResetError):
        pass

    assert sent < 4 * 1024 * 1024


def test_a_large_head_within_the_limit_is_taken(dial: Dial) -> None:
    """Room for every cookie a browser may carry."""
    room = MAX_HEAD_BYTES - 4 * HEADER_COST_BYTES - 100
    door = dial()
    door.sendall(HELLO[:-2] + b"Cookie: " + b"x" * room + b"\r\n\r\n")

    assert 200 == status(door.recv(65536))


def test_what_is_no_http_is_answered_in_json(dial: Dial) -> None:
    """A Modbus master at the wrong port gets words and is let go."""
    door = dial()
    door.sendall(bytes.fromhex("000100000006010300000001"))

    answer = everything(door)

    assert 400 == status(answer)
    assert "not a valid HTTP request" in words(answer)


def test_a_request_before_the_last_answer_ends_the_connection(dial: Dial) -> None:
    """Requests are not queued: a queue would be held without a clock and without a bound."""
    door = dial()
    door.sendall(HELLO * 2)

    assert everything(door).count(b"hello world") < 2


def test_requests_one_after_another_share_a_connection(dial: Dial) -> None:
    """Each answer makes the connection free for the next request."""
    door = dial()
    for _ in range(5):
        door.sendall(HELLO)
        while b"world" not in door.recv(65536):
            pass
    door.sendall(HELLO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    assert 200 == status(everything(door))


def test_silent_bodies_behind_a_request_hold_nothing(own_api: Api, dial: Dial) -> None:
    """A second request that never ends takes no place of a request, on any connection."""
    doors = [dial() for _ in range(MAX_REQUESTS)]
    for door in doors:
        door.sendall(HELLO + SILENT_BODY)

    for door in doors:
        everything(door)

    assert 200 == own_api.get("/api/hello").status_code


@pytest.mark.usefixtures("impatient")
def test_a_silent_body_after_an_answer_is_closed(own_api: Api, dial: Dial) -> None:
    """The second request of a connection has the time of the first, and no more."""
    doors = [dial() for _ in range(8)]
    for door in doors:
        door.sendall(HELLO)
        while b"world" not in door.recv(65536):
            pass
        door.sendall(SILENT_BODY)

    assert [408] * 8 == [status(everything(door)) for door in doors]
    _until(lambda: own_api.connections == 0)


def test_a_flood_behind_a_stream_is_not_kept(own_api: Api, dial: Dial) -> None:
    """What comes after a request that is still answered ends it; it does not fill the memory."""
    door = dial()
    door.sendall(HELLO.replace(b"hello", b"stream"))
    while b"data:" not in door.recv(65536):
        pass
    sent = 0
    try:
        while sent < 16 * 1024 * 1024:
            sent += door.send(HELLO * 1000)
    except (BrokenPipeError, ConnectionResetError):
        pass

    assert sent < 16 * 1024 * 1024
    _until(lambda: own_api.connections == 0)


def test_an_idle_connection_makes_room(own_api: Api, dial: Dial) -> None:
    """MAX_CONNECTIONS silent ones do not keep the next client out."""
    for _ in range(MAX_CONNECTIONS + 8):
        dial()

    assert 200 == own_api.get("/api/hello").status_code


def test_requests_in_hand_are_bounded(own_api: Api, dial: Dial) -> None:
    """Beyond MAX_REQUESTS the answer is 503 at once, and room comes back."""
    own_api.desk.answers[QueryHistory] = own_api.desk.SILENCE
    for _ in range(MAX_REQUESTS):
        dial().sendall(b"GET /api/history?quantity=pv_power HTTP/1.1\r\nHost: localhost\r\n\r\n")
    _until(lambda: len(own_api.desk.unanswered) == MAX_REQUESTS)
    refused = dial()
    refused.sendall(HELLO)

    answer = everything(refused)

    assert 503 == status(answer)
    assert b"too many requests" in answer
    for each in own_api.desk.unanswered:
        each.set_exception(KeyError("late"))
    _until(lambda: own_api.get("/api/hello").status_code == 200)


def test_health_is_told_when_all_requests_are_in_hand(own_api: Api, dial: Dial) -> None:
    """A watchdog that reads 503 would restart a gateway that works."""
    own_api.desk.answers[QueryHistory] = own_api.desk.SILENCE
    for _ in range(MAX_REQUESTS):
        dial().sendall(b"GET /api/history?quantity=pv_power HTTP/1.1\r\nHost: localhost\r\n\r\n")
    _until(lambda: len(own_api.desk.unanswered) == MAX_REQUESTS)

    assert 503 == own_api.get("/api/hello").status_code
    assert 200 == own_api.get("/healthz").status_code
    assert 200 == own_api.get("/healthz?verbose=1").status_code


@pytest.mark.parametrize(("places", "expected"), [(0, 503), (1, 200)])
def test_the_places_of_health_are_bounded(
    own_api: Api, monkeypatch: pytest.MonkeyPatch, places: int, expected: int
) -> None:
    """Beyond its own few places it is refused as well."""
    monkeypatch.setattr(protocol, "MAX_REQUESTS", 0)
    monkeypatch.setattr(protocol, "MAX_HEALTH_REQUESTS", places)

    assert expected == own_api.get("/healthz").status_code


def test_there_is_a_connection_for_every_request() -> None:
    """However many requests are in hand, some connection is idle and makes room."""
    assert MAX_REQUESTS + MAX_HEALTH_REQUESTS < MAX_CONNECTIONS


def test_a_body_after_its_answer_leaves_an_idle_connection(
    own_api: Api, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer may come before the body; the connection is closed when nothing follows."""
    door = dial()
    door.sendall(SILENT_BODY.replace(b"echo", b"nothing"))
    while b"there is nothing" not in door.recv(65536):
        pass
    for protocol_ in own_api.protocols():
        monkeypatch.setattr(protocol_, "timeout_keep_alive", SHORT_S)

    door.sendall(b"x" * 100)

    assert b"" == everything(door)


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_nobody_takes_is_thrown_away(own_api: Api) -> None:
    """A peer that asks and never reads holds its connection for WRITE_TIMEOUT_S only."""
    largest = max(load().items(), key=lambda each: len(each[1].body))[0]
    request = HELLO.replace(b"/api/hello", b"/static/" + largest.encode())
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        door.connect((own_api.host, own_api.port))
        door.sendall(request)
        _until(lambda: own_api.connections == 1)

        door.sendall(request * 400)

        _until(lambda: own_api.connections == 0)


def test_the_times_are_those_of_a_house() -> None:
    """Slow radio fits in, a stuck peer does not stay long."""
    assert 5 <= REQUEST_TIMEOUT_S <= 30
    assert 5 <= WRITE_TIMEOUT_S <= 60
    assert 5 <= KEEP_ALIVE_TIMEOUT_S <= 60
    assert WRITE_BUFFER_MAX_BYTES <= 64 * 1024


def _until(happened: Callable[[], bool], times: int = 2000) -> None:
    for _ in range(times):
        if happened():
            return
        # The other thread needs the interpreter; a short wait on nothing gives it away.
        _PAUSE.wait(0.005)
    raise AssertionError("it never happened")


_PAUSE = threading.Event()
