"""A scripted device that hands out keys and speaks enciphered frames; written from the scheme.

It uses nothing of `server.transports.sungrow_cipher`, so that a mistake there shows up here.
"""

from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from server_unit_test.transports.scripted_server import Script

PUBLIC = bytes(range(1, 17))
OTHER_PUBLIC = bytes(range(17, 33))
CONSTANT = b"Grow#0*2Sun68CbE"
KEY_REQUEST = bytes.fromhex("68680000 0006 F704 0AE7 0008")
KEY_HEAD = bytes.fromhex("68680000 0013 F704 10")


def cipher_of(public: bytes) -> Cipher[modes.ECB]:
    """AES-128-ECB with the key that follows from the public one."""
    key = bytes(a ^ b for a, b in zip(public, CONSTANT, strict=True))
    return Cipher(algorithms.AES(key), modes.ECB())


def enciphered(frame: bytes, public: bytes) -> bytes:
    """A frame as it travels; longer ones than the scheme allows lie about their length."""
    padding = 16 - len(frame) % 16
    work = cipher_of(public).encryptor()
    body = work.update(b"\x68\x68" + frame[2:] + b"\xff" * padding) + work.finalize()
    return bytes((1, 0, len(frame) & 0xFF, padding)) + body


def deciphered(wire: bytes, public: bytes) -> bytes:
    """The frame within; its transaction number reads 0x6868."""
    work = cipher_of(public).decryptor()
    return (work.update(wire[4:]) + work.finalize())[: wire[2]]


class Ciphered:
    """A `Script`: the key exchange, and `inner` behind the cipher. Everything may be replaced."""

    def __init__(self, inner: Script, public: bytes = PUBLIC) -> None:
        self.inner = inner
        self.public = public
        self.key_answer: Sequence[bytes] | None = (KEY_HEAD + public,)
        """Pieces that answer the key request, none at all for silence, None to close."""
        self.exchanges = 0
        self.plain = 0
        """Requests that came unciphered, other than for the key."""

    def roll(self, public: bytes) -> None:
        """Midnight: from now on there is another key."""
        self.public = public
        self.key_answer = (KEY_HEAD + public,)

    def __call__(self, request: bytes) -> Sequence[bytes] | None:
        """Answer as the device would."""
        if request == KEY_REQUEST:
            self.exchanges += 1
            return self.key_answer
        if request[:2] != b"\x01\x00" or not request[3]:
            self.plain += 1
            pieces = self.inner(request)
            return None if pieces is None else tuple(pieces)
        frame = deciphered(request, self.public)
        if frame[2:4] != b"\0\0":
            return (enciphered(bytes(9), self.public),)  # Under an old key: garbage for garbage.
        pieces = self.inner(frame)
        return None if pieces is None else [enciphered(each, self.public) for each in pieces]
