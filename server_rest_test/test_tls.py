"""The TLS door of a real gateway, honestly used and attacked; meanwhile it reads its device on."""

import contextlib
import hashlib
import random
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from server_rest_test.conftest import START_TIMEOUT_S, Gateway, running

WAIT_S = 20.0
HALF_OPEN = 200
"""Beyond what the door and the kernel's queue hold together."""
TLS_ON = {"EGRET_API_TLS": "on", "EGRET_API_TLS_PORT": "0", "EGRET_API_ACCESS": "open"}
PLANT = ("simulator", "plant", "--port", "0", "--json", "--start", "2026-06-21T12:00")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Box:
    """A running gateway, both its doors, and the device that it reads."""

    def __init__(self, plain: Gateway, data: Path) -> None:
        self.plain = plain
        self.data = data
        self.told: dict[str, Any] = plain.json("/api/tls")
        self.address = ("127.0.0.1", int(self.told["port"]))
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = str(data / "tls_certificate.pem")

    def get(self, path: str) -> requests.Response:
        """Through TLS, with the certificate checked as any client would that trusts it."""
        return self.http.get(f"https://127.0.0.1:{self.address[1]}{path}", timeout=WAIT_S)

    def connect(self) -> socket.socket:
        """A connection that has said nothing."""
        found = socket.create_connection(self.address, WAIT_S)
        found.settimeout(WAIT_S)
        return found

    def polls(self) -> int:
        """How often the device was read, as told through TLS."""
        response = self.get("/api/snapshot")
        assert response.status_code == 200, response.text
        return sum(each["polls"] for each in response.json()["devices"])

    def goes_on(self) -> None:
        """It answers a new client of the TLS door, and reads its device again."""
        with requests.Session() as stranger:
            stranger.trust_env, stranger.verify = False, self.http.verify
            url = f"https://localhost:{self.address[1]}/api/hello"
            assert 200 == stranger.get(url, timeout=WAIT_S).status_code
        before = self.polls()
        for _ in range(400):
            if self.polls() > before:
                return
            threading.Event().wait(0.05)
        raise AssertionError("the device is not read any more")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """With a virtual inverter that is read each second."""
    data = tmp_path_factory.mktemp("data")
    words = ("server", "--data", str(data), "--port", "0", "--json")
    with running(*PLANT) as plant, running(*words, environ=TLS_ON) as server:
        plain = Gateway(server["url"], plant["doors"]["modbus"])
        body = {"ip": plain.plant_host, "port": plain.plant_port, "interval_s": 1}
        assert 200 == plain.call("POST", "/api/device", body).status_code
        plain.wait_for("/api/device", lambda all_: [each for each in all_ if each["is_open"]])
        found = Box(plain, data)
        yield found
        found.http.close()
        plain.close()


def client(**more: Any) -> ssl.SSLContext:
    """One that takes any certificate, and speaks what OpenSSL can be made to speak."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    for name, value in more.items():
        setattr(context, name, value)
    return context


def until_closed(door: socket.socket) -> bytes:
    """What still comes."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := door.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_whoever_trusts_the_certificate_is_served(box: Box) -> None:
    """Name and address are in it, and the fingerprints are those that the plain door tells."""
    response = box.get("/api/hello")

    shown = ssl.get_server_certificate(box.address, timeout=WAIT_S)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
    assert (200, digest) == (
        response.status_code,
        box.told["fingerprint"].replace(":", "").lower(),
    )
    box.goes_on()


def test_two_clients_agree_on_the_newest_version(box: Box) -> None:
    """TLS 1.3, and 1.2 for whoever knows no better; with forward secrecy."""
    spoken = []
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        with box.connect() as plain, client(maximum_version=version).wrap_socket(plain) as door:
            cipher = door.cipher()
            assert cipher is not None
            spoken.append((door.version(), cipher[0].startswith(("TLS_", "ECDHE-"))))

    assert [("TLSv1.3", True), ("TLSv1.2", True)] == spoken


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(box: Box, version: ssl.TLSVersion) -> None:
    """RFC 8996."""
    context = client(minimum_version=version, maximum_version=version)

    with box.connect() as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain)

    box.goes_on()


def test_weak_ciphers_are_refused(box: Box) -> None:
    """Without forward secrecy there is no connection."""
    context = client(maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES128-SHA:AES256-SHA:AES128-GCM-SHA256:@SECLEVEL=0")

    with box.connect() as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain)


def hello(version: int = 0x0303, length: int | None = None, body: bytes = b"") -> bytes:
    """A ClientHello in one record, with a length that need not be true."""
    inner = struct.pack("!H", version) + bytes(32) + body
    message = b"\x01" + struct.pack("!I", len(inner))[1:] + inner
    said = len(message) if length is None else length
    return struct.pack("!BHH", 22, 0x0301, said) + message


RANDOM = random.Random(20261120)
MALFORMED = {
    "plain HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a proxy's greeting": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "rubbish": RANDOM.randbytes(4096),
    "zeros": bytes(4096),
    "a record of length 0": struct.pack("!BHH", 22, 0x0301, 0) * 64,
    "a record that is too long": struct.pack("!BHH", 22, 0x0301, 0xFFFF) + bytes(65_535),
    "an alert first": struct.pack("!BHHBB", 21, 0x0301, 2, 2, 40),
    "data first": struct.pack("!BHH", 23, 0x0303, 16) + bytes(16),
    "an empty hello": hello(),
    "a hello of SSL 3": hello(0x0300, body=b"\x00\x00\x02\x00\x2f\x01\x00"),
    "a hello of SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(37),
    "a hello without ciphers": hello(body=b"\x00\x00\x00\x01\x00"),
    "ciphers of nobody": hello(body=b"\x00\x00\x04\xfe\xfe\xfd\xfd\x01\x00"),
    "extensions beyond the end": hello(body=b"\x00\x00\x02\x13\x01\x01\x00\xff\xff"),
    "a message beyond its record": b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03",
}


@pytest.mark.parametrize("said", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_handshake_ends_that_connection_alone(box: Box, said: bytes) -> None:
    """An alert at most, then the end; nobody else notices."""
    with box.connect() as door:
        with contextlib.suppress(ConnectionError):
            door.sendall(said)
            door.shutdown(socket.SHUT_WR)

        answer = until_closed(door)

    assert len(answer) < 200 and not answer.startswith(b"HTTP")
    box.goes_on()


def test_a_hundred_random_hellos_change_nothing(box: Box) -> None:
    """True hellos with some bytes turned, from a seed."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        client().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    true = outgoing.read()

    for _ in range(100):
        turned = bytearray(true)
        for _ in range(RANDOM.randint(1, 8)):
            turned[RANDOM.randrange(5, len(turned))] ^= 1 << RANDOM.randrange(8)
        with box.connect() as door, contextlib.suppress(ConnectionError):
            door.sendall(bytes(turned))
            door.shutdown(socket.SHUT_WR)
            until_closed(door)

    box.goes_on()


def test_a_broken_record_after_the_handshake_ends_that_connection(box: Box) -> None:
    """What cannot be decrypted is never read as HTTP."""
    with box.connect() as plain:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        inside = client().wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                inside.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        plain.sendall(outgoing.read())

        plain.sendall(struct.pack("!BHH", 23, 0x0303, 64) + bytes(64))

        assert b"HTTP" not in until_closed(plain)
    box.goes_on()


def test_two_hundred_half_handshakes_keep_nobody_out(box: Box) -> None:
    """They are bounded in number; a real client and the inverter are served meanwhile."""
    before = box.polls()
    with contextlib.ExitStack() as stack:
        for number in range(HALF_OPEN):
            door = stack.enter_context(box.connect())
            if number % 2:
                with contextlib.suppress(ConnectionError):
                    door.sendall(hello()[:20])

        box.goes_on()

        assert 200 == requests.get(f"{box.plain.url}/healthz", timeout=WAIT_S).status_code
    assert box.polls() > before


def test_a_client_cannot_negotiate_again_and_again(box: Box) -> None:
    """Each time would cost the box a signature; it is refused (RFC 9325 3.4)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl command on this machine")
    words = [openssl, "s_client", "-tls1_2", "-connect", f"127.0.0.1:{box.address[1]}"]

    done = subprocess.run(
        words, input=b"R\n" * 50, capture_output=True, timeout=START_TIMEOUT_S, check=False
    )

    assert b"RENEGOTIATING" in done.stdout + done.stderr
    assert b"no renegotiation" in done.stderr.lower().replace(b"_", b" ")
    box.goes_on()


def test_a_storm_of_handshakes_leaves_others_served(box: Box) -> None:
    """Four hundred in a row by eight at a time, most of them broken off half way."""

    def storm() -> None:
        for number in range(50):
            with contextlib.suppress(OSError), box.connect() as plain:
                if number % 5:
                    plain.sendall(hello())
                else:
                    client().wrap_socket(plain).close()

    threads = [threading.Thread(target=storm) for _ in range(8)]
    for each in threads:
        each.start()

    box.goes_on()
    for each in threads:
        each.join(WAIT_S)
    box.goes_on()


def test_it_stops_in_time_whatever_is_half_open(tmp_path: Path) -> None:
    """Silent connections of the TLS door hold the process up no longer than those of the other."""
    words = ("server", "--data", str(tmp_path), "--port", "0", "--json")
    with contextlib.ExitStack() as stack:
        with running(*words, environ=TLS_ON) as server:
            port = requests.get(f"{server['url']}/api/tls", timeout=WAIT_S).json()["port"]
            for _ in range(20):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), WAIT_S))
            door = client().wrap_socket(
                stack.enter_context(socket.create_connection(("127.0.0.1", port), WAIT_S))
            )
            stack.enter_context(door)
            door.sendall(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert door.recv(100).startswith(b"HTTP/1.1 200")
