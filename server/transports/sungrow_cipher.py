"""The encrypted form of Modbus TCP that some Sungrow dongles ask for: pure functions over bytes.

Owns the session key and the framing. Refuses to know sockets.

The dongle hands out a 16-byte public key; the session key is that XOR a constant that is the same
in every device, so this is obfuscation and protects nothing. Frames are AES-128 in ECB mode behind
four bytes: a number (1), zero, the length of the frame within, how many bytes pad it. Answers are
matched to requests by order alone: one request may be in flight.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from server.errors import ProtocolError

KEY_REQUEST = bytes.fromhex("68680000 0006 F7 04 0AE7 0008")
"""An ordinary read of 8 registers from wire 2791 of unit 247: the public key."""
KEY_BYTES = 16
"""Length of the public key and of the session key."""
MAX_PLAIN_BYTES = 255
"""Longest frame within: its length travels in one byte."""

_CONSTANT = b"Grow#0*2Sun68CbE"
_MARK = b"\x68\x68"
_HEADER_BYTES = 4


def session_key(public: bytes) -> bytes | None:
    """The key for what follows; None when the device wants plain Modbus."""
    if len(public) != KEY_BYTES or public in (bytes(KEY_BYTES), b"\xff" * KEY_BYTES):
        return None
    return bytes(a ^ b for a, b in zip(public, _CONSTANT, strict=True))


def wrap(frame: bytes, key: bytes) -> bytes:
    """A Modbus TCP frame as it travels. Its transaction number stays here: see `unwrap`."""
    if not 8 <= len(frame) <= MAX_PLAIN_BYTES:
        raise ValueError(f"no frame of {len(frame)} bytes can be wrapped")
    padding = KEY_BYTES - len(frame) % KEY_BYTES
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    plain = _MARK + frame[2:] + b"\xff" * padding
    return bytes((1, 0, len(frame), padding)) + encryptor.update(plain) + encryptor.finalize()


def wrapped_bytes(header: bytes) -> int:
    """How many bytes follow the first four."""
    if len(header) < _HEADER_BYTES or header[0] != 1 or header[1] != 0:
        raise ProtocolError("not an encrypted frame", header)
    count = header[2] + header[3]
    if not 1 <= header[3] <= KEY_BYTES or count % KEY_BYTES or header[2] < 8:
        raise ProtocolError("an encrypted frame of impossible length", header)
    return count


def unwrap(data: bytes, key: bytes, transaction: bytes) -> bytes:
    """The Modbus TCP frame within, with the two bytes of its request's transaction number."""
    count = wrapped_bytes(data)
    if len(data) != _HEADER_BYTES + count:
        raise ProtocolError(f"{len(data) - _HEADER_BYTES} bytes instead of {count}", data)
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    plain = decryptor.update(data[_HEADER_BYTES:]) + decryptor.finalize()
    return transaction + plain[2 : data[2]]
