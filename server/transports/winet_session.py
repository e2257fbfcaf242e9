"""One session with a WiNet-S dongle: its websocket, its token, its list of devices.

Owns how a session begins (TLS and the pinned certificate, connect, login, devicelist), how it is
kept and how it is given back. Refuses to know registers and when to try again. The dongle has one
session to give; a session object is used once and never mended.

Before anything secret is sent the certificate has to be the pinned one. It is pinned only once a
dongle has answered behind it, so that a stranger's web server is never remembered as one.
"""

import contextlib
import hashlib
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from websockets.exceptions import WebSocketException

from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    LinkClosed,
    ProtocolError,
    Retry,
    WrongDevice,
)
from server.model.device import Account
from server.ports import Pins
from server.transports.lifeline import Lifeline
from server.transports.websocket_line import Ended, WebsocketLine
from server.transports.winet_answer import NOTICE, OK, TOKEN_INVALID, Answer, Unit, parse, units_in
from server.transports.winet_http import HttpLine

CONNECT_TIMEOUT_S = 3.0
"""Seconds for a TCP connection, for TLS, and again for the websocket's handshake."""
FAREWELL_TIMEOUT_S = 1.0
"""Seconds for the answer to a logout: it must not hold up a stop."""
MAX_PUSHED = 32
"""Messages nobody asked for that are skipped while waiting for an answer."""

MAX_TOKEN_CHARS = 512
"""Characters of a token, which each request carries: a dongle's has 36."""

LANGUAGE = "en_us"
_PATH = "/ws/home/overview"
_WS = "websocket"


class NotThisDoor(DeviceUnreachable):
    """Nothing that speaks a dongle's websocket answers at this port: another may."""


class Refused(DeviceUnreachable):
    """The dongle answered a step of the session with another code than success."""

    def __init__(self, text: str, step: str, answer: Answer) -> None:
        super().__init__(text)
        self.step = step
        self.answer = answer


FACTORY = Account("admin", "pw8888")
"""Printed in every manual: no secret."""


@dataclass(frozen=True, slots=True)
class Door:
    """Which ports a generation of firmware listens on, and whether it speaks TLS there."""

    tls: bool
    socket_port: int
    http_port: int


def pin_name(host: str, door: Door) -> str:
    """Under which name a dongle's certificate is pinned."""
    return host if door.socket_port == 443 else f"{host}:{door.socket_port}"


class WinetSession:
    """One session. Used by one thread, but for `lifeline`; `begin` comes first, `end` last."""

    def __init__(
        self, host: str, door: Door, timeout_s: float, connect_timeout_s: float, lifeline: Lifeline
    ) -> None:
        self.door = door
        self.lifeline = lifeline
        self.token = ""
        self.logged_in = False
        self.units: Mapping[int, Unit] = {}
        self.http: HttpLine | None = None
        self._host = host
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._websocket: WebsocketLine | None = None
        self._fingerprint: str | None = None

    def begin(self, account: Account, must_log_in: bool, pins: Pins) -> None:
        """Open it; raises NotThisDoor, Refused, WrongDevice, or another Retry or ProtocolError."""
        self._websocket = self._dial(pins)
        answer = self.ask("connect", {}, anonymous=True)
        self._take_token(answer, "connect")
        if self._fingerprint is not None and pins.pinned(self._pin_name) is None:
            pins.pin(self._pin_name, self._fingerprint)
        if must_log_in or "ip" in answer.data or "forceModifyPasswd" in answer.data:
            self._log_in(account)
        listed = self._devicelist()
        if listed.code == TOKEN_INVALID and not self.logged_in:
            self._log_in(account)
            listed = self._devicelist()
        if listed.code != OK:
            raise Refused(f"the dongle lists no devices: {listed}", "devicelist", listed)
        self.units = units_in(listed)
        self.http = HttpLine(
            self._host, self.door.http_port, self._fingerprint, self._timeout_s, self.lifeline
        )

    def ask(self, service: str, more: Mapping[str, object], anonymous: bool = False) -> Answer:
        """Ask over the websocket and wait for that answer; pushed messages are skipped."""
        request = {"lang": LANGUAGE, "token": "" if anonymous else self.token, "service": service}
        with self.lifeline.within(self._timeout_s):
            self._send({**request, **more})
            for _ in range(MAX_PUSHED):
                answer = self._receive(self._timeout_s)
                if answer.service == service:
                    return answer
                self._heed(answer)
        raise ProtocolError(f"{MAX_PUSHED} messages, and none answers {service!r}")

    def listen(self) -> None:
        """Hear what was pushed meanwhile; raises LinkClosed when the session has gone."""
        for _ in range(MAX_PUSHED):
            try:
                self._heed(self._receive(0))
            except DeviceTimeout:
                return

    def keep_alive(self) -> None:
        """Tell the dongle that somebody is still there; the answer is heard by `listen`."""
        body = {"lang": LANGUAGE, "service": "ping", "token": "", "id": self.token}
        with self.lifeline.within(self._timeout_s):
            self._send(body)

    def unit(self, unit_id: int) -> Unit:
        """How to ask for a unit. One that is not listed is asked for as the first one's kind."""
        known = self.units.get(unit_id)
        if known is not None:
            return known
        first = next(iter(self.units.values()), Unit(unit_id, 0, 0))
        return Unit(unit_id, first.dev_type, first.dev_code)

    def end(self, log_out: bool) -> None:
        """Give it back and close everything; bounded, never raises."""
        websocket, self._websocket = self._websocket, None
        if websocket is not None:
            if log_out and self.token and not self.lifeline.is_cut:
                self._log_out(websocket)
            websocket.close(politely=log_out)
        if self.http is not None:
            self.http.close()
        self.lifeline.cut()
        self.lifeline.release()

    @property
    def _pin_name(self) -> str:
        return pin_name(self._host, self.door)

    def _dial(self, pins: Pins) -> WebsocketLine:
        """TCP, TLS, the pin, and the websocket's handshake."""
        raw: socket.socket | None = None
        try:
            raw = self._reach()
            with self.lifeline.within(self._connect_timeout_s):
                if self.door.tls:
                    raw.getpeername()  # One that was reset is lost, still open, within `ssl`.
                    raw = _tls().wrap_socket(raw, server_hostname=self._host)
                    self._check_pin(raw, pins)
                line = WebsocketLine(raw, self._host, self.door.socket_port, _PATH)
                line.open(self._connect_timeout_s)
                return line
        except (OSError, WebSocketException, Ended, ValueError) as error:
            if raw is not None:
                raw.close()
            if self.lifeline.is_cut and not self.lifeline.late:
                raise DeviceUnreachable("connecting was broken off") from error
            raise NotThisDoor(f"port {self.door.socket_port}: {_reason(error)}") from error
        except WrongDevice:
            if raw is not None:
                raw.close()
            raise

    def _reach(self) -> socket.socket:
        """TCP to the first address of the host that accepts; each may be cut while it waits."""
        error: OSError = OSError("the name stands for no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            self._host, self.door.socket_port, type=socket.SOCK_STREAM
        ):
            if self.lifeline.is_cut:
                break
            raw = socket.socket(family, kind, protocol)
            try:
                raw.settimeout(self._connect_timeout_s)
                self.lifeline.hold(_WS, raw)
                raw.connect(address)
                if self.lifeline.is_cut:  # Before the connect there was nothing to shut down.
                    raise OSError("broken off")
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return raw
            except OSError as failure:
                error = failure
                raw.close()
        raise error

    def _check_pin(self, raw: ssl.SSLSocket, pins: Pins) -> None:
        shown = hashlib.sha256(raw.getpeercert(binary_form=True) or b"").hexdigest()
        pinned = pins.pinned(self._pin_name)
        if pinned is not None and pinned != shown:
            raise WrongDevice(
                f"the dongle at {self._pin_name} shows another certificate than before. If its "
                "firmware was renewed or it was replaced, remove the device and add it again, or "
                "its entry from pins.json in the data folder and restart the gateway; if you do "
                "not know why, something else may answer in its place. SHA-256 "
                f"{shown} instead of {pinned}"
            )
        self._fingerprint = shown

    def _log_in(self, account: Account) -> None:
        user, password = account.user or FACTORY.user, account.password or FACTORY.password
        body = {"username": user, "passwd": password}
        self._take_token(self.ask("login", body), "login")
        self.logged_in = True

    def _take_token(self, answer: Answer, step: str) -> None:
        if answer.code != OK:
            raise Refused(f"the dongle refuses {step}: {answer}", step, answer)
        token = answer.data.get("token")
        if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_CHARS:
            raise ProtocolError(f"{step} gave no token")
        self.token = token

    def _devicelist(self) -> Answer:
        return self.ask("devicelist", {"type": "0", "is_check_token": "0"})

    def _log_out(self, websocket: WebsocketLine) -> None:
        body = {"lang": LANGUAGE, "token": self.token, "service": "logout"}
        with contextlib.suppress(WebSocketException, OSError, Ended):
            with self.lifeline.within(FAREWELL_TIMEOUT_S):
                websocket.send(json.dumps(body), FAREWELL_TIMEOUT_S)
                websocket.receive(FAREWELL_TIMEOUT_S)

    def _send(self, body: Mapping[str, object]) -> None:
        if self._websocket is None:
            raise LinkClosed("the session is over")
        try:
            self._websocket.send(json.dumps(body), self._timeout_s)
        except (WebSocketException, Ended, OSError) as error:
            raise self._gone() from error

    def _receive(self, timeout_s: float) -> Answer:
        if self._websocket is None:
            raise LinkClosed("the session is over")
        try:
            return parse(self._websocket.receive(timeout_s))
        except TimeoutError as error:
            raise DeviceTimeout(f"no answer in {timeout_s:g} s") from error
        except (WebSocketException, Ended, OSError) as error:
            raise self._gone() from error

    def _gone(self) -> Retry:
        if not self.lifeline.is_cut:
            return LinkClosed("the dongle closed the session")
        if self.lifeline.late:
            return DeviceTimeout(f"no whole answer in {self._timeout_s:g} s")
        return DeviceTimeout("the call was broken off")

    def _heed(self, answer: Answer) -> None:
        """A message nobody asked for: most are chatter, a notice ends the session."""
        if answer.code != NOTICE and answer.service != "notice":
            return
        if "timeout" in answer.message.lower():
            raise LinkClosed("the session has run out")
        raise DeviceUnreachable(
            f"the dongle ended the session ({answer.message or 'no reason given'}): it has "
            "one to give, and somebody else, perhaps its web page or app, may hold it"
        )


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # Self-signed: the pinned certificate is what is verified.
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(words).splitlines()[0][:160]
