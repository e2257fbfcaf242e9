"""One phone's encrypted session, the box's side: bytes in, requests out. No radio, no clock.

Fragments (bluetooth.fragment) make messages, messages (bluetooth.record) make a handshake
(bluetooth.noise) and then records; requests inside are EGWTTP text, whole. What is received is
bounded in bytes, number and time; whatever is wrong ends the session with a close that says why,
and the caller learns whether it was a bad attempt.

A session stands (`Opened`) only when the phone's first record was decrypted: a recorded hello
that somebody sends again gets an answer that is of no use to him, and if it was used on this box
since its start, not even that.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluetooth import egwttp
from bluetooth.errors import HandshakeFailed, RecordForged, SessionSpent
from bluetooth.fragment import (
    FragmentWrong,
    Joiner,
    MessageTooLong,
    Outbox,
    Piece,
    TooMuchWaiting,
    parse,
)
from bluetooth.noise import KEY_BYTES, Handshake, Role, Transport
from bluetooth.record import (
    BAD_ATTEMPTS,
    MAX_MESSAGE_BYTES,
    Close,
    EventKind,
    Kind,
    Reason,
    Record,
    RecordType,
    SessionFault,
    parse_close,
    parse_hello,
    parse_record,
    records,
)

HANDSHAKE_TIMEOUT_S = 20.0
"""From the first fragment of the hello to the first record: four writes and a tap on a screen."""

MESSAGE_TIMEOUT_S = 60.0
"""For the rest of a message or of a request. A phone sends one in a second; one that cannot agree
on a larger MTU than 23 needs 270 writes of 50 ms each for 5 kB."""

IDLE_TIMEOUT_S = 120.0
"""Without a word from the phone and without a request of its own under way."""

ACK_TIMEOUT_S = 20.0
"""For an acknowledgement while something waits: four times what a bad connection needs."""

MAX_REQUEST_BYTES = egwttp.MAX_HEAD_BYTES + egwttp.MAX_BODY_BYTES + 64
"""Of one request, its records put together: what EGWTTP allows, and its empty line."""

MAX_HELLOS_REMEMBERED = 1024
"""Hellos of this box's phones since its start; only who holds the secret can add to them."""


class Phase(StrEnum):
    """How far a session is."""

    NONE = "none"
    WELCOMED = "welcomed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Opened:
    """The phone has shown that it holds the secret."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request is complete; answer it with `answer(id, ...)`."""

    id: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The session, or the attempt at one, is over; requests under way need no answer."""

    reason: Reason
    bad_attempt: bool
    told: bool
    """Whether the phone is told; a phone that said goodbye is not."""


Heard = Opened | Asked | Ended


class Hellos:
    """The phones' one-time keys that were used on this box since its start."""

    __slots__ = ("_keys", "_order")

    def __init__(self) -> None:
        self._order: deque[bytes] = deque(maxlen=MAX_HELLOS_REMEMBERED)
        self._keys: set[bytes] = set()

    def is_new(self, key: bytes) -> bool:
        """Whether `key` was not here before; from now on it was."""
        if key in self._keys:
            return False
        if len(self._order) == MAX_HELLOS_REMEMBERED:
            self._keys.discard(self._order[0])
        self._order.append(key)
        self._keys.add(key)
        return True


class Session:
    """What the box knows of one phone's session. Every call is told the time.

    After each call `take` gives the fragments to notify.
    """

    def __init__(
        self,
        session_key: bytes,
        hellos: Hellos,
        ephemeral: X25519PrivateKey | None = None,
    ) -> None:
        """`ephemeral` is given by tests and by the example in the docs only."""
        self._key = session_key
        self._ephemeral = ephemeral
        self._hellos = hellos
        self._phase = Phase.NONE
        self._joiner = Joiner(MAX_MESSAGE_BYTES)
        self._outbox = Outbox()
        self._transport: Transport | None = None
        self._request: tuple[int, bytearray] | None = None
        self._events: dict[EventKind, bytes] = {}
        self._urgent: list[bytes] = []
        self._deadlines = _Deadlines()
        self._deaf = False

    @property
    def phase(self) -> Phase:
        """How far it is."""
        return self._phase

    @property
    def is_over(self) -> bool:
        """Whether there is nothing of it any more, not even a beginning."""
        return self._phase is Phase.NONE and not self._deadlines.runs

    def take(self, now: float) -> list[bytes]:
        """Fragments that may be sent now, in order; they count as sent."""
        taken = self._outbox.take()
        while self._events and not self._outbox.waits:
            kind = next(iter(self._events))
            self._send(RecordType.EVENT, kind, self._events.pop(kind), now)
            taken += self._outbox.take()
        taken, self._urgent = self._urgent + taken, []
        return taken

    def receive(self, value: bytes, now: float) -> list[Heard]:
        """A phone wrote `value`. Never raises."""
        try:
            piece = parse(value)
            ended = self._begin_anew(now) if begins_hello(piece) else []
            if self._phase is Phase.NONE and not self._joiner.waits and not begins_hello(piece):
                return self._no_session()
            message = self._joiner.add(piece)
            self._deadlines.heard(now, waits=self._joiner.waits or self._request is not None)
            return ended + (self._message(message, now) if message else [])
        except FragmentWrong as wrong:
            too_long = isinstance(wrong, MessageTooLong)
            reason = Reason.TOO_LARGE if too_long else Reason.MALFORMED
            return self.end(reason, str(wrong))
        except SessionFault as fault:
            return self.end(fault.reason, fault.text)

    def answer(self, request_id: int, text: bytes, now: float) -> list[Heard]:
        """Send the answer to a request; nothing when the session is over."""
        if self._phase is not Phase.OPEN:
            return []
        return self._send(RecordType.ANSWER, request_id, text, now)

    def tell(self, kind: EventKind, value: bytes) -> None:
        """Send an event; while others wait only the newest of each kind is kept."""
        if self._phase is Phase.OPEN:
            self._events[kind] = value

    def check(self, now: float, is_answering: bool = False) -> list[Heard]:
        """End it when a deadline has passed. While the phone waits for an answer
        (`is_answering`: joining a Wi-Fi takes minutes) it need not say anything."""
        if is_answering and self._phase is Phase.OPEN:
            self._deadlines.answering(now)
        overdue = self._deadlines.overdue(now, self._outbox.waits)
        return self.end(*overdue) if overdue else []

    def end(self, reason: Reason, text: str, tell: bool = True) -> list[Heard]:
        """End it, and what had begun of one; the phone is told with everything that waits gone."""
        begun = self._phase is not Phase.NONE or self._deadlines.runs
        self._forget()
        if tell:
            self._urgent += self._outbox.last_words(Close(reason, text).encode())
        # The rest of what the phone is just sending is passed over, until its next hello.
        self._deaf = True
        bad = reason in BAD_ATTEMPTS
        return [Ended(reason, bad, tell)] if begun or bad else []

    def _forget(self) -> None:
        self._phase = Phase.NONE
        self._joiner = Joiner(MAX_MESSAGE_BYTES)
        self._transport = None
        self._request = None
        self._events.clear()
        self._deadlines.stop()

    def _begin_anew(self, now: float) -> list[Heard]:
        """A hello begins: whatever there was before is over."""
        ended: list[Heard] = []
        if self._phase is not Phase.NONE:
            ended = [Ended(Reason.GOODBYE, False, False)]
        self._forget()
        self._outbox = Outbox()
        self._deaf = False
        self._deadlines.start(now)
        return ended

    def _no_session(self) -> list[Heard]:
        """Said once, not for each fragment of what the phone sends into the void."""
        if not self._deaf:
            # One fragment, which a phone takes whatever number it expects.
            close = Close(Reason.NO_SESSION, "begin anew")
            self._outbox = Outbox()
            self._urgent += self._outbox.last_words(close.encode())
        self._deaf = True
        return []

    def _message(self, message: bytes, now: float) -> list[Heard]:
        kind = message[0]
        if kind == Kind.HELLO:
            return self._greet(message)
        if kind == Kind.CLOSE:
            return self.end(parse_close(message).reason, "", tell=False)
        if kind == Kind.RECORD and self._transport is not None:
            return self._take_record(self._open(message[1:]), now)
        if kind == Kind.ACK and len(message) == 2:
            return self._acknowledged(message[1], now)
        raise SessionFault(Reason.MALFORMED, f"a message of kind {kind:02x} has no place here")

    def _greet(self, message: bytes) -> list[Heard]:
        hello = parse_hello(message)
        handshake = Handshake(Role.RESPONDER, self._key, hello.prologue(), self._ephemeral)
        try:
            handshake.read(hello.handshake)
            if not self._hellos.is_new(hello.handshake[:KEY_BYTES]):
                raise SessionFault(Reason.REPLAYED, "this hello was used before: make a new one")
            welcome = handshake.write()
        except HandshakeFailed as failed:
            raise SessionFault(Reason.WRONG_SECRET, str(failed)) from None
        self._outbox = Outbox(hello.granted_bytes)
        self._outbox.put(bytes([Kind.WELCOME]) + welcome)
        self._transport = handshake.finish()
        self._phase = Phase.WELCOMED
        return []

    def _open(self, sealed: bytes) -> Record:
        assert self._transport is not None
        try:
            return parse_record(self._transport.receiving.unseal(sealed))
        except RecordForged as forged:
            raise SessionFault(Reason.FORGED, str(forged)) from None
        except SessionSpent as spent:
            raise SessionFault(Reason.SPENT, str(spent)) from None

    def _take_record(self, record: Record, now: float) -> list[Heard]:
        heard: list[Heard] = []
        if self._phase is Phase.WELCOMED:
            self._phase = Phase.OPEN
            self._deadlines.opened()
            heard.append(Opened())
        if record.type is not RecordType.REQUEST:
            raise SessionFault(Reason.MALFORMED, "a phone sends requests only")
        asked = self._collect(record)
        self._deadlines.heard(now, waits=self._request is not None)
        return heard + ([asked] if asked else [])

    def _collect(self, record: Record) -> Asked | None:
        """Put the records of one request together."""
        request_id, buffer = self._request or (record.id, bytearray())
        if request_id != record.id:
            raise SessionFault(Reason.MALFORMED, "a request began before the last one was complete")
        buffer += record.data
        if len(buffer) > MAX_REQUEST_BYTES:
            text = f"a request may have at most {MAX_REQUEST_BYTES} bytes"
            raise SessionFault(Reason.TOO_LARGE, text)
        self._request = (request_id, buffer) if record.more else None
        return None if record.more else Asked(request_id, bytes(buffer))

    def _acknowledged(self, number: int, now: float) -> list[Heard]:
        if self._outbox.acknowledge(number):
            self._deadlines.acknowledged(now)
        return []

    def _send(self, kind: RecordType, number: int, data: bytes, now: float) -> list[Heard]:
        assert self._transport is not None
        try:
            for record in records(kind, number, data):
                sealed = self._transport.sending.seal(record.encode())
                self._outbox.put(bytes([Kind.RECORD]) + sealed)
        except SessionSpent as spent:
            return self.end(Reason.SPENT, str(spent))
        except TooMuchWaiting as slow:
            return self.end(Reason.TOO_SLOW, str(slow))
        self._deadlines.sent(now)
        return []


class _Deadlines:
    """When a session is over for lack of something."""

    __slots__ = ("_acknowledged_at", "_begun_at", "_heard_at", "_waits_since")

    def __init__(self) -> None:
        self.stop()

    @property
    def runs(self) -> bool:
        """Whether a session, or the beginning of one, is there to be ended."""
        return self._heard_at is not None

    def stop(self) -> None:
        """There is no session."""
        self._begun_at: float | None = None
        self._heard_at: float | None = None
        self._waits_since: float | None = None
        self._acknowledged_at = 0.0

    def start(self, now: float) -> None:
        """The first fragment of a hello came."""
        self._begun_at = self._heard_at = now

    def opened(self) -> None:
        """The handshake is over."""
        self._begun_at = None

    def heard(self, now: float, waits: bool) -> None:
        """Something came; `waits`: it is the beginning of something that is not complete."""
        self._heard_at = now
        if not waits:
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = now

    def answering(self, now: float) -> None:
        """The phone waits for us."""
        self._heard_at = now

    def sent(self, now: float) -> None:
        """Something was queued: from now on an acknowledgement is due."""
        self._acknowledged_at = max(self._acknowledged_at, now)

    def acknowledged(self, now: float) -> None:
        """Fragments arrived."""
        self._acknowledged_at = now

    def overdue(self, now: float, sending: bool) -> tuple[Reason, str] | None:
        """Reason and words when one of them has passed."""
        if self._heard_at is None:
            return None
        if self._begun_at is not None and now - self._begun_at >= HANDSHAKE_TIMEOUT_S:
            return Reason.TIMEOUT, "the session was not opened in time"
        if self._waits_since is not None and now - self._waits_since >= MESSAGE_TIMEOUT_S:
            return Reason.TIMEOUT, "the rest of a message did not come in time"
        if sending and now - self._acknowledged_at >= ACK_TIMEOUT_S:
            return Reason.TOO_SLOW, "nothing was acknowledged for too long"
        if not sending and now - self._heard_at >= IDLE_TIMEOUT_S:
            return Reason.TIMEOUT, "nothing was asked for too long"
        return None


def begins_hello(piece: Piece) -> bool:
    return piece.is_first and piece.number == 0 and piece.data[0] == Kind.HELLO
