"""What can be asked of a WiNet-S dongle over HTTP: registers, in two ways.

Owns paths, parameters and what of an answer is the value. Refuses to know sessions' beginnings,
patience and time. Every firmware has `getParam`, which reads and takes the vendor's own addresses,
one above the wire's. Newer firmware passes Modbus RTU frames through, writes included.
"""

from dataclasses import dataclass
from typing import Protocol

from server.errors import ProtocolError
from server.model.device import Space
from server.transports import winet_rtu
from server.transports.winet_answer import TOKEN_INVALID, Answer, frame_in, parse, words_in
from server.transports.winet_http import HttpLine, Reply
from server.transports.winet_session import LANGUAGE, WinetSession

FIRST_ADDRESS = 1
"""The vendor counts registers from 1, the wire from 0."""

TYPE_CODE = 4999
"""On the wire; every inverter of the maker has it, on unit 1 behind a dongle."""

_ABSENT = frozenset({404, 405, 501})
_UNWANTED = frozenset({401, 403})


class NotOffered(ProtocolError):
    """This firmware has no such path."""


class Question(Protocol):
    """Asked of a session; it may be asked again if it is `repeatable`."""

    @property
    def repeatable(self) -> bool:
        """False for what changes something."""
        ...

    @property
    def refusal(self) -> int:
        """The Modbus exception that a dongle means by not answering this alone."""
        ...

    @property
    def proof(self) -> "Question":
        """What a dongle with time answers when it is asked in the same way."""
        ...

    def ask(self, session: WinetSession, now_s: int) -> Answer:
        """The dongle's answer, whatever its code; raises what the line raises, NotOffered."""
        ...

    def words(self, answer: Answer) -> tuple[int, ...]:
        """What a successful answer says; raises RegisterRefused, ProtocolError."""
        ...


@dataclass(frozen=True, slots=True)
class GetParam:
    """Words by the dongle's own reading."""

    unit_id: int
    space: Space
    address: int
    count: int

    @property
    def repeatable(self) -> bool:
        """As Question."""
        return True

    @property
    def refusal(self) -> int:
        """Illegal data address: the dongle has no code of its own for it."""
        return 2

    @property
    def proof(self) -> Question:
        """As Question."""
        return GetParam(1, Space.INPUT, TYPE_CODE, 1)

    def ask(self, session: WinetSession, now_s: int) -> Answer:
        """As Question."""
        unit = session.unit(self.unit_id)
        query: dict[str, str | int] = {
            "dev_id": unit.dev_id,
            "dev_type": unit.dev_type,
            "dev_code": unit.dev_code,
            "type": 3,
            "param_addr": self.address + FIRST_ADDRESS,
            "param_num": self.count,
            "param_type": 0 if self.space is Space.INPUT else 1,
            "token": session.token,
            "lang": LANGUAGE,
            "time123456": now_s,
        }
        return _answer(_line(session).get("/device/getParam", query))

    def words(self, answer: Answer) -> tuple[int, ...]:
        """As Question."""
        return words_in(answer, self.count)


@dataclass(frozen=True, slots=True)
class Passthrough:
    """A Modbus RTU frame, carried to the unit and back."""

    unit_id: int
    frame: bytes
    writes: bool = False

    @property
    def repeatable(self) -> bool:
        """As Question."""
        return not self.writes

    @property
    def refusal(self) -> int:
        """The unit keeps silent: refused registers come back as Modbus exceptions."""
        return 11

    @property
    def proof(self) -> Question:
        """As Question."""
        return Passthrough(1, winet_rtu.read_frame(1, 4, TYPE_CODE, 1))

    def ask(self, session: WinetSession, now_s: int) -> Answer:
        """As Question."""
        unit = session.unit(self.unit_id)
        body: dict[str, object] = {
            "dev_code": unit.dev_code,
            "dev_id": unit.dev_id,
            "dev_type": unit.dev_type,
            "lang": LANGUAGE,
            "msgLength": len(self.frame),
            "msgType": "0",
            "msgValue": self.frame.hex().upper(),
            "token": session.token,
        }
        return _answer(_line(session).post("/device/passthroughway", body))

    def words(self, answer: Answer) -> tuple[int, ...]:
        """As Question; nothing for a write."""
        frame = frame_in(answer)
        if self.writes:
            winet_rtu.check_echo(frame, self.frame)
            return ()
        return winet_rtu.words_of(frame, self.frame)


def _line(session: WinetSession) -> HttpLine:
    assert session.http is not None, "a session is begun before it is asked"
    return session.http


def _answer(reply: Reply) -> Answer:
    if reply.status in _UNWANTED:
        return Answer(TOKEN_INVALID, f"HTTP status {reply.status}", {})
    if reply.status in _ABSENT:
        raise NotOffered(f"HTTP status {reply.status}")
    if reply.status != 200:
        raise ProtocolError(f"HTTP status {reply.status}", reply.body[:64])
    return parse(reply.body)
