"""One encrypted session, the phone's side: for our client and for the tests of the box's side.

The mirror of bluetooth.session: requests in, writes out; notifications in, answers and events out.
No radio, no clock; who uses it times what it waits for.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluetooth.errors import HandshakeFailed, RecordForged
from bluetooth.fragment import (
    ACK_EVERY,
    MIN_FRAGMENT_BYTES,
    NUMBERS,
    FragmentWrong,
    Joiner,
    cut,
    parse,
)
from bluetooth.noise import Handshake, Role, Transport
from bluetooth.record import (
    MAX_MESSAGE_BYTES,
    Close,
    EventKind,
    Hello,
    Kind,
    Reason,
    Record,
    RecordType,
    SessionFault,
    parse_close,
    parse_record,
    prologue,
    records,
)

MAX_ANSWER_BYTES = 2 * 1024**2
"""Of one answer; the box holds back no more than this."""


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The box holds the same secret: ask."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to request `id`, EGWTTP text."""

    id: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """An event; `kind` is one of EventKind, or a number that this version does not know."""

    kind: EventKind | int
    value: bytes


Got = Welcomed | Answered | Told | Close


class PhoneSession:
    """One session from its hello to its end; a new one for the next."""

    def __init__(
        self,
        session_key: bytes,
        write_bytes: int = MIN_FRAGMENT_BYTES,
        notification_bytes: int = MIN_FRAGMENT_BYTES,
        ephemeral: X25519PrivateKey | None = None,
    ) -> None:
        """`write_bytes` and `notification_bytes`: what the connection carries, its MTU - 3.

        `ephemeral` is given by tests only.
        """
        self._write_bytes = write_bytes
        self._notification_bytes = notification_bytes
        self._handshake = Handshake(
            Role.INITIATOR, session_key, prologue(notification_bytes), ephemeral
        )
        self._transport: Transport | None = None
        self._joiner = Joiner(MAX_MESSAGE_BYTES)
        self._number = 0
        self._heard = 0
        self._answers: dict[int, bytearray] = {}
        self._acks: list[bytes] = []

    @property
    def is_welcome(self) -> bool:
        """Whether requests may be sent."""
        return self._transport is not None

    def hello(self) -> list[bytes]:
        """The writes that begin the session."""
        return self._fragments(Hello(self._notification_bytes, self._handshake.write()).encode())

    def ask(self, request_id: int, text: bytes) -> list[bytes]:
        """The writes of a request; `request_id` (0 to 255) comes back with its answer."""
        assert self._transport is not None, "wait for the welcome"
        writes: list[bytes] = []
        for record in records(RecordType.REQUEST, request_id, text):
            sealed = self._transport.sending.seal(record.encode())
            writes += self._fragments(bytes([Kind.RECORD]) + sealed)
        return writes

    def goodbye(self) -> list[bytes]:
        """The writes that end the session."""
        return self._fragments(Close(Reason.GOODBYE, "").encode())

    def acknowledgements(self) -> list[bytes]:
        """Writes that are due after what was received, not in the middle of a request."""
        acks, self._acks = self._acks, []
        return [each for ack in acks for each in self._fragments(ack)]

    def receive(self, notification: bytes) -> list[Got]:
        """Take one notification of the session characteristic. Raises SessionFault."""
        try:
            piece = parse(notification)
            if piece.is_first and piece.is_last and piece.data[0] == Kind.CLOSE:
                return [parse_close(piece.data)]  # Also from a box that forgot our numbers.
            message = self._joiner.add(piece)
        except FragmentWrong as wrong:
            raise SessionFault(Reason.MALFORMED, f"the box: {wrong}") from None
        self._heard += 1
        if self._heard % ACK_EVERY == 0:
            # One is enough for all before it.
            self._acks = [bytes([Kind.ACK, piece.number])]
        return self._message(message) if message else []

    def _fragments(self, message: bytes) -> list[bytes]:
        fragments = []
        for flags, data in cut(message, self._write_bytes):
            fragments.append(bytes([flags | self._number]) + data)
            self._number = (self._number + 1) % NUMBERS
        return fragments

    def _message(self, message: bytes) -> list[Got]:
        kind = message[0]
        if kind == Kind.CLOSE:
            return [parse_close(message)]
        if kind == Kind.WELCOME and self._transport is None:
            try:
                self._handshake.read(message[1:])
            except HandshakeFailed as failed:
                raise SessionFault(Reason.WRONG_SECRET, f"the box: {failed}") from None
            self._transport = self._handshake.finish()
            return [Welcomed()]
        if kind == Kind.RECORD and self._transport is not None:
            return self._record(message[1:])
        raise SessionFault(Reason.MALFORMED, f"the box sent a message of kind {kind:02x}")

    def _record(self, sealed: bytes) -> list[Got]:
        assert self._transport is not None
        try:
            record = parse_record(self._transport.receiving.unseal(sealed))
        except RecordForged as forged:
            raise SessionFault(Reason.FORGED, f"the box: {forged}") from None
        if record.type is RecordType.EVENT:
            known = record.id in [int(each) for each in EventKind]
            return [Told(EventKind(record.id) if known else record.id, record.data)]
        if record.type is RecordType.ANSWER:
            return self._answer(record)
        raise SessionFault(Reason.MALFORMED, "the box sent a request")

    def _answer(self, record: Record) -> list[Got]:
        buffer = self._answers.setdefault(record.id, bytearray())
        buffer += record.data
        if len(buffer) > MAX_ANSWER_BYTES:
            raise SessionFault(Reason.TOO_LARGE, "the box's answer has no end")
        if record.more:
            return []
        return [Answered(record.id, bytes(self._answers.pop(record.id)))]
