"""Noise_NNpsk0_25519_ChaChaPoly_SHA256: two messages, then two ciphers.

The Noise Protocol Framework, revision 34 (noiseprotocol.org), pattern NN with the pre-shared key
mixed in first: `-> psk, e` and `<- e, ee`. The primitives are those of `cryptography`; here stand
only the states that join them (section 5). It knows no radio, no label and no record.

Whoever lacks the key can neither read nor answer the first message; whoever learns it later can
read no session of the past, because each has two keys of its own that are thrown away.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bluetooth.errors import HandshakeFailed, RecordForged, SessionSpent

PROTOCOL_NAME = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"

KEY_BYTES = 32
"""Of the pre-shared key, of each X25519 key and of SHA-256 (Noise, section 12)."""

TAG_BYTES = 16
"""What encryption adds to a message."""

MAX_MESSAGE_BYTES = 65_535
"""Longest Noise message, handshake or transport (Noise, section 3)."""

NONCE_LIMIT = 2**64 - 1
"""Messages under one key; this last nonce itself is reserved (Noise, section 5.1)."""


class Role(Enum):
    """Who speaks first."""

    INITIATOR = "initiator"
    """The phone."""
    RESPONDER = "responder"
    """The box."""


class Cipher:
    """One key and its rising nonce; one direction of a session (Noise, section 5.1)."""

    __slots__ = ("_aead", "_limit", "_nonce")

    def __init__(self, key: bytes, limit: int = NONCE_LIMIT) -> None:
        self._aead = ChaCha20Poly1305(key)
        self._nonce = 0
        self._limit = limit

    def seal(self, plain: bytes, associated: bytes = b"") -> bytes:
        """Encrypt the next message. Raises SessionSpent when the key has served its time."""
        sealed = self._aead.encrypt(self._next_nonce(), plain, associated)
        self._nonce += 1
        return sealed

    def unseal(self, sealed: bytes, associated: bytes = b"") -> bytes:
        """Decrypt the next message; raises RecordForged for any other one, and SessionSpent.

        A message that was refused does not count: the nonce stays where it was.
        """
        nonce = self._next_nonce()
        try:
            plain = self._aead.decrypt(nonce, sealed, associated)
        except InvalidTag:
            raise RecordForged(
                "a record was altered, repeated, or sealed with another key"
            ) from None
        self._nonce += 1
        return plain

    def _next_nonce(self) -> bytes:
        """Four zero bytes, then the count, little-endian (Noise, section 12.3)."""
        if self._nonce >= self._limit:
            raise SessionSpent("this session has sent all it may; open a new one")
        return bytes(4) + self._nonce.to_bytes(8, "little")


@dataclass(frozen=True, slots=True)
class Transport:
    """What a finished handshake leaves."""

    sending: Cipher
    receiving: Cipher
    handshake_hash: bytes
    """32 bytes, the same on both sides and in no other session."""


class Handshake:
    """One side's two messages: `write` and `read` in the order of its role, then `finish`.

    Raises HandshakeFailed for a message that is wrong in any way; the handshake is then over.
    `ephemeral` is given by tests only: it must be new for every handshake.
    """

    def __init__(
        self,
        role: Role,
        pre_shared_key: bytes,
        prologue: bytes,
        ephemeral: X25519PrivateKey | None = None,
    ) -> None:
        if len(pre_shared_key) != KEY_BYTES:
            raise ValueError(f"a pre-shared key has {KEY_BYTES} bytes")
        self._role = role
        self._own = ephemeral or X25519PrivateKey.generate()
        self._theirs: X25519PublicKey | None = None
        self._hash = PROTOCOL_NAME.ljust(KEY_BYTES, b"\0")
        if len(PROTOCOL_NAME) > KEY_BYTES:
            self._hash = hashlib.sha256(PROTOCOL_NAME).digest()
        self._chaining_key = self._hash
        self._cipher: Cipher | None = None
        self._messages = 0
        self._mix_hash(prologue)
        self._mix_key_and_hash(pre_shared_key)

    def write(self, payload: bytes = b"") -> bytes:
        """Our message, with `payload` encrypted in it."""
        self._take_turn(writing=True)
        public = self._own.public_key().public_bytes_raw()
        self._mix_public(public)
        if self._theirs is not None:
            self._mix_shared()
        return public + self._seal(payload)

    def read(self, message: bytes) -> bytes:
        """The payload of the other side's message."""
        self._take_turn(writing=False)
        if not KEY_BYTES + TAG_BYTES <= len(message) <= MAX_MESSAGE_BYTES:
            raise HandshakeFailed(f"a handshake message cannot have {len(message)} bytes")
        public = message[:KEY_BYTES]
        self._theirs = X25519PublicKey.from_public_bytes(public)
        self._mix_public(public)
        if self._role is Role.INITIATOR:
            self._mix_shared()
        return self._unseal(message[KEY_BYTES:])

    def finish(self) -> Transport:
        """Split into the two ciphers of the session (Noise, section 5.2)."""
        if self._messages != 2:
            raise HandshakeFailed("the handshake is not complete")
        first, second = _hkdf(self._chaining_key, b"", 2)
        if self._role is Role.INITIATOR:
            return Transport(Cipher(first), Cipher(second), self._hash)
        return Transport(Cipher(second), Cipher(first), self._hash)

    def _take_turn(self, writing: bool) -> None:
        """The initiator writes the first message, the responder the second; nothing follows."""
        ours = 0 if self._role is Role.INITIATOR else 1
        if self._messages > 1 or (self._messages == ours) is not writing:
            raise HandshakeFailed("a handshake message came out of order")
        self._messages += 1

    def _mix_hash(self, data: bytes) -> None:
        self._hash = hashlib.sha256(self._hash + data).digest()

    def _mix_key(self, material: bytes) -> None:
        self._chaining_key, key = _hkdf(self._chaining_key, material, 2)
        self._cipher = Cipher(key)

    def _mix_key_and_hash(self, material: bytes) -> None:
        self._chaining_key, mixed, key = _hkdf(self._chaining_key, material, 3)
        self._mix_hash(mixed)
        self._cipher = Cipher(key)

    def _mix_public(self, public: bytes) -> None:
        """An ephemeral key enters the key too, since there is a pre-shared one (section 9.2)."""
        self._mix_hash(public)
        self._mix_key(public)

    def _mix_shared(self) -> None:
        assert self._theirs is not None
        try:
            shared = self._own.exchange(self._theirs)
        except ValueError:  # A point of low order: the result would be all zeros.
            raise HandshakeFailed("the other side's key is no usable one") from None
        self._mix_key(shared)

    def _seal(self, plain: bytes) -> bytes:
        assert self._cipher is not None
        sealed = self._cipher.seal(plain, self._hash)
        self._mix_hash(sealed)
        return sealed

    def _unseal(self, sealed: bytes) -> bytes:
        assert self._cipher is not None
        try:
            plain = self._cipher.unseal(sealed, self._hash)
        except RecordForged:
            raise HandshakeFailed("the other side does not hold the secret of this label") from None
        self._mix_hash(sealed)
        return plain


def _hkdf(chaining_key: bytes, material: bytes, outputs: int) -> list[bytes]:
    """HKDF as Noise uses it: no info, the chaining key as salt (Noise, section 4.3)."""
    key = hmac.digest(chaining_key, material, "sha256")
    blocks: list[bytes] = []
    for number in range(1, outputs + 1):
        previous = blocks[-1] if blocks else b""
        blocks.append(hmac.digest(key, previous + bytes([number]), "sha256"))
    return blocks
