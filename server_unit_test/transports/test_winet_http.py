"""HTTP to a dongle: bounded, cut off from another thread, and to one certificate only."""

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    LinkClosed,
    ProtocolError,
)
from server.transports.lifeline import Lifeline
from server.transports.winet_http import MAX_BODY_BYTES, MAX_CAUSES, HttpLine, _causes
from server_unit_test.transports.scripted_winet import ScriptedWinet, http
from server_unit_test.transports.scripted_server import ScriptedServer

SHORT_S = 0.2
WAIT_S = 10.0
PATH = "/device/getParam"


@pytest.fixture
def dongle() -> Iterator[ScriptedWinet]:
    """Something that answers HTTP."""
    with ScriptedWinet() as running:
        yield running


def line_to(port: int, timeout_s: float = WAIT_S, fingerprint: str | None = None) -> HttpLine:
    """A line with a lifeline of its own."""
    return HttpLine("127.0.0.1", port, fingerprint, timeout_s, Lifeline())


def refused_by(line: HttpLine) -> EgretError:
    """What asking raises."""
    with pytest.raises(EgretError) as caught:
        line.get(PATH, {})
    line.close()
    line._lifeline.release()
    return caught.value


@pytest.mark.parametrize(
    "raw,kind",
    [
        (b"", DeviceTimeout),
        (None, LinkClosed),
        (b"garbage\r\n\r\n", ProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", DeviceTimeout),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", DeviceTimeout),
        (http(b"x" * (MAX_BODY_BYTES + 1)), ProtocolError),
    ],
)
def test_every_failure_has_its_meaning(
    dongle: ScriptedWinet, raw: bytes | None, kind: type[EgretError]
) -> None:
    """Silence, an end, garbage, half an answer and too much of it are told apart."""
    dongle.raw.append(lambda: raw)

    error = refused_by(line_to(dongle.port, SHORT_S))

    assert kind is type(error)


def test_nobody_there_is_unreachable() -> None:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    assert isinstance(refused_by(line_to(port)), DeviceUnreachable)


def test_half_an_answer_and_an_end_is_the_peers_fault() -> None:
    """The connection ends before the length that was announced."""

    def script(_: bytes) -> tuple[bytes, ...] | None:
        server._current.sendall(  # type: ignore[union-attr]
            b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"
        )
        return None

    with ScriptedServer(script) as server:
        error = refused_by(line_to(server.port))

    assert isinstance(error, ProtocolError)


def test_the_whole_answer_has_one_limit() -> None:
    """Bytes that dribble in, each in time, do not make a call endless."""
    more = threading.Event()

    def script(_: bytes) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n"
        while not more.wait(SHORT_S / 20):
            yield b"X-Slow: 1\r\n"

    with ScriptedServer(script) as server:
        error = refused_by(line_to(server.port, SHORT_S))
        more.set()

    assert isinstance(error, DeviceTimeout)
    assert "no whole answer" in str(error)


def test_a_cut_ends_a_call_at_once(dongle: ScriptedWinet) -> None:
    """From another thread, while an answer is awaited."""
    dongle.raw.append(lambda: b"")
    line = line_to(dongle.port)

    def cut() -> None:
        dongle.asked.wait(WAIT_S)
        line._lifeline.cut()

    thread = threading.Thread(target=cut)
    thread.start()
    error = refused_by(line)
    thread.join()

    assert isinstance(error, DeviceTimeout) and "broken off" in str(error)


def test_only_the_verified_certificate_is_spoken_to() -> None:
    """Another one than the session has seen gets no request at all."""
    with ScriptedWinet(new=True) as dongle:
        error = refused_by(line_to(dongle.port, fingerprint="ab" * 32))
        seen = list(dongle.seen)

    assert isinstance(error, EgretError)
    assert [] == seen


def test_causes_end() -> None:
    """Errors that wrap each other in a ring are looked through MAX_CAUSES deep."""
    one, two = ValueError(), ValueError()
    one.__cause__, two.__cause__ = two, one

    assert MAX_CAUSES == len(list(_causes(one)))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.binary(min_size=1, max_size=200), honest=st.booleans())
def test_no_bytes_make_it_fall_or_hang(dongle: ScriptedWinet, raw: bytes, honest: bool) -> None:
    """Whatever comes instead of an answer is a body, or an error of ours, in time."""
    dongle.raw[:] = [lambda: http(raw) if honest else raw + b"\r\n\r\n"]
    line = line_to(dongle.port, 0.05)
    try:
        body = line.get(PATH, {}).body
    except EgretError:
        body = raw
    line.close()
    line._lifeline.release()

    assert raw == body or not honest
