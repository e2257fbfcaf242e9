"""The newer firmware on real sockets: TLS, login, and frames passed through."""

import hashlib
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from simulator import winet_rtu
from simulator.clock import ManualClock
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Trouble
from simulator.winet_door import MAX_BODY_BYTES, WEBSOCKET_PATH, WinetTlsDoor
from simulator.winet_sessions import Rules
from simulator_unit_test.dongles import NOON_S, SHORT_S, TIMEOUT_S, Loop, ask, token_of

READ_CODE = "01041387000AC4A0"
"""The vendor's example: ten input registers from document 5000."""


class Secure:
    """A dongle of the newer firmware, and a client that knows its certificate's file."""

    def __init__(self, door: WinetTlsDoor, plant: VirtualPlant, loop: Loop, folder: Path) -> None:
        self.door, self.plant, self.loop = door, plant, loop
        self.port: int = loop.run(door.open("127.0.0.1", 0))
        self._folder = folder

    @property
    def pinned(self) -> str:
        """A file with the certificate that it shows now; clients verify against it."""
        path = self._folder / "pinned.pem"
        path.write_text(ssl.get_server_certificate(("127.0.0.1", self.port), timeout=TIMEOUT_S))
        return str(path)

    def context(self) -> ssl.SSLContext:
        """A client's TLS, which takes this certificate and no other."""
        context = ssl.create_default_context(cafile=self.pinned)
        context.check_hostname = False
        return context

    def ask(self, method: str, path: str, timeout_s: float = TIMEOUT_S, **body: Any) -> Any:
        """One request on a connection of its own; returns status and text."""
        text = json.dumps(body) if method == "POST" else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: dongle\r\nContent-Length: {len(text)}\r\n\r\n"
        return self.send(head.encode() + text.encode(), timeout_s)

    def send(self, raw: bytes, timeout_s: float = TIMEOUT_S) -> Any:
        """These bytes over TLS; the status and the parsed body that come back."""
        address = ("127.0.0.1", self.port)
        with socket.create_connection(address, timeout=timeout_s) as plain:
            with self.context().wrap_socket(plain) as client:
                client.sendall(raw)
                got = client.recv(65536)
                head, _, body = got.partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += client.recv(65536)
        status = int(head.split(b" ")[1])
        return json.loads(body) if status == 200 else status

    def post(self, path: str, **body: Any) -> Any:
        """POST as sungrow_http_config does."""
        return self.ask("POST", path, **body)

    def logged_in(self) -> str:
        """A token that may do everything."""
        first = self.post("/user/connect", lang="_en_US", service="connect", token="")
        token = first["result_data"]["token"]
        login = self.post("/user/login", token=token, username="admin", passwd="pw8888")
        return str(login["result_data"]["token"])

    def pass_through(self, token: str, frame: str) -> Any:
        """One frame in, one reply out."""
        return self.post(
            "/device/passthroughway",
            dev_code=3587,
            dev_id=1,
            dev_type=35,
            lang="_en_US",
            msgLength=len(frame) // 2,
            msgType="0",
            msgValue=frame,
            token=token,
        )

    @contextmanager
    def socket(self) -> Iterator[ClientConnection]:
        """A wss connection."""
        url = f"wss://127.0.0.1:{self.port}{WEBSOCKET_PATH}"
        with connect(url, ssl=self.context(), open_timeout=TIMEOUT_S) as client:
            yield client

    def order(self, trouble: Trouble, value: float = 0.0) -> None:
        """Let a trouble befall every request from now on."""
        self.plant.troubles.set(Order(trouble, value=value))


@contextmanager
def secure(folder: Path, rules: Rules | None = None, model: str = "sh10rt") -> Iterator[Secure]:
    plant = VirtualPlant(model, clock=ManualClock(NOON_S))
    door = WinetTlsDoor(plant.face, plant.troubles, rules)
    with Loop() as loop:
        opened = Secure(door, plant, loop, folder)
        try:
            yield opened
        finally:
            loop.run(door.close())


@pytest.fixture
def dongle(tmp_path: Path) -> Iterator[Secure]:
    with secure(tmp_path) as opened:
        yield opened


def test_frames_pass_after_the_login(dongle: Secure) -> None:
    """The vendor's example is answered with type code and power, and a right checksum."""
    reply = dongle.pass_through(dongle.logged_in(), READ_CODE)
    frame = bytes.fromhex(reply["result_data"]["data"])

    assert "0104140E0300640001" == frame[:9].hex().upper()
    assert winet_rtu.crc(frame[:-2]) == frame[-2:]


def test_a_write_passes_and_reads_back(dongle: Secure) -> None:
    """Function 6 is echoed to the letter; function 3 then gives the new word."""
    token = dongle.logged_in()
    write = winet_rtu.sealed(bytes.fromhex("0106 32FB 07D0")).hex().upper()
    read = winet_rtu.sealed(bytes.fromhex("0103 32FB 0001")).hex().upper()
    echoed = dongle.pass_through(token, write)["result_data"]["data"]
    shown = dongle.pass_through(token, read)["result_data"]["data"]

    assert write == echoed
    assert winet_rtu.sealed(bytes.fromhex("010302 07D0")).hex().upper() == shown


def test_the_older_tls_firmware_needs_no_login(tmp_path: Path) -> None:
    """sungrow_http_config's way: product, connect, list, upgrade, frames."""
    with secure(tmp_path, Rules(), "sg5.0rs") as dongle:
        product = dongle.ask("GET", "/product/list")["result_data"]
        connected = dongle.post("/user/connect", lang="_en_US", service="connect", token="")
        token = connected["result_data"]["token"]
        asked = {"is_check_token": "0", "service": "devicelist", "token": token, "type": "0"}
        first = dongle.post("/device/list", **asked)["result_data"]["list"][0]
        upgraded = dongle.post("/upgrade/upgradeStatus", token=token)["result_data"]
        reply = dongle.pass_through(token, READ_CODE)

    assert "WiNet-S/9" == f"{product['product_name']}/{product['product_code']}"
    assert (1, 9734, 21, 2) == tuple(
        first[key] for key in ("dev_id", "dev_code", "dev_type", "dev_procotol")
    )
    assert "0" == upgraded["nextProcess"]
    assert reply["result_data"]["data"].startswith("01041426060032")


def test_the_websocket_wants_the_login_too(dongle: Secure) -> None:
    """forceModifyPasswd tells the firmware; values come with the login's token."""
    with dongle.socket() as client:
        first = ask(client, lang="en_us", token="", service="connect")["result_data"]
        early = ask(client, token=first["token"], service="real", dev_id="1")
        login = ask(
            client, token=first["token"], service="login", username="admin", passwd="pw8888"
        )
        token = login["result_data"]["token"]
        values = ask(client, token=token, service="real", dev_id="1")

        assert {"ip", "forceModifyPasswd"} <= first.keys()
        assert [106, 1] == [early["result_code"], values["result_code"]]
        assert 1 == dongle.pass_through(token, READ_CODE)["result_code"]


def test_plain_http_is_closed(dongle: Secure) -> None:
    """Who speaks no TLS gets no answer."""
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{dongle.port}/about/list", timeout=TIMEOUT_S)


def test_registers_by_address_are_gone(dongle: Secure) -> None:
    """The newer firmware serves no getParam."""
    assert 404 == dongle.ask("GET", "/device/getParam")


def test_its_certificate_is_its_own_and_stays(dongle: Secure) -> None:
    """No authority vouches for it; it is the same after a restart, and another on command."""
    address = ("127.0.0.1", dongle.port)
    shown = ssl.get_server_certificate(address, timeout=TIMEOUT_S)
    dongle.loop.run(dongle.door.close())
    dongle.loop.run(dongle.door.open(*address))
    again = ssl.get_server_certificate(address, timeout=TIMEOUT_S)
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(again)).hexdigest()

    assert shown == again
    assert fingerprint == dongle.door.certificate.fingerprint()
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://127.0.0.1:{dongle.port}/about/list", timeout=TIMEOUT_S)
    assert dongle.door.certificate.regenerate() != fingerprint
    assert shown != ssl.get_server_certificate(address, timeout=TIMEOUT_S)


def test_a_client_that_pinned_the_old_one_refuses_the_new(dongle: Secure) -> None:
    """A changed certificate fails the handshake of who trusts the first one only."""
    context = dongle.context()
    dongle.door.certificate.regenerate()
    with socket.create_connection(("127.0.0.1", dongle.port), timeout=TIMEOUT_S) as plain:
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain)


def test_an_exception_comes_as_a_frame(dongle: Secure) -> None:
    """EXCEPTION with value 2 is the frame 01 84 02 and its checksum."""
    token = dongle.logged_in()
    dongle.order(Trouble.EXCEPTION, 2)

    assert "018402C2C1" == dongle.pass_through(token, READ_CODE)["result_data"]["data"]


@pytest.mark.parametrize(("trouble", "code"), [(Trouble.BUSY, 301), (Trouble.LOCKED, 114)])
def test_busy_and_locked_are_codes(dongle: Secure, trouble: Trouble, code: int) -> None:
    """As on the classic dongle."""
    token = dongle.logged_in()
    dongle.order(trouble)

    assert code == dongle.pass_through(token, READ_CODE)["result_code"]


def test_a_drop_is_silence_under_tls_too(dongle: Secure) -> None:
    """The connection stays and nothing comes."""
    dongle.order(Trouble.DROP)

    with pytest.raises(TimeoutError):
        dongle.ask("GET", "/about/list", SHORT_S)


def test_a_close_ends_the_tls_connection(dongle: Secure) -> None:
    """Nothing is said before."""
    dongle.order(Trouble.CLOSE)

    with pytest.raises((ssl.SSLError, ConnectionError, IndexError)):
        dongle.ask("GET", "/about/list")


def test_bad_passwords_lock_the_account(dongle: Secure) -> None:
    """114 in the end, with the right password too."""
    first = dongle.post("/user/connect")["result_data"]["token"]
    asked = {"token": first, "username": "admin"}
    codes = [dongle.post("/user/login", **asked, passwd="x")["result_code"] for _ in range(5)]

    assert 114 == codes[-1] and 1 not in codes
    assert 114 == dongle.post("/user/login", **asked, passwd="pw8888")["result_code"]


def test_bodies_that_are_none_are_refused(dongle: Secure) -> None:
    """No JSON object is 400, more than MAX_BODY_BYTES 413."""
    head = b"POST /device/list HTTP/1.1\r\nHost: dongle\r\nContent-Length: %d\r\n\r\n"
    statuses = [
        dongle.send(head % len(body) + body) for body in (b"[]", b"x" * (MAX_BODY_BYTES + 1))
    ]

    assert [400, 413] == statuses


def test_a_session_is_one_for_both_ways(dongle: Secure) -> None:
    """A websocket's connect ends the session that came by HTTPS."""
    token = dongle.logged_in()
    with dongle.socket() as client:
        token_of(client)

        assert 106 == dongle.pass_through(token, READ_CODE)["result_code"]
