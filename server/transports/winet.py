"""Sungrow's WiNet-S dongle: registers over its websocket and HTTP.

Owns which firmware is there, when to be patient, and when not to ask at all. Refuses to know what
a register means and when a failed link is tried again.

Rules:

1. The firmware is recognised by asking. Newer firmware has everything behind TLS on 443, older has
   a websocket on 8082 and HTTP on 80. The endpoint's port 502, the settings' default, means: ask
   443, then 8082. 8082 or 80 means: the other way round, for firmware is renewed some day. 443
   means the newer alone, for it never goes back. Any other port is asked for TLS, then for the
   older websocket, whose HTTP is then as far below it as 80 is below 8082 (18082 has 10080): a
   forwarded dongle, or a simulated one. What answered last is asked first.
2. The dongle has one session to give. It is kept between calls, given back by `close`, and dropped
   after every failure but a refusal, so that no late answer can meet another question.
3. One request in flight, and MIN_GAP_S between them.
4. 106 (token): a new session, a login if the fresh token is not liked either. 301 (busy): wait and
   ask again, boundedly. Dongles answer 301 to registers that they do not serve, too: when what was
   answered before (or else the type code) is answered in between, it is the registers.
5. 114 (locked), or a login refused: nothing is sent before the lock has run out, for each attempt
   may renew it.
6. Writes pass through as Modbus frames, where the firmware offers that, and not at all elsewhere.
   A write is never repeated but after 106, which proves that it was not carried out.
7. A certificate is pinned at its first use. A host with a pin is never spoken to without TLS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    PeerFault,
    RegisterRefused,
    Retry,
)
from server.model.device import Account, Space
from server.ports import Clock, Pins
from server.transports.modbus_frame import check_read, check_write
from server.transports.lifeline import Lifeline
from server.transports.winet_answer import BUSY, LOCKED, NOTICE, OK, TOKEN_INVALID, Answer
from server.transports.winet_lockout import Lockout
from server.transports.winet_patience import Pace, Patience
from server.transports.winet_pins import MemoryPins
from server.transports.winet_question import GetParam, NotOffered, Passthrough, Question
from server.transports.winet_rtu import read_frame, write_frame
from server.transports.winet_session import (
    CONNECT_TIMEOUT_S,
    Door,
    NotThisDoor,
    Refused,
    WinetSession,
    pin_name,
)

ANSWER_TIMEOUT_S = 5.0
"""Seconds for a whole answer: the dongle asks the inverter over a serial line first."""
BUSY_PAUSE_S = 5.0
"""Seconds of quiet after a 301: what the dongle's own page waits."""
NEW = Door(tls=True, socket_port=443, http_port=443)
CLASSIC = Door(tls=False, socket_port=8082, http_port=80)

_ASK_PORTS = frozenset({0, 502})
_READ_FUNCTION = {Space.INPUT: 4, Space.HOLDING: 3}
_BUSY_CODE = 6
_FAILURE_CODE = 4
_FUNCTION_CODE = 1


def doors_of(port: int) -> tuple[Door, ...]:
    """The doors that an endpoint's port stands for, in the order in which they are tried."""
    if port in _ASK_PORTS:
        return (NEW, CLASSIC)
    if port == NEW.socket_port:
        return (NEW,)
    if port in (CLASSIC.socket_port, CLASSIC.http_port):
        return (CLASSIC, NEW)
    below = port - (CLASSIC.socket_port - CLASSIC.http_port)
    return (Door(True, port, port), Door(False, port, below if below > 0 else port))


class Winet:
    """A `ports.Transport`. Used by one thread, but for `abort`."""

    def __init__(
        self,
        host: str,
        doors: Sequence[Door] = (NEW, CLASSIC),
        *,
        account: Account | None = None,
        pins: Pins | None = None,
        clock: Clock | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        busy_pause_s: float = BUSY_PAUSE_S,
        lockout: Lockout | None = None,
    ) -> None:
        """Nothing is connected yet. Without a clock a lock holds for as long as this lives."""
        self._host = host
        self._doors = list(doors)
        self._account = account or Account()
        self._pins = pins if pins is not None else MemoryPins()
        self._clock = clock
        self._timeouts_s = (timeout_s, connect_timeout_s)
        self._busy_pause_s = busy_pause_s
        self._lockout = lockout or Lockout(clock)
        self._session: WinetSession | None = None
        self._broken_off = False
        self._pace = Pace(clock)
        self._habits = _Habits()

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """As `ports.RegisterReader.read`."""
        check_read(address, count)
        what = f"{space} {address}+{count} of unit {unit_id}"
        self.open()
        if self._passes_through():
            frame = read_frame(unit_id, _READ_FUNCTION[space], address, count)
            try:
                return self._answered(Passthrough(unit_id, frame), what)
            except NotOffered:
                self._no_passthrough()
        try:
            return self._answered(GetParam(unit_id, space, address, count), what)
        except NotOffered:
            self.close()  # No dongle's web server: nothing more is to be had of this session.
            raise

    def write(self, unit_id: int, address: int, words: Sequence[int]) -> None:
        """As `ports.RegisterWriter.write`; raises RegisterRefused where the firmware cannot."""
        check_write(address, words)
        count = len(words)
        self.open()
        if self._passes_through():
            question = Passthrough(unit_id, write_frame(unit_id, address, words), writes=True)
            try:
                self._answered(question, f"write to {address}+{count} of unit {unit_id}")
                return
            except NotOffered:
                self._no_passthrough()
        raise RegisterRefused(
            _FUNCTION_CODE,
            f"{self._host}: this WiNet-S firmware writes no registers; renew its firmware, or "
            "connect to the inverter's own network port (scheme sungrow_tcp)",
        )

    def open(self) -> None:
        """As `ports.Session.open`; raises WrongDevice when its certificate has changed."""
        session = self._session
        if session is not None and not session.lifeline.is_cut:
            try:
                self._keep(session)
                return
            except DeviceUnreachable:
                self._drop(session)  # Taken by somebody else: not taken back at once.
                raise
            except EgretError:
                pass
        self.close()
        self._lockout.check(self._host)
        self._connect()

    def close(self) -> None:
        """As `ports.Session.close`; logs out."""
        session, self._session = self._session, None
        if session is not None and not (session.lifeline.is_cut and self._pace.busy):
            session.end(log_out=True)  # An abandoned call ends its own, once it has noticed.

    def abort(self) -> None:
        """As `ports.Session.abort`."""
        self._broken_off = True
        session = self._session
        if session is not None:
            session.lifeline.cut()

    def _passes_through(self) -> bool:
        session = self._session
        return session is not None and session.door.tls and self._habits.passthrough

    def _no_passthrough(self) -> None:
        self._habits = _Habits(logs_in=self._habits.logs_in, passthrough=False)

    def _keep(self, session: WinetSession) -> None:
        """Hear what was pushed; say now and then that somebody is there."""
        session.listen()
        if self._clock is not None and self._pace.ping_due(self._clock.monotonic()):
            session.keep_alive()

    def _connect(self) -> None:
        """A new session through the first door that is one."""
        problems: list[str] = []
        self._broken_off = False
        for door in list(self._doors):
            if not door.tls and self._pinned():
                problems.append("it is spoken to by TLS only, as before; " + _UNPIN)
                continue
            try:
                self._begin(door)
            except NotThisDoor as error:
                problems.append(str(error))
                continue
            self._doors.sort(key=lambda each: each != door)
            return
        raise DeviceUnreachable(f"{self._host}: no WiNet-S answers ({'; '.join(problems)})")

    def _pinned(self) -> bool:
        names = [pin_name(self._host, door) for door in self._doors if door.tls]
        return any(self._pins.pinned(name) is not None for name in names)

    def _begin(self, door: Door) -> None:
        session = WinetSession(self._host, door, *self._timeouts_s, Lifeline())
        self._session = session
        self._pace.busy = True
        try:
            if self._broken_off:  # Between two doors, when there was no session to be cut.
                session.lifeline.cut()
            session.begin(self._account, self._habits.logs_in, self._pins)
            if session.logged_in:
                self._lockout.forgive()
            self._habits.passthrough = True  # It may have been given newer firmware meanwhile.
        except Refused as error:
            self._drop(session)
            self._habits.logs_in = False  # Whether it wants a login is found out anew.
            self._lockout.heed(error.step, error.answer)
            self._lockout.check(self._host)
            raise
        except NotThisDoor:
            self._drop(session)
            raise
        except (Retry, PeerFault) as error:
            self._drop(session)
            raise DeviceUnreachable(f"{self._host}: {error}") from error
        except EgretError:
            self._drop(session)
            raise
        finally:
            self._pace.busy = False

    def _answered(self, question: Question, what: str) -> tuple[int, ...]:
        """The words; patience, renewal and refusals are decided here and nowhere else."""
        patience = Patience()
        while True:
            self.open()
            session = self._session
            assert session is not None
            answer, words = self._once(session, question)
            if answer.code == OK:
                self._habits.proof = question if question.repeatable else self._habits.proof
                return words
            if answer.code == TOKEN_INVALID:
                self._drop(session)
                if not patience.renewal():
                    raise DeviceUnreachable(f"{self._host}: it refuses every token ({answer})")
                self._habits.logs_in = self._habits.logs_in or patience.renewals > 1
            elif answer.code == BUSY and question.repeatable:
                self._bear(session, question, patience, what)
            else:
                self._refused(session, answer, what)

    def _bear(
        self, session: WinetSession, question: Question, patience: Patience, what: str
    ) -> None:
        """Busy, or not served? What was answered before tells, if it is answered now."""
        last = self._habits.proof
        proof = last if last is not None and last != question else question.proof
        if proof != question and self._has_time(session, proof):
            if not patience.refusal():
                raise RegisterRefused(question.refusal, f"{self._host}: {what}: not served")
            return
        if self._pace.resigned or not patience.pause():
            self._pace.resign()
            raise RegisterRefused(_BUSY_CODE, f"{self._host}: {what}: the dongle stays busy")
        try:
            session.lifeline.wait(self._busy_pause_s)
        except DeviceTimeout:
            self._drop(session)
            raise

    def _has_time(self, session: WinetSession, proof: Question) -> bool:
        try:
            return self._once(session, proof)[0].code == OK
        except RegisterRefused:  # An answer, too; it accuses nothing but the proof.
            return True

    def _refused(self, session: WinetSession, answer: Answer, what: str) -> NoReturn:
        if answer.code == LOCKED:
            self._drop(session)
            self._lockout.heed("read", answer)
            self._lockout.check(self._host)
        if answer.code == NOTICE:
            self._drop(session)
            raise DeviceUnreachable(f"{self._host}: the session has ended ({answer})")
        code = _BUSY_CODE if answer.code == BUSY else _FAILURE_CODE
        raise RegisterRefused(code, f"{self._host}: {what}: {answer}")

    def _once(self, session: WinetSession, question: Question) -> tuple[Answer, tuple[int, ...]]:
        """One request and its answer; the session is dropped unless that was an answer."""
        self._pace.busy = True
        now_s = self._clock.utc_ms() // 1000 if self._clock is not None else 0
        try:
            session.lifeline.wait(self._pace.gap_s())
            answer = question.ask(session, now_s)
            return answer, question.words(answer) if answer.code == OK else ()
        except (RegisterRefused, NotOffered):
            raise
        except (Retry, PeerFault):
            self._drop(session)
            raise
        finally:
            self._pace.answered()

    def _drop(self, session: WinetSession) -> None:
        """End this session, and not one that was begun since it was abandoned."""
        session.end(log_out=False)
        if self._session is session:
            self._session = None


@dataclass(slots=True)
class _Habits:
    """What was learned of this dongle, and outlives its sessions."""

    logs_in: bool = False
    passthrough: bool = True
    proof: Question | None = None
    """What was answered last: asked again when it matters whether the dongle answers at all."""


_UNPIN = (
    "if it was given older firmware or replaced, remove the device and add it again, or remove its "
    "entry from pins.json in the data folder and restart the gateway"
)
