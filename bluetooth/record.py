"""What a session's messages say: their kinds, their fields, and the words for its end.

A message (fragments put together) begins with its kind:

    hello    01 [version 01] [fragment bytes, 2, big-endian] [Noise message 1, 48 bytes]   phone
    welcome  02 [Noise message 2, 48 bytes]                                                box
    record   03 [encrypted: [type] [id] [flags] [data ...]; 16 bytes of tag]               both
    ack      04 [number of the last fragment that arrived]                                 phone
    close    05 [reason] [words, UTF-8 ...]                                                both

Records are numbered by their order alone; the ciphers refuse any other. Types:

    request  01 id: the phone's choice, told again with the answer; data: EGWTTP, whole    phone
    answer   02 id: of the request; data: EGWTTP, whole                                    box
    event    03 id: what happened (EventKind); data: as the characteristic of that name    box

What is longer than MAX_RECORD_DATA_BYTES goes in several records of the same type and id, all but
the last with flag 01 (more follows). Of requests only one may be unfinished at a time.

`close` is in the clear: it may be sent when there is no key yet, and who could forge it could as
well cut the connection. A phone shows its words and believes them no further.
"""

from dataclasses import dataclass
from enum import IntEnum

from bluetooth.errors import BluetoothError
from bluetooth.fragment import MAX_FRAGMENT_BYTES, MIN_FRAGMENT_BYTES
from bluetooth.noise import KEY_BYTES, TAG_BYTES

VERSION = 1
"""Of this format; a hello with another is refused in words."""

PROLOGUE = b"egret session"
"""Mixed into the handshake, followed by the plain fields of the hello: who changes them on the
way is found out."""

HANDSHAKE_BYTES = KEY_BYTES + TAG_BYTES

MAX_RECORD_DATA_BYTES = 4096
"""Data of one record: little memory for a message, little overhead for the tag."""

_RECORD_HEAD_BYTES = 3
MAX_MESSAGE_BYTES = 1 + _RECORD_HEAD_BYTES + MAX_RECORD_DATA_BYTES + TAG_BYTES
"""Of every message; a record is the longest."""

MAX_CLOSE_CHARACTERS = 120
"""Words of a close, so that they arrive even in the smallest fragments without any ack."""

_MORE = 0x01


class Kind(IntEnum):
    """First byte of a message."""

    HELLO = 0x01
    WELCOME = 0x02
    RECORD = 0x03
    ACK = 0x04
    CLOSE = 0x05


class RecordType(IntEnum):
    """First byte of a record, inside."""

    REQUEST = 0x01
    ANSWER = 0x02
    EVENT = 0x03


class EventKind(IntEnum):
    """`id` of an event."""

    PROGRESS = 0x01
    """Joining a Wi-Fi goes on: the value of the progress characteristic."""
    DOOR = 0x02
    """The door's state changed: the value of that characteristic."""


class Reason(IntEnum):
    """Why a session ended."""

    GOODBYE = 0x01
    """One side is done."""
    WRONG_SECRET = 0x02
    """The phone does not hold this label's secret. Counts as a bad attempt."""
    REPLAYED = 0x03
    """A hello that was used before. Counts as a bad attempt."""
    FORGED = 0x04
    """A record was altered, repeated or out of order. Counts as a bad attempt."""
    MALFORMED = 0x05
    """Bytes that are none of the above."""
    TOO_LARGE = 0x06
    """A message or a request beyond its bound."""
    TIMEOUT = 0x07
    """The rest of something did not come, or nothing came for too long."""
    DOOR_CLOSED = 0x08
    """The window is closed or paused."""
    VERSION = 0x09
    """The phone speaks another version."""
    NO_SESSION = 0x0A
    """There is none (the box may have been started anew): begin with a hello."""
    SPENT = 0x0B
    """One key may not serve longer: open a new session."""
    TOO_SLOW = 0x0C
    """The phone acknowledges nothing, or more waits for it than may."""


_RECORD_TYPES = frozenset(int(each) for each in RecordType)
_REASONS = {int(each): each for each in Reason}

BAD_ATTEMPTS = frozenset({Reason.WRONG_SECRET, Reason.REPLAYED, Reason.FORGED})
"""Ends that only somebody without the secret brings about."""


class SessionFault(BluetoothError):
    """What ends a session: the reason that the other side is told, and words."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(reason, text)
        self.reason = reason
        self.text = text

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Hello:
    """The phone's first message."""

    fragment_bytes: int
    """The longest notification that it can take whole: its MTU - 3."""
    handshake: bytes

    def encode(self) -> bytes:
        """The bytes of the message."""
        return bytes([Kind.HELLO]) + _plain_fields(self.fragment_bytes) + self.handshake

    def prologue(self) -> bytes:
        """What both sides mix into the handshake first."""
        return prologue(self.fragment_bytes)

    @property
    def granted_bytes(self) -> int:
        """The fragments that the box sends from now on."""
        return min(max(self.fragment_bytes, MIN_FRAGMENT_BYTES), MAX_FRAGMENT_BYTES)


def prologue(fragment_bytes: int) -> bytes:
    """PROLOGUE and the plain fields of a hello."""
    return PROLOGUE + _plain_fields(fragment_bytes)


def parse_hello(message: bytes) -> Hello:
    """Read a whole hello. Raises SessionFault."""
    if len(message) < 2 or message[1] != VERSION:
        raise SessionFault(Reason.VERSION, f"this box speaks version {VERSION} of the session")
    if len(message) != 4 + HANDSHAKE_BYTES:
        raise SessionFault(Reason.MALFORMED, f"a hello has {4 + HANDSHAKE_BYTES} bytes")
    return Hello(int.from_bytes(message[2:4], "big"), message[4:])


@dataclass(frozen=True, slots=True)
class Record:
    """A record, decrypted."""

    type: RecordType
    id: int
    data: bytes
    more: bool = False

    def encode(self) -> bytes:
        """The bytes that are encrypted."""
        return bytes([self.type, self.id, _MORE if self.more else 0]) + self.data


def parse_record(plain: bytes) -> Record:
    """Read what a cipher opened. Raises SessionFault."""
    if len(plain) < _RECORD_HEAD_BYTES or plain[2] not in (0, _MORE):
        raise SessionFault(Reason.MALFORMED, "a record has a type, an id and flags 00 or 01")
    if plain[0] not in _RECORD_TYPES:
        raise SessionFault(Reason.MALFORMED, f"there is no record of type {plain[0]:02x}")
    return Record(RecordType(plain[0]), plain[1], plain[_RECORD_HEAD_BYTES:], bool(plain[2]))


def records(record_type: RecordType, record_id: int, data: bytes) -> list[Record]:
    """`data` in as many records as it needs; at least one."""
    starts = range(0, max(1, len(data)), MAX_RECORD_DATA_BYTES)
    return [
        Record(
            record_type,
            record_id,
            data[start : start + MAX_RECORD_DATA_BYTES],
            more=start != starts[-1],
        )
        for start in starts
    ]


@dataclass(frozen=True, slots=True)
class Close:
    """The end of a session, in words."""

    reason: Reason
    text: str

    def encode(self) -> bytes:
        """The bytes of the message."""
        words = self.text[:MAX_CLOSE_CHARACTERS].encode("utf-8", "replace")
        return bytes([Kind.CLOSE, self.reason]) + words


def parse_close(message: bytes) -> Close:
    """Read a close. An unknown reason counts as MALFORMED; never raises."""
    code = message[1] if len(message) > 1 else 0
    reason = _REASONS.get(code, Reason.MALFORMED)
    return Close(reason, message[2:].decode("utf-8", "replace")[:MAX_CLOSE_CHARACTERS])


def _plain_fields(fragment_bytes: int) -> bytes:
    return bytes([VERSION]) + fragment_bytes.to_bytes(2, "big")
