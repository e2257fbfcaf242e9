"""The TLS door: who speaks TLS is served; who does not costs little, and keeps nobody out."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.api import tls_door
from server.api.server import bind
from server.api.tls_door import (
    ACCEPT_PAUSE_S,
    HANDSHAKE_TIMEOUT_S,
    MAX_HANDSHAKES,
    SHUTDOWN_TIMEOUT_S,
    TlsDoor,
)
from server.identity.certificate import own_certificate
from server.identity.served_certificate import context_of
from server_unit_test.contracts.fake_clock import FakeClock

WAIT_S = 5.0
ROUNDS = 2000


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    def __init__(self, met: "list[Echo]") -> None:
        self._met = met
        self.transport: asyncio.Transport | None = None
        self.lost = threading.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Only after the handshake."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._met.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits for it."""
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        """Back it goes."""
        assert self.transport is not None
        self.transport.write(data)


class Site:
    """A door with its loop in a thread of its own."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.asked = 0
        self.mistake: Exception | None = None
        self.met: list[Echo] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        listening = bind("127.0.0.1", 0)
        self.address = listening.getsockname()[:2]
        self.door = TlsDoor(listening, self._context, lambda: Echo(self.met))
        self.on_loop(self._open())

    def _context(self) -> ssl.SSLContext:
        self.asked += 1
        if self.mistake is not None:
            raise self.mistake
        return self.context

    async def _open(self) -> None:
        self.door.open()

    def on_loop(self, what: "asyncio.coroutines.Coroutine[object, object, None]") -> None:
        """Do it there, and wait."""
        asyncio.run_coroutine_threadsafe(what, self._loop).result(WAIT_S)

    def close(self) -> None:
        """End everything."""
        self.on_loop(self.door.close())
        self.on_loop(self._leave())
        assert all(each.lost.wait(WAIT_S) for each in self.met)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    async def _leave(self) -> None:
        for each in self.met:
            assert each.transport is not None
            each.transport.abort()

    def connect(self) -> socket.socket:
        """A connection that has said nothing yet."""
        found = socket.create_connection(self.address, WAIT_S)
        found.settimeout(WAIT_S)
        return found

    def wait(self, what: str, value: int) -> None:
        """Until the door's figure is that."""
        for _ in range(ROUNDS):
            if getattr(self.door, what) == value:
                return
            threading.Event().wait(0.005)
        raise AssertionError(f"{what} is {getattr(self.door, what)}, not {value}")


def client() -> ssl.SSLContext:
    """One that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def said(site: Site, text: bytes = b"hello") -> bytes:
    """What comes back through TLS."""
    with site.connect() as plain, client().wrap_socket(plain) as door:
        door.sendall(text)
        return door.recv(100)


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Of a fresh certificate."""
    folder: Path = tmp_path_factory.mktemp("tls")
    own = own_certificate(folder, "box", ("localhost",), FakeClock())
    return context_of(own.certificate, own.key)


@pytest.fixture
def site(context: ssl.SSLContext) -> Iterator[Site]:
    """An open door."""
    found = Site(context)
    yield found
    found.close()


def test_whoever_speaks_tls_is_served(site: Site) -> None:
    """And several at once."""
    with contextlib.ExitStack() as stack:
        doors = [stack.enter_context(client().wrap_socket(site.connect())) for _ in range(6)]
        for number, each in enumerate(doors):
            each.sendall(b"%d" % number)

        answers = [each.recv(10) for each in doors]

    assert [b"0", b"1", b"2", b"3", b"4", b"5"] == answers
    site.wait("handshakes", 0)


def test_the_certificate_is_asked_for_at_each_handshake(site: Site) -> None:
    """So that a renewed one counts from the next connection on."""
    said(site)

    said(site)

    assert 2 == site.asked


def test_a_peer_that_speaks_something_else_is_hung_up_on(site: Site) -> None:
    """At once, and others are served."""
    with site.connect() as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: box\r\n\r\n")
        while plain.recv(100):
            pass  # A TLS alert, then the end.

    site.wait("failed", 1)
    assert b"hello" == said(site)


def test_a_peer_that_comes_and_goes_costs_nothing(site: Site) -> None:
    """A port scan leaves no place taken."""
    for _ in range(20):
        site.connect().close()

    assert b"hello" == said(site)
    site.wait("handshakes", 0)


def test_a_silent_peer_has_its_time_and_no_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handshake ends for it."""
    monkeypatch.setattr(tls_door, "HANDSHAKE_TIMEOUT_S", 0.05)
    with site.connect() as silent:
        assert b"" == silent.recv(1)

    site.wait("failed", 1)


def test_dripping_does_not_help(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is that of the handshake as a whole."""
    monkeypatch.setattr(tls_door, "HANDSHAKE_TIMEOUT_S", 0.2)
    with site.connect() as slow, contextlib.suppress(OSError):
        slow.sendall(b"\x16\x03\x01\x02\x00\x01")
        for _ in range(ROUNDS):
            slow.sendall(b"\x00")
            if site.door.failed:
                break
            threading.Event().wait(0.01)

    site.wait("failed", 1)


def test_half_open_handshakes_are_few_and_keep_nobody_out(site: Site) -> None:
    """Two hundred silent connections: the oldest make room, and a real client is served."""
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(site.connect())
        site.wait("failed", 200 - MAX_HANDSHAKES)

        answer = said(site)

        assert MAX_HANDSHAKES >= site.door.handshakes
    assert b"hello" == answer


def test_one_address_does_not_push_out_another(site: Site) -> None:
    """Whoever holds most places gives one up, however old those of others are."""
    patient = socket.create_connection(site.address, WAIT_S, ("127.0.0.2", 0))
    patient.settimeout(WAIT_S)
    with patient, contextlib.ExitStack() as stack:
        site.wait("handshakes", 1)
        for _ in range(100):
            stack.enter_context(site.connect())
        site.wait("failed", 101 - MAX_HANDSHAKES)

        with client().wrap_socket(patient) as door:
            door.sendall(b"still here")
            answer = door.recv(100)

    assert b"still here" == answer


def test_closing_breaks_handshakes_off(context: ssl.SSLContext) -> None:
    """Nothing of them outlives the loop; closing twice is no mistake."""
    site = Site(context)
    with site.connect() as silent:
        site.wait("handshakes", 1)

        site.on_loop(site.door.close())

        assert b"" == silent.recv(1)
    site.close()


def test_a_mistake_of_ours_ends_one_handshake_only(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in the log as one, and the door stays open."""
    site.mistake = RuntimeError("no context")
    with site.connect() as unlucky:
        assert b"" == unlucky.recv(1)
    site.mistake = None

    assert b"hello" == said(site)
    assert "a handshake failed by a mistake of ours" in caplog.text


def test_the_bounds_fit_a_home() -> None:
    """Long for the slowest phone, short for whoever only holds places."""
    assert 5 <= HANDSHAKE_TIMEOUT_S <= 15
    assert ACCEPT_PAUSE_S <= SHUTDOWN_TIMEOUT_S <= HANDSHAKE_TIMEOUT_S
    assert 6 * 4 <= MAX_HANDSHAKES <= 64
