"""Sungrow's encrypted Modbus TCP, and plain Modbus TCP where the device wants no encryption.

Owns what was agreed with the device (a session key, or plain frames), the life of its connection
(`sungrow_line`) and the matching of answers to requests. Refuses to know what a register means,
when to try again, and how bytes are enciphered (`sungrow_cipher`).

The vendor has published nothing; the scheme is the one that its originator published in
https://github.com/rpvelloso/Sungrow-Modbus, stated anew in `sungrow_cipher`.

Rules:

1. A device is asked for its key once per agreement. 16 bytes, neither all 0x00 nor all 0xFF, are a
   key; anything else (another length, an exception, silence, a closed connection) means plain.
2. After the exchange the connection is closed and opened anew, as the first clients did and every
   device bears; `reconnects=False` goes on with the same one. The key outlives its connection.
3. Keys change at the device's midnight, which may be any time here. A key of yesterday (UTC) is
   renewed before use, and whatever goes wrong under a key ends it: after the device's midnight an
   old key brings garbage, silence or a closed connection, once.
4. Plain frames that were answered before stay agreed until MAX_PLAIN_FAILURES in a row: a device
   that closes instead of refusing is not asked for a key each time.
5. One request in flight, nothing retried; after any surprise the connection is dropped, so that a
   late answer has none to arrive on. That matters here most: an encrypted answer does not carry
   the number of its request.
6. The length of an encrypted frame travels in one byte, so that 123 words fit and not 125. Longer
   reads are two that overlap, joined at a word that both saw alike: no value of two words is ever
   half of one moment and half of another.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from server.errors import EgretError, LinkClosed, ProtocolError, RegisterRefused
from server.model.device import Space
from server.ports import Clock
from server.transports import sungrow_cipher as cipher
from server.transports.modbus_frame import EXCEPTION, MEANINGS, check_read, check_write
from server.transports.sungrow_line import Line

ANSWER_TIMEOUT_S = 3.0
"""Seconds for an answer: the inverter behind a dongle may take 1 s, the dongle as long again."""
CONNECT_TIMEOUT_S = 5.0
"""Seconds for each address that a host name stands for; two retransmissions of a lost SYN."""
MAX_PLAIN_FAILURES = 3
"""Failures in a row after which a plain device is asked for a key again: its firmware may have
been updated meanwhile."""
MAX_ENCRYPTED_READ_WORDS = (cipher.MAX_PLAIN_BYTES - 9) // 2
"""Words whose answer fits an encrypted frame: 123."""
MAX_ENCRYPTED_WRITE_WORDS = (cipher.MAX_PLAIN_BYTES - 13) // 2
"""Words of a write that fits an encrypted frame: 121. A write is never split: half of it
could fail."""

ILLEGAL_VALUE = 3
"""The exception code of a write that no encrypted frame can carry: the device would say so too."""

_READ_FUNCTION = {Space.INPUT: 4, Space.HOLDING: 3}
_KEY_HEADER_BYTES = 9
_KEY_ANSWER_BYTES = _KEY_HEADER_BYTES + cipher.KEY_BYTES
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class _Agreed:
    """How the device wants to be spoken to; without a key: plainly."""

    key: bytes | None
    day: int | None
    """The day (UTC) of the exchange, where there is a clock."""


class SungrowTcp:
    """A `ports.Transport`. Used by one thread, but for `abort`."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        reconnects: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is connected yet.

        With a clock `timeout_s` bounds a whole answer and keys are renewed each day; without one
        it bounds each piece, and keys live until they fail.
        """
        self._address = (host, port)
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._reconnects = reconnects
        self._clock = clock
        self._line: Line | None = None
        self._agreed: _Agreed | None = None
        self._proven = False
        self._failures = 0

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """As `ports.RegisterReader.read`."""
        check_read(address, count)
        line = self._ready()
        if line.key is None or count <= MAX_ENCRYPTED_READ_WORDS:
            words = self._words(line, unit_id, space, address, count)
        else:
            words = self._long_read(line, unit_id, space, address, count)
        self._settled(line)
        return words

    def write(self, unit_id: int, address: int, words: Sequence[int]) -> None:
        """As `ports.RegisterWriter.write`."""
        check_write(address, words)
        count = len(words)
        line = self._ready()
        request = f"write to {address}+{count} of unit {unit_id}"
        if line.key is not None and count > MAX_ENCRYPTED_WRITE_WORDS:
            self._settled(line)
            most = f"an encrypted frame carries {MAX_ENCRYPTED_WRITE_WORDS} words; write fewer"
            raise RegisterRefused(ILLEGAL_VALUE, f"{self._name}: {request}: {most}")
        line.strict.expect_echo(address, words)
        if count == 1:
            message = struct.pack(">BHH", 6, address, words[0])
        else:
            message = struct.pack(f">BHHB{count}H", 16, address, count, 2 * count, *words)
        self._ask(line, unit_id, message, request)
        self._settled(line)

    def open(self) -> None:
        """As `ports.Session.open`. What has to be agreed with the device is agreed here."""
        if self._line is not None and self._line.tcp.idle() and not self._stale():
            return
        self.close()
        if self._stale():
            self._agreed = None
        line = Line(self._address, self._timeout_s, self._connect_timeout_s, self._clock)
        self._line = line
        try:
            line.tcp.dial()
            agreed = self._agreed or self._agree(line)
            line.key = agreed.key
            line.tcp.busy = False
        except (EgretError, OSError, UnicodeError) as error:
            self._drop(line)
            line.tcp.cannot_connect(error)

    def close(self) -> None:
        """As `ports.Session.close`."""
        line, self._line = self._line, None
        if line is not None and not (line.tcp.aborted and line.tcp.busy):
            line.tcp.close()  # An abandoned call closes its own, once it has noticed.

    def abort(self) -> None:
        """As `ports.Session.abort`."""
        line = self._line
        if line is not None:
            line.tcp.abort()

    @property
    def _name(self) -> str:
        return "{}:{}".format(*self._address)

    def _today(self) -> int | None:
        return self._clock.utc_ms() // _DAY_MS if self._clock else None

    def _stale(self) -> bool:
        """True when a key was handed out on another day."""
        agreed = self._agreed
        return agreed is not None and agreed.key is not None and agreed.day != self._today()

    def _agree(self, line: "Line") -> _Agreed:
        """Ask for the key; leaves a connection on which the next request may be sent.

        What was agreed is kept even if the device, which may serve one client only, does not let
        us back in at once.
        """
        today = self._today()
        try:
            line.tcp.send(cipher.KEY_REQUEST)
            answer = line.tcp.receive(_key_came)
            clean = len(answer) <= _KEY_ANSWER_BYTES
        except (EgretError, OSError):
            answer, clean = b"", False
        if line.tcp.aborted:  # By now another call may have agreed on something.
            raise LinkClosed("broken off")
        key = cipher.session_key(answer[_KEY_HEADER_BYTES:])
        agreed = self._agreed = _Agreed(key, today)
        self._proven, self._failures = False, 0
        if not clean or (key is not None and self._reconnects):
            line.tcp.dial()
        return agreed

    def _ready(self) -> "Line":
        """A connection with nothing on it."""
        self.open()
        assert self._line is not None
        self._line.tcp.busy = True
        return self._line

    def _words(
        self, line: "Line", unit_id: int, space: Space, address: int, count: int
    ) -> tuple[int, ...]:
        function = _READ_FUNCTION[space]
        line.strict.expect_words(function, count)
        message = struct.pack(">BHH", function, address, count)
        self._ask(line, unit_id, message, f"{space} {address}+{count} of unit {unit_id}")
        return line.strict.words

    def _long_read(
        self, line: "Line", unit_id: int, space: Space, address: int, count: int
    ) -> tuple[int, ...]:
        """Two reads, joined where they agree; see rule 6."""
        most = MAX_ENCRYPTED_READ_WORDS
        first = self._words(line, unit_id, space, address, most)
        shift = count - most
        if line.surplus:
            self._broken(line, ProtocolError(f"{self._name}: more than one answer", b""))
        second = self._words(line, unit_id, space, address + shift, most)
        for index in range(shift, most):
            if first[index] == second[index - shift]:
                return first[:index] + second[index - shift :]
        self._broken(line, ProtocolError(f"{self._name}: two reads at once share no word", b""))

    def _ask(self, line: "Line", unit_id: int, message: bytes, request: str) -> None:
        """Send a request and accept its answer; raises what the device refused."""
        line.number = line.number % 0xFFFF + 1
        header = struct.pack(">HHHB", line.number, 0, len(message) + 1, unit_id)
        try:
            frame = line.converse(header + message)
            _, answer = line.strict.handleFrame(frame, unit_id, line.number)
        except (EgretError, OSError) as error:
            self._broken(line, error)
        line.surplus = line.surplus or line.strict.surplus
        self._proven, self._failures = True, 0
        assert answer is not None
        code = answer.exception_code
        if code or answer.function_code & EXCEPTION:
            self._settled(line)
            meaning = MEANINGS.get(code, "unknown exception")
            raise RegisterRefused(code, f"{self._name}: {request}: exception {code}, {meaning}")

    def _settled(self, line: "Line") -> None:
        """The call is over; give up a connection that has bytes left over."""
        line.tcp.busy = False
        if line.surplus:
            self._drop(line)

    def _drop(self, line: "Line") -> None:
        """Close this connection, and not one that was opened since it was abandoned."""
        line.tcp.close()
        if self._line is line:
            self._line = None

    def _broken(self, line: "Line", error: Exception) -> NoReturn:
        """Drop the connection, perhaps what was agreed, and raise what it means."""
        if self._line is line:
            self._distrust()
        self._drop(line)
        line.tcp.fail(error)

    def _distrust(self) -> None:
        """Rules 3 and 4: whether the device is to be asked for a key again."""
        self._failures += 1
        encrypted = self._agreed is not None and self._agreed.key is not None
        if encrypted or not self._proven or self._failures >= MAX_PLAIN_FAILURES:
            self._agreed = None


def _key_came(data: bytes) -> bool:
    """True when the answer to the key request is complete.

    The header of a full answer means nothing: published clients skip it unread.
    """
    if len(data) >= _KEY_ANSWER_BYTES:
        return True
    if len(data) < _KEY_HEADER_BYTES or data[:4] != cipher.KEY_REQUEST[:4]:
        return False
    return bool(data[7] & EXCEPTION) or len(data) >= _KEY_HEADER_BYTES + data[8]
