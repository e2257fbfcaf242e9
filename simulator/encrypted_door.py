"""The encrypted Modbus port: a key for whoever asks, AES frames from then on, plain ones as well.

It owns the key exchange, the cipher and when keys change. It knows nothing of registers: requests
are answered by `modbus_server`, whose limits and troubles hold here too.

The vendor has published nothing. The scheme is the one that its originator published in
https://github.com/rpvelloso/Sungrow-Modbus, put in our words:

- A read of 8 input registers from wire 2791 of unit 247 is answered with 16 bytes: the public key
  of the day, which is another after each of the plant's midnights. All 0x00, all 0xFF or fewer
  bytes say that this device speaks plainly.
- The session key is the public key XOR a constant that is the same in every device: nothing is
  kept secret by this. The cipher is AES-128 in ECB mode.
- A frame travels as 01 00, its length, its padding (1 to 16 bytes of 0xFF, never none), and the
  enciphered bytes, in which clients put 68 68 for the transaction number. Answers look alike, and
  repeat that number; their order alone says to which request they belong.

Rules. The key belongs to the day and not to the connection, so a client may close after the
exchange and come back, or go on. A connection that was handed a key speaks enciphered from then
on; one that never asked may speak plainly, unless the door is to hang up on it (`answers_plain`),
which it does while it has keys to hand out. What an old key enciphered is garbage to the device,
which hangs up, or answers with garbage of its own (`answers_garbage`). A length travels in one
byte, so an answer of more than 255 bytes is refused with exception 3: 123 registers are the most.
"""

import asyncio
import hashlib
from collections.abc import Callable
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulator.door import ENCRYPTED
from simulator.face import Face
from simulator.modbus_pdu import ILLEGAL_VALUE, MAX_PDU_BYTES, READ_INPUT
from simulator.modbus_server import HEADER_BYTES, ModbusDoor, read_frame
from simulator.trouble import Troubles

BLOCK_BYTES = 16
"""Of AES, and of a key."""

MAX_FRAME_BYTES = 255
"""The longest frame within: its length is one byte."""

SHORT_KEY_BYTES = 8
"""What a device gives whose key is too short to be one."""

KEY_UNIT = 0xF7
KEY_QUESTION = bytes((READ_INPUT, 0x0A, 0xE7, 0x00, 0x08))

_SHARED = b"Grow#0*2Sun68CbE"
_OUTER_BYTES = 4
_DAY_S = 86_400
_UNREADABLE = bytes.fromhex("68680000 0002 00 41")
"""What a request under another key is taken for: unit 0, which no plant has."""


class Keys(StrEnum):
    """What the port hands out to whoever asks for a key."""

    DAILY = "daily"
    """A key that is another after each midnight."""
    ZEROS = "zeros"
    """Sixteen times 0x00: the device speaks plainly."""
    ONES = "ones"
    """Sixteen times 0xFF: the device speaks plainly."""
    SHORT = "short"
    """Half a key: the device speaks plainly."""


PublicKey = Callable[[int], bytes]
"""Day, counted from 1970 on -> the public key of that day."""


def public_keys(keys: Keys, serial: str) -> PublicKey:
    """The public keys of a device."""
    blank = {
        Keys.ZEROS: bytes(BLOCK_BYTES),
        Keys.ONES: b"\xff" * BLOCK_BYTES,
        Keys.SHORT: bytes(range(1, SHORT_KEY_BYTES + 1)),
    }
    if keys in blank:
        return lambda day: blank[keys]
    return lambda day: hashlib.sha256(f"{serial}/{day}".encode()).digest()[:BLOCK_BYTES]


def session_cipher(public: bytes) -> Cipher[modes.ECB] | None:
    """What follows from a public key; None when it means that frames stay plain."""
    if len(public) != BLOCK_BYTES or len(set(public)) == 1 and public[0] in (0x00, 0xFF):
        return None
    session = bytes(ours ^ theirs for ours, theirs in zip(_SHARED, public, strict=True))
    return Cipher(algorithms.AES(session), modes.ECB())


def seal(frame: bytes, cipher: Cipher[modes.ECB]) -> bytes:
    """A frame of at most MAX_FRAME_BYTES as it travels."""
    padding = BLOCK_BYTES - len(frame) % BLOCK_BYTES
    encryptor = cipher.encryptor()
    body = encryptor.update(frame + b"\xff" * padding) + encryptor.finalize()
    return bytes((0x01, 0x00, len(frame), padding)) + body


def unseal(outer: bytes, body: bytes, cipher: Cipher[modes.ECB]) -> bytes | None:
    """The frame within; None when there is none, as under another key."""
    decryptor = cipher.decryptor()
    frame = (decryptor.update(body) + decryptor.finalize())[: outer[2]]
    length = int.from_bytes(frame[4:6], "big")
    whole = 2 <= length <= MAX_PDU_BYTES + 1 and len(frame) == length + 6
    return frame if whole and frame[2:4] == b"\0\0" else None


def is_outer(head: bytes) -> bool:
    """Whether four bytes begin an enciphered frame. No plain request can look like that: where
    these have two lengths it has its protocol id, which is 0."""
    length, padding = head[2], head[3]
    return (
        head[:2] == b"\x01\x00"
        and length > HEADER_BYTES
        and 1 <= padding <= BLOCK_BYTES
        and (length + padding) % BLOCK_BYTES == 0
    )


class EncryptedDoor:
    """A port that speaks both. What its constructor takes may be changed while it is open."""

    name = ENCRYPTED

    def __init__(
        self,
        face: Face,
        troubles: Troubles,
        keys: Keys = Keys.DAILY,
        answers_garbage: bool = False,
        answers_plain: bool = True,
    ) -> None:
        self._face = face
        self._troubles = troubles
        self.public: PublicKey = public_keys(keys, face.serial)
        self.answers_garbage = answers_garbage
        self.answers_plain = answers_plain
        self.exchanges = 0
        """Keys handed out so far."""
        self._door = ModbusDoor(face, troubles, self.name, self._talk)

    @property
    def requests(self) -> int:
        """Requests understood so far, whatever became of them."""
        return self._door.requests

    @property
    def connections(self) -> int:
        """Clients connected now."""
        return self._door.connections

    def hand_out(self, keys: Keys) -> None:
        """From now on, keys of this kind."""
        self.public = public_keys(keys, self._face.serial)

    async def open(self, host: str, port: int) -> int:
        """As Door."""
        return await self._door.open(host, port)

    async def close(self) -> None:
        """As Door."""
        await self._door.close()

    def key_of_today(self) -> bytes:
        """The public key: its day ends with the plant's, or when a wrong clock thinks so."""
        shown_s = self._face.now_s() + self._troubles.clock_shift_s(self.name)
        return self.public(int(shown_s // _DAY_S))

    @property
    def insists(self) -> bool:
        """Whether plain requests are hung up on today."""
        return not self.answers_plain and session_cipher(self.key_of_today()) is not None

    def _talk(self) -> "_BothTalk":
        return _BothTalk(self)


class _BothTalk:
    """One connection: told apart request by request, answered the way it asked."""

    def __init__(self, door: EncryptedDoor) -> None:
        self._door = door
        self._cipher: Cipher[modes.ECB] | None = None
        self._handed_out = False

    async def request(self, reader: asyncio.StreamReader) -> bytes | None:
        """As modbus_server.Talk."""
        head = await reader.readexactly(_OUTER_BYTES)
        if is_outer(head):
            return self._opened(head, await reader.readexactly(head[2] + head[3]))
        self._cipher = None
        header = head + await reader.readexactly(HEADER_BYTES - _OUTER_BYTES)
        frame = await read_frame(reader, header)
        refused = self._handed_out or self._door.insists
        return frame if not refused or _asks_for_key(frame) else None

    def answer(self, frame: bytes) -> bytes | None:
        """As modbus_server.Talk: the key is the port's own affair."""
        if not _asks_for_key(frame):
            return None
        key = self._door.key_of_today()
        self._handed_out = session_cipher(key) is not None
        self._door.exchanges += 1
        return bytes((READ_INPUT, len(key))) + key

    def sealed(self, frame: bytes) -> bytes:
        """As modbus_server.Talk."""
        if self._cipher is None:
            return frame
        if len(frame) > MAX_FRAME_BYTES:
            refusal = bytes((frame[HEADER_BYTES] | 0x80, ILLEGAL_VALUE))
            frame = frame[:4] + b"\0\3" + frame[6:HEADER_BYTES] + refusal
        return seal(frame, self._cipher)

    def _opened(self, head: bytes, body: bytes) -> bytes | None:
        self._cipher = session_cipher(self._door.key_of_today())
        frame = None if self._cipher is None else unseal(head, body, self._cipher)
        if frame is None and self._cipher is not None and self._door.answers_garbage:
            return _UNREADABLE
        return frame


def _asks_for_key(frame: bytes | None) -> bool:
    return frame is not None and frame[6] == KEY_UNIT and frame[HEADER_BYTES:] == KEY_QUESTION
