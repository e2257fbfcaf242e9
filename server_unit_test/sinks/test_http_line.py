"""Posting over a real socket: what is sent, what is waited for, and how it is broken off."""

import contextlib
import datetime
import ipaddress
import os
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.errors import SinkUnavailable
from server.sinks.http_line import (
    MAX_ANSWER_BYTES,
    MAX_REASON,
    MAX_WRAPPING,
    Answer,
    HttpLine,
    innermost,
)
from server_unit_test.sinks.ingest import PATIENCE_S, Ingest, Say

SHORT_S = 0.15
"""A time limit that a test waits for in full."""


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """A listening socket that nobody serves: connections stand, and nothing answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as made:
        yield made


def post(url: str, timeout_s: float = PATIENCE_S, body: bytes = b"body") -> Answer:
    """One post over a line of its own."""
    with closing(HttpLine(url, timeout_s)) as line:
        return line.post(body)


def url_of(door: socket.socket, scheme: str = "http") -> str:
    """The address of a bare socket."""
    return f"{scheme}://127.0.0.1:{door.getsockname()[1]}/"


def certificate(folder: Path) -> Path:
    """A self-signed certificate and its key for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ingest")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2120, 1, 1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def served_by(path: Path) -> ssl.SSLContext:
    """The server's side of TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def open_sockets() -> int:
    """How many sockets this process holds."""
    links = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(os.readlink(each).startswith("socket:") for each in links)


def test_the_body_is_posted_bare() -> None:
    """No Content-Type, no wish for compression, and the path as configured."""
    with Ingest() as ingest:
        answer = post(ingest.url, body=b"a.b.c")

    (came,) = ingest.posts
    assert Answer(200, None, b"ok") == answer
    assert ("/gw/data/", b"a.b.c") == (came.path, came.body)
    assert {
        "Host",
        "User-Agent",
        "Accept-Encoding",
        "Accept",
        "Connection",
        "Content-Length",
    } == set(came.headers)
    assert ("egret", "identity") == (came.headers["User-Agent"], came.headers["Accept-Encoding"])


def test_a_connection_is_kept() -> None:
    """Post after post goes over one connection, whatever is answered."""
    with Ingest([Say(), Say(503, body=b"later"), Say(204, body=b"")]) as ingest:
        with closing(HttpLine(ingest.url, PATIENCE_S)) as line:
            statuses = [line.post(b"x").status for _ in range(4)]

    assert ([200, 503, 204, 200], 1) == (statuses, ingest.connections)


def test_a_redirect_is_not_followed() -> None:
    """Signed readings go where the owner said and nowhere else."""
    with Ingest() as elsewhere:
        with Ingest([Say(307, {"Location": elsewhere.url})]) as ingest:
            answer = post(ingest.url)

    assert (307, []) == (answer.status, elsewhere.posts)


def test_proxies_and_passwords_of_the_environment_are_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only the settings say where readings go and what is sent along."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    with Ingest() as ingest:
        answer = post(ingest.url)

    assert (200, False) == (answer.status, "Authorization" in ingest.posts[0].headers)


def test_a_long_answer_is_read_to_its_limit() -> None:
    """An endpoint that answers with a novel costs its connection, not our memory."""
    with Ingest([Say(500, body=b"x" * 1_000_000)]) as ingest:
        with closing(HttpLine(ingest.url, PATIENCE_S)) as line:
            first, second = line.post(b"x"), line.post(b"x")

    assert (MAX_ANSWER_BYTES, 200, 2) == (len(first.body), second.status, ingest.connections)


def test_the_status_counts_when_the_body_never_comes() -> None:
    """An acknowledgement whose body hangs is one: else its records would come again for ever."""
    with Ingest([Say(200, body=b"o", length=100)]) as ingest:
        answer = post(ingest.url, SHORT_S)

    assert 200 == answer.status


def test_retry_after_is_handed_on() -> None:
    """The header as it came; what it means is for `blame`."""
    with Ingest([Say(429, {"Retry-After": "17"})]) as ingest:
        answer = post(ingest.url)

    assert (429, "17") == (answer.status, answer.retry_after)


def test_silence_is_waited_for_so_long_and_no_longer() -> None:
    """The time limit is told in the error."""
    with Ingest([Say(silent=True)]) as ingest:
        with pytest.raises(SinkUnavailable, match="^no answer within 0.15 s$"):
            post(ingest.url, SHORT_S)


def test_a_silent_handshake_is_waited_for_no_longer(door: socket.socket) -> None:
    """A host that accepts and then says nothing to TLS is no answer either."""
    with pytest.raises(SinkUnavailable, match="within 0.15 s|timed out"):
        post(url_of(door, "https"), SHORT_S)


def test_a_refused_connection_is_said_in_the_systems_words(door: socket.socket) -> None:
    """Three libraries wrap the error; the owner reads what it was."""
    url = url_of(door)
    door.close()

    with pytest.raises(SinkUnavailable, match="^the connection failed: Connection refused$"):
        post(url)


def test_a_name_that_is_none_is_said() -> None:
    """`.invalid` is never resolved, by anybody."""
    with pytest.raises(SinkUnavailable, match="^the connection failed: "):
        post("http://ingest.invalid/")


@pytest.mark.parametrize("url", ["http://.example/", f"http://{'a' * 64}.example/", "http://a..b/"])
def test_a_name_that_cannot_be_one_is_said(url: str) -> None:
    """A host that no resolver would take raises as any other failure."""
    with pytest.raises(SinkUnavailable):
        post(url)


def test_hanging_up_is_said() -> None:
    """An endpoint that closes instead of answering is unavailable, and next time may be there."""
    with Ingest([Say(hang_up=True)]) as ingest:
        with closing(HttpLine(ingest.url, PATIENCE_S)) as line:
            with pytest.raises(SinkUnavailable, match="^the connection failed: "):
                line.post(b"x")
            answer = line.post(b"x")

    assert 200 == answer.status


def test_rubbish_instead_of_http_is_shown_short(door: socket.socket) -> None:
    """Some other service at that port: its words are bounded and cannot forge a line."""

    def babble() -> None:
        guest, _ = door.accept()
        with closing(guest):
            guest.recv(65536)
            guest.sendall(b"SSH-2.0 \x1b[2J\n" + b"x" * 60_000)

    talker = Thread(target=babble)
    talker.start()

    with pytest.raises(SinkUnavailable) as caught:
        post(url_of(door))

    talker.join(PATIENCE_S)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= MAX_REASON


@pytest.mark.parametrize(
    ("wrapped", "expected"), [(1, "Connection refused"), (MAX_WRAPPING + 1, "wrapped once more")]
)
def test_wrapping_is_looked_through_to_a_bound(wrapped: int, expected: str) -> None:
    """The system's words are found beneath what a library wraps around, but not for ever."""
    error: Exception = ConnectionRefusedError(111, "Connection refused")
    for _ in range(wrapped):
        outer = RuntimeError("wrapped once more")
        outer.__cause__ = error
        error = outer

    assert expected == innermost(error)


def test_tls_is_spoken_to_a_trusted_endpoint(tmp_path: Path) -> None:
    """With its authority trusted, the endpoint is posted to over one kept connection."""
    path = certificate(tmp_path)

    with Ingest(tls=served_by(path)) as ingest:
        with closing(HttpLine(ingest.url, PATIENCE_S, authority=str(path))) as line:
            statuses = [line.post(b"x").status for _ in range(2)]

    assert ([200, 200], 1) == (statuses, ingest.connections)


def test_an_untrusted_certificate_is_refused(tmp_path: Path) -> None:
    """Nothing is sent to an endpoint that cannot prove who it is."""
    with Ingest(tls=served_by(certificate(tmp_path))) as ingest:
        with pytest.raises(SinkUnavailable, match="^TLS failed: self-signed certificate$"):
            post(ingest.url)

    assert [] == ingest.posts


def broken_off(line: HttpLine, ready: Callable[[], object]) -> Exception | None:
    """Post in a thread, abort once `ready` returns, and hand back what the post raised."""
    raised: list[Exception] = []

    def work() -> None:
        try:
            line.post(b"x")
        except SinkUnavailable as error:
            raised.append(error)

    worker = Thread(target=work)
    worker.start()
    ready()
    line.abort()
    worker.join(PATIENCE_S / 2)
    assert not worker.is_alive(), "the abort did not break the call"
    return raised[0] if raised else None


def test_abort_breaks_a_call_that_waits_for_its_answer() -> None:
    """Long before the time limit the call ends, and the line works on."""
    with Ingest([Say(silent=True)]) as ingest:
        with closing(HttpLine(ingest.url, PATIENCE_S)) as line:
            error = broken_off(line, lambda: ingest.arrived.wait(PATIENCE_S))
            answer = line.post(b"x")

    assert "the call took too long and was broken off" == str(error)
    assert 200 == answer.status


def test_abort_breaks_a_call_in_its_handshake(door: socket.socket) -> None:
    """While TLS is agreed on, Python's own socket is out of reach; its duplicate is not."""
    guests: list[socket.socket] = []

    def accepted() -> None:
        guest, _ = door.accept()
        guests.append(guest)
        guest.recv(1)  # The first byte of the handshake is there: the client is within it.

    with closing(HttpLine(url_of(door, "https"), PATIENCE_S)) as line:
        error = broken_off(line, accepted)
    guests[0].close()

    assert "the call took too long and was broken off" == str(error)


def test_abort_while_a_name_is_resolved_ends_the_call_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No socket exists yet that could be shut down; the one that follows is, before it is used."""
    resolve = socket.getaddrinfo
    with Ingest([Say(silent=True)]) as ingest:
        with closing(HttpLine(ingest.url, PATIENCE_S)) as line:

            def slowly(*arguments: Any, **options: Any) -> Any:
                line.abort()
                return resolve(*arguments, **options)

            monkeypatch.setattr(socket, "getaddrinfo", slowly)

            with pytest.raises(SinkUnavailable, match="^the call took too long"):
                line.post(b"x")

    assert [] == ingest.posts


@pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")
@pytest.mark.parametrize("first", [Say(), Say(hang_up=True), Say(500, body=b"x" * 100_000)])
def test_close_gives_every_socket_back(first: Say) -> None:
    """At once and not when memory is tidied up, however the calls went before."""
    before = open_sockets()
    with Ingest([first]) as ingest:
        line = HttpLine(ingest.url, PATIENCE_S)
        with contextlib.suppress(SinkUnavailable):
            line.post(b"x")
        line.post(b"x")
        line.close()

    assert before == open_sockets()
