"""What the dongle answers: each service, each page, each request for registers.

Requests come in as parsed values and leave as replies; sockets, bytes and misbehaviour are not its
affair. Rules: a request without a token that is taken gets 106, one for registers that the device
refuses 301, a change that it refuses 391. Nothing that a client sends raises.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator import winet_devices as on_the_dongle
from simulator import winet_inner, winet_params, winet_rtu, winet_values
from simulator.face import INPUT, Face
from simulator.modbus_pdu import MAX_READ_WORDS, Refused
from simulator.trouble import Troubles
from simulator.winet_live import LISTS, View, rows_of, state
from simulator.winet_replies import (
    LOCKED,
    LOGIN_FAILED,
    READ_FAILED,
    SET_FAILED,
    TOKEN_INVALID,
    Reply,
    failure,
    listed,
    notice,
    success,
)
from simulator.winet_sessions import Farewell, Locked, Rules, Sessions

MAX_TEXT = 128
"""Characters of a name, a password or a number in a request; more is nobody's."""

CLASSIC_VERSION = "WINET-SV200.001.00.P012"
NEW_VERSION = "WINET-SV300.001.03.P012"

Asked = Mapping[str, Any]


class Dongle:
    """One dongle of one generation, with its session."""

    def __init__(self, name: str, face: Face, troubles: Troubles, rules: Rules, new: bool) -> None:
        """`new` is the firmware that speaks TLS only, wants a login and passes frames through."""
        self.name = name
        self.face = face
        self.sessions = Sessions(rules, f"{face.serial}/{name}")
        self._troubles = troubles
        self._new = new
        self._services: dict[str, Callable[[Asked], Reply]] = {
            "devicelist": self.device_list,
            "login": self.log_in,
            "logout": self._logout,
            "ping": self._ping,
            "state": self._state,
            "param": self._param,
        }

    def now_s(self) -> float:
        """The time on the dongle's own clock, which may be wrong."""
        return self.face.now_s() + self._troubles.clock_shift_s(self.name)

    def ask(self, asked: Asked, farewell: Farewell) -> Reply:
        """Answer one message of the websocket."""
        service = _text(asked, "service")
        if service == "connect":
            return self.connect(farewell)
        if service in LISTS:
            return self._values(service, asked)
        handler = self._services.get(service)
        return failure(READ_FAILED, service) if handler is None else handler(asked)

    def connect(self, farewell: Farewell | None = None) -> Reply:
        """Begin a session, with or without a websocket to say farewell on."""
        session = self.sessions.connect(self.now_s(), farewell)
        if session is None:
            return notice("normal user limit")
        # Clients tell the firmware by these: `ip` since the S2, `forceModifyPasswd` on the newest.
        tells: dict[str, Any] = {"ip": "11.11.11.1"} if self._new else {}
        if self._new and self.sessions.rules.login_required:
            tells |= {"virgin_flag": 0, "isFirstLogin": 0, "forceModifyPasswd": 0}
        return success("connect", token=session.token, uid=1, tips_disable=1, **tells)

    def log_in(self, asked: Asked) -> Reply:
        """Give the session a new token, with more rights."""
        token, username, password = (_text(asked, name) for name in ("token", "username", "passwd"))
        now_s = self.now_s()
        try:
            session = self.sessions.login(token, username, password, now_s)
        except Locked:
            return failure(LOCKED, "login")
        if session is None:
            known = self.sessions.of(token, now_s) is not None
            return failure(LOGIN_FAILED if known else TOKEN_INVALID, "login")
        return success("login", token=session.token, uid=3, role=0, tips_disable=1)

    def device_list(self, asked: Asked) -> Reply:
        """What hangs on the dongle; clients may ask without a check of their token."""
        checked = _text(asked, "is_check_token") != "0"
        if checked and not self._may_read(asked):
            return failure(TOKEN_INVALID, "devicelist")
        return listed("devicelist", on_the_dongle.devices(self.face, self.name))

    def upgrade_status(self, asked: Asked) -> Reply:
        """POST /upgrade/upgradeStatus: without a login duty, this is what raises a token."""
        session = self.sessions.of(_text(asked, "token"), self.now_s())
        if session is None:
            return failure(TOKEN_INVALID)
        session.trusted = session.trusted or not self.sessions.rules.login_required
        return success(nextProcess="0" if session.trusted else "1")

    def pass_through(self, asked: Asked) -> Reply:
        """POST /device/passthroughway: one RTU frame in, one out."""
        session = self.sessions.of(_text(asked, "token"), self.now_s())
        if session is None or not session.trusted:
            return failure(TOKEN_INVALID)
        frame = frame_of(asked)
        answer = winet_rtu.reply(frame, self.name, self.face)
        if answer is None:
            return failure(SET_FAILED if winet_rtu.is_write(frame) else READ_FAILED)
        return success(data=answer.hex().upper())

    def get_param(self, asked: Asked) -> Reply:
        """GET /device/getParam: registers by document address, or a list of what is settable."""
        if not self._may_read(asked):
            return failure(TOKEN_INVALID)
        if not _text(asked, "param_addr"):
            return self._described(asked)
        unit, first, count = (
            _number(asked, name) for name in ("dev_id", "param_addr", "param_num")
        )
        space = _number(asked, "param_type")
        sane = first >= 1 and 1 <= count <= MAX_READ_WORDS and first + count - 1 <= 0x10000
        if space not in (0, 1) or not sane or unit not in self.face.units(self.name):
            return failure(READ_FAILED)
        try:
            if space == 1:
                words = winet_inner.read_holding(self.face, self.name, unit, first - 1, count)
            else:
                words = self.face.read(self.name, unit, INPUT, first - 1, count)
        except Refused:
            return failure(READ_FAILED)
        return success(param_value=spaced(words))

    def page(self, path: str) -> Reply | str | None:
        """A page that needs no token; None where there is none."""
        serial = self.face.serial
        match path:
            case "/i18n/en_US.properties":
                return winet_values.properties()
            case "/about/list":
                version = NEW_VERSION if self._new else CLASSIC_VERSION
                return success(list=on_the_dongle.about(serial, version))
            case "/product/list":
                return success(product_name="WiNet-S", product_code=9)
            case "/device/getType":
                types = on_the_dongle.device_types()
                return success(count=len(types), list=types)
            case "/inverter/list":
                entries = on_the_dongle.devices(self.face, self.name, with_list=False)
                return listed("", entries)
        return None

    def _described(self, asked: Asked) -> Reply:
        unit, kind = _number(asked, "dev_id"), _text(asked, "type")
        entries = winet_params.described(self.face, self.name, unit, kind)
        return failure(READ_FAILED) if entries is None else listed("", entries)

    def _param(self, asked: Asked) -> Reply:
        """Change settings; the units to change are named in `devid_array`, else it is unit 1."""
        if not self._may_read(asked):
            return failure(TOKEN_INVALID, "param")
        units = asked.get("devid_array", ["1"])
        alone = isinstance(units, list) and len(units) == 1
        unit = _number({"dev_id": units[0]}, "dev_id") if alone else -1
        kind = _text(asked, "type")
        done = winet_params.change(self.face, self.name, unit, kind, asked.get("list"))
        return success("param") if done else failure(SET_FAILED, "param")

    def _may_read(self, asked: Asked) -> bool:
        session = self.sessions.of(_text(asked, "token"), self.now_s())
        return session is not None and self.sessions.may_read(session)

    def _logout(self, asked: Asked) -> Reply:
        self.sessions.logout(_text(asked, "token"), self.now_s())
        return success("logout")

    def _ping(self, _: Asked) -> Reply:
        reply = success()
        del reply["result_data"]
        return reply

    def _values(self, service: str, asked: Asked) -> Reply:
        if not self._may_read(asked):
            return failure(TOKEN_INVALID, service)
        view = View(self.face, self.name, _number(asked, "dev_id"), self.now_s())
        rows = rows_of(service, view)
        return failure(READ_FAILED, service) if rows is None else listed(service, rows)

    def _state(self, asked: Asked) -> Reply:
        if not self._may_read(asked):
            return failure(TOKEN_INVALID, "state")
        return success("state", **state(self.face))


def spaced(words: Sequence[int]) -> str:
    """Words as the dongle writes them: bytes in hex, a space behind each, the last one too."""
    return "".join(f"{word >> 8:02X} {word & 0xFF:02X} " for word in words)


def frame_of(asked: Asked) -> bytes:
    """The RTU frame of a passthrough request; empty where it is no hex."""
    try:
        return bytes.fromhex(str(asked.get("msgValue", ""))[: 4 * winet_rtu.MAX_FRAME_BYTES])
    except ValueError:
        return b""


def _text(asked: Asked, name: str) -> str:
    value = asked.get(name, "")
    return str(value)[:MAX_TEXT] if isinstance(value, (str, int)) else ""


def _number(asked: Asked, name: str) -> int:
    """A number given as one or as its digits; -1 where it is neither."""
    text = _text(asked, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1
