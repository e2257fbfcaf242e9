"""Messages in pieces that fit a write or a notification: the lowest layer of a session.

    fragment   [header] [data ...]          at most as long as one write or notification
    header     bit 7: first of its message; bit 6: last of it; bits 0 to 5: number, modulo 64

The number rises by one with each fragment of one direction, whatever message it belongs to, and
begins at 0 with the message that opens a session. A first fragment drops what was unfinished. Pure:
it knows no time, no kind of message and no secret.

The box sends at most WINDOW fragments that the phone has not acknowledged: a system that drops
notifications when it has too many would break the session else. The phone acknowledges every
ACK_EVERY fragments; the box needs to acknowledge nothing, because each write is answered by the
radio itself.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from bluetooth.errors import BluetoothError
from bluetooth.gatt import MAX_VALUE_BYTES

FIRST = 0x80
LAST = 0x40
NUMBERS = 64

MIN_FRAGMENT_BYTES = 20
"""A notification at the smallest MTU, 23: what every phone can take."""

MAX_FRAGMENT_BYTES = MAX_VALUE_BYTES
"""A value has no more, whatever the MTU."""

WINDOW = 16
"""Fragments on their way. 16 of 244 bytes fill a connection event of every phone."""

ACK_EVERY = 8
"""Half of WINDOW: the box never has to stop while the phone keeps up."""

MAX_WAITING_BYTES = 2 * 1024**2
"""Of everything that waits to be sent to one phone; beyond, the phone is too slow for us."""


class FragmentWrong(BluetoothError):
    """A fragment that cannot be: its text says why."""


class MessageTooLong(FragmentWrong):
    """A message grew beyond its bound."""


class TooMuchWaiting(BluetoothError):
    """More waits to be sent than may."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment taken apart."""

    is_first: bool
    is_last: bool
    number: int
    data: bytes


def parse(fragment: bytes) -> Piece:
    """Read one fragment. Raises FragmentWrong."""
    if len(fragment) < 2:
        raise FragmentWrong("a fragment has a header and at least one byte of data")
    header = fragment[0]
    return Piece(
        bool(header & FIRST), bool(header & LAST), header & (NUMBERS - 1), bytes(fragment[1:])
    )


def cut(message: bytes, fragment_bytes: int) -> Iterator[tuple[int, bytes]]:
    """`message` as (flags, data) of each fragment, still without numbers."""
    room = fragment_bytes - 1
    starts = range(0, len(message), room)
    for start in starts:
        first = FIRST if start == 0 else 0
        last = LAST if start == starts[-1] else 0
        yield first | last, message[start : start + room]


class Joiner:
    """Puts the fragments of one direction together again."""

    __slots__ = ("_buffer", "_expected", "_max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._expected = 0
        self._buffer: bytearray | None = None

    @property
    def waits(self) -> bool:
        """Whether a message has begun and more of it must come."""
        return self._buffer is not None

    def add(self, piece: Piece) -> bytes | None:
        """The message when `piece` completes it. Raises FragmentWrong, MessageTooLong."""
        if piece.number != self._expected:
            raise FragmentWrong(f"fragment {piece.number} came instead of {self._expected}")
        self._expected = (self._expected + 1) % NUMBERS
        if piece.is_first:
            self._buffer = bytearray()
        if self._buffer is None:
            raise FragmentWrong("a message began in its middle")
        self._buffer += piece.data
        if len(self._buffer) > self._max_bytes:
            raise MessageTooLong(f"a message may have at most {self._max_bytes} bytes")
        if not piece.is_last:
            return None
        message = bytes(self._buffer)
        self._buffer = None
        return message


class Outbox:
    """Fragments waiting for their turn, and how many are on their way."""

    __slots__ = ("_bytes", "_flying", "_fragment_bytes", "_number", "_waiting", "_window")

    def __init__(self, fragment_bytes: int = MIN_FRAGMENT_BYTES, window: int = WINDOW) -> None:
        self._fragment_bytes = fragment_bytes
        self._window = window
        self._number = 0
        self._waiting: deque[tuple[int, bytes]] = deque()  # bounded by MAX_WAITING_BYTES
        self._bytes = 0
        self._flying: deque[int] = deque(maxlen=window)

    @property
    def waits(self) -> bool:
        """Whether something could not be sent yet."""
        return bool(self._waiting)

    def put(self, message: bytes) -> None:
        """Queue a message. Raises TooMuchWaiting, and then takes nothing of it."""
        if self._bytes + len(message) > MAX_WAITING_BYTES:
            raise TooMuchWaiting("the phone takes too slowly what it asked for")
        self._bytes += len(message)
        self._waiting.extend(cut(message, self._fragment_bytes))

    def take(self) -> list[bytes]:
        """What may be sent now; it counts as sent."""
        taken = []
        while self._waiting and len(self._flying) < self._window:
            flags, data = self._waiting.popleft()
            self._bytes -= len(data)
            self._flying.append(self._number)
            taken.append(bytes([flags | self._number]) + data)
            self._number = (self._number + 1) % NUMBERS
        return taken

    def acknowledge(self, number: int) -> bool:
        """All up to fragment `number` arrived; False when that one is not on its way."""
        if number not in self._flying:
            return False
        while self._flying.popleft() != number:
            pass
        return True

    def last_words(self, message: bytes) -> list[bytes]:
        """Fragments of a message that goes out at once, instead of everything that waits."""
        self._waiting.clear()
        self._flying.clear()
        self._bytes = 0
        sent = []
        for flags, data in cut(message, self._fragment_bytes):
            sent.append(bytes([flags | self._number]) + data)
            self._number = (self._number + 1) % NUMBERS
        return sent
