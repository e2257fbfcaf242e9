"""Record what a device and a gateway say to each other, as a fixture that tests replay.

    python -m server_unit_test.transports.record_exchange --scheme modbus_tcp --device 192.0.2.7:502
        --profile sungrow_hybrid --source "SH10RT, firmware ..." --out FILE

Run by hand. Owns the relays between the two and the shape of a fixture; refuses to know what is
said. Relays bind to loopback. Modbus is kept byte for byte, a chunk a line; what a dongle says is
kept as its websocket texts and HTTP bodies, so that TLS does not hide it. Passwords are not kept;
serial numbers are, for they are part of the values. Messages that a dongle pushes
unasked are neither kept nor handed on.
"""

import argparse
import http.client
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from websockets.exceptions import WebSocketException

from server.clock import SystemClock
from server.devices.driver import Driver, Polled
from server.devices.profile import load_profiles
from server.errors import RegisterRefused
from server.model.device import Space
from server.ports import Clock, Transport
from server.transports.modbus_tcp import ModbusTcp
from server.transports.sungrow_tcp import SungrowTcp
from server.transports.websocket_line import Ended, WebsocketLine
from server.transports.winet import Winet
from server.transports.winet_session import Door
from server_unit_test.transports.scripted_winet import ScriptedWinet
from server_unit_test.transports.scripted_winet import http as http_answer

WAIT_S = 10.0
"""Seconds after which a recording is given up: a dongle asks its inverter over a serial line."""
MAX_PUSHED = 32
"""Messages nobody asked for that are skipped while an answer is awaited."""
TYPE_CODE = 4999
"""On the wire: what is read once more when the token has expired."""
SOCKET_PATH = "/ws/home/overview"
SECRETS = frozenset({"passwd"})

Entry = dict[str, Any]
PROFILES = load_profiles().profiles


@dataclass(frozen=True, slots=True)
class Plan:
    """What is recorded: which device, by which profile, through which door."""

    scheme: str
    tls: bool
    profile: str
    unit_id: int
    refused: int
    """Wire address of an input register that the device does not have."""


def transport_to(plan: Plan, port: int, clock: Clock | None = None) -> Transport:
    """The gateway's own transport to a relay, or a replay, on loopback."""
    if plan.scheme == "modbus_tcp":
        return ModbusTcp("127.0.0.1", port, timeout_s=WAIT_S, clock=clock)
    if plan.scheme == "sungrow_tcp":
        return SungrowTcp("127.0.0.1", port, timeout_s=WAIT_S, clock=clock)
    door = Door(plan.tls, port, port)
    return Winet("127.0.0.1", [door], timeout_s=WAIT_S, clock=clock)


def gone_through(plan: Plan, transport: Transport, expire: Callable[[], None]) -> Entry:
    """Identify, poll, ask for what is refused, lose the token; returns what came of it."""
    driver = Driver(PROFILES[plan.profile], plan.unit_id, scheme=plan.scheme)
    seen: Entry = {"refusal_code": None}
    try:
        identity = driver.identify(transport)
        seen["identity"] = {**asdict(identity), "facts": dict(identity.facts)}
        polled = driver.poll(transport, lambda: False)
        assert isinstance(polled, Polled)
        seen["values"] = dict(sorted(polled.values.items()))
        try:
            transport.read(plan.unit_id, Space.INPUT, plan.refused, 1)
        except RegisterRefused as refusal:
            seen["refusal_code"] = refusal.code
        if plan.scheme == "winet":
            expire()
            words = transport.read(plan.unit_id, Space.INPUT, TYPE_CODE, 1)
            seen["after_expiry"] = list(words)
    finally:
        transport.close()
    return seen


class TcpRelay:
    """Stands between a Modbus client and its device; one connection at a time."""

    def __init__(self, device: tuple[str, int]) -> None:
        self.exchange: list[Entry] = []
        """Each chunk asked, with the chunks that answered it; None where it was hung up on."""
        self._device = device
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="tcp-relay", daemon=True)

    @property
    def port(self) -> int:
        """The free port it took."""
        port: int = self._listener.getsockname()[1]
        return port

    def expire(self) -> None:
        """Modbus has no tokens."""

    def __enter__(self) -> "TcpRelay":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        finally:
            self._thread.join(WAIT_S)
            self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                try:
                    with socket.create_connection(self._device, WAIT_S) as device:
                        self._carry(client, device)
                except OSError:
                    self._hung_up()  # The client hears of it as of any closed connection.

    def _carry(self, client: socket.socket, device: socket.socket) -> None:
        while True:
            ready = select.select([client, device], [], [], WAIT_S)[0]
            if device in ready:
                chunk = device.recv(4096)
                if not chunk:
                    self._hung_up()
                    return
                self.exchange[-1]["answered"].append(chunk.hex())
                client.sendall(chunk)
            elif client in ready:
                chunk = client.recv(4096)
                if not chunk:
                    return
                self.exchange.append({"asked": chunk.hex(), "answered": []})
                device.sendall(chunk)
            else:
                return

    def _hung_up(self) -> None:
        if self.exchange and self.exchange[-1]["answered"] == []:
            self.exchange[-1]["answered"] = None


class WinetRelay(ScriptedWinet):
    """Stands between the gateway and a dongle of either generation, and reads along."""

    def __init__(self, host: str, http_port: int, socket_port: int, tls: bool) -> None:
        super().__init__(new=tls)
        self.exchange: list[Entry] = []
        """Each message or HTTP request, with its answer."""
        self._host = host
        self._socket_port = socket_port
        self._tls = _trusting() if tls else None
        self._held = ExitStack()
        self._websocket: WebsocketLine | None = None
        self._web: http.client.HTTPConnection = (
            http.client.HTTPSConnection(host, http_port, timeout=WAIT_S, context=self._tls)
            if tls
            else http.client.HTTPConnection(host, http_port, timeout=WAIT_S)
        )
        self._spoil = False

    def expire(self) -> None:
        """The token of the next HTTP request reaches the dongle as one that it never gave."""
        self._spoil = True

    def __exit__(self, *of: Any) -> None:
        super().__exit__(*of)
        self._web.close()
        self._held.close()

    def service(self, asked: Entry) -> str | None:
        """Hand a message on; where the dongle hangs up, so does this."""
        try:
            return self._handed_on(asked)
        except (WebSocketException, Ended, OSError):
            return None

    def _handed_on(self, asked: Entry) -> str | None:
        """A new session of the gateway's is a new one of the dongle's."""
        if asked.get("service") == "connect":
            self._held.close()
            self._websocket = self._dialled()
        assert self._websocket is not None
        self._websocket.send(json.dumps(asked), WAIT_S)
        for _ in range(MAX_PUSHED):
            text = self._websocket.receive(WAIT_S).decode()
            if json.loads(text).get("result_data", {}).get("service") == asked.get("service"):
                self.exchange.append({"asked": _kept(asked), "answered": text})
                return text
        return None

    def _dialled(self) -> WebsocketLine:
        """One thread reads and writes it: two at once may deadlock over TLS."""
        raw = socket.create_connection((self._host, self._socket_port), WAIT_S)
        self._held.callback(raw.close)
        if self._tls is not None:
            raw = self._tls.wrap_socket(raw, server_hostname=self._host)
        line = WebsocketLine(raw, self._host, self._socket_port, SOCKET_PATH)
        self._held.callback(line.close, politely=True)
        line.open(WAIT_S)
        return line

    def _http(self, head: str, body: bytes) -> bytes | None:
        method, target, _ = head.split("\r\n")[0].split(" ")
        asked = asked_over_http(target, body)
        if self._spoil:
            self._spoil = False
            target, body = _spoilt(target, body)
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            self._web.request(method, target, body or None, headers)
            answer = self._web.getresponse()
            text = answer.read().decode()
        except (http.client.HTTPException, OSError):
            self._web.close()
            return None
        self.exchange.append({"asked": _kept(asked), "status": answer.status, "answered": text})
        return http_answer(text.encode(), f"{answer.status} {answer.reason}")


def asked_over_http(target: str, body: bytes) -> Entry:
    """An HTTP request as a fixture has it."""
    parts = urlsplit(target)
    said = json.loads(body) if body else dict(parse_qsl(parts.query))
    return {"path": parts.path, **said}


def _kept(asked: Mapping[str, Any]) -> Entry:
    return {key: "not kept" if key in SECRETS else value for key, value in asked.items()}


def _spoilt(target: str, body: bytes) -> tuple[str, bytes]:
    if body:
        return target, json.dumps({**json.loads(body), "token": "expired"}).encode()
    parts = urlsplit(target)
    query = {**dict(parse_qsl(parts.query)), "token": "expired"}
    return f"{parts.path}?{urlencode(query)}", body


def _trusting() -> ssl.SSLContext:
    """Dongles sign their own certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def relay_to(plan: Plan, host: str, ports: tuple[int, ...]) -> TcpRelay | WinetRelay:
    """Before a device; a dongle's ports are those of HTTP and of the websocket."""
    if plan.scheme == "winet":
        return WinetRelay(host, ports[0], ports[-1], plan.tls)
    return TcpRelay((host, ports[0]))


def recorded(plan: Plan, host: str, ports: tuple[int, ...], clock: Clock | None = None) -> Entry:
    """The whole fixture, but for who the device is."""
    relay = relay_to(plan, host, ports)
    with relay:
        seen = gone_through(plan, transport_to(plan, relay.port, clock), relay.expire)
    return {"plan": asdict(plan), "seen": seen, "exchange": relay.exchange}


def main() -> None:
    """Record one device and write the file."""
    options = argparse.ArgumentParser(description="record a device's exchange as a fixture")
    add = options.add_argument
    add("--scheme", required=True, choices=("modbus_tcp", "sungrow_tcp", "winet"))
    add("--tls", action="store_true", help="a dongle with newer firmware")
    add("--device", required=True, help="HOST:PORT, or HOST:HTTP:WEBSOCKET of an older dongle")
    add("--profile", default="sungrow_hybrid", choices=sorted(PROFILES))
    add("--unit", type=int, default=1)
    add("--refused", type=int, default=60000, help="wire address of no input register")
    add("--source", required=True, help="model, firmware, who recorded it and when")
    add("--out", required=True, type=Path)
    given = options.parse_args()
    plan = Plan(given.scheme, given.tls, given.profile, given.unit, given.refused)
    host, *ports = given.device.split(":")
    fixture = recorded(plan, host, tuple(map(int, ports)), SystemClock())
    text = json.dumps({"source": given.source, **fixture}, indent=1, ensure_ascii=False)
    given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
