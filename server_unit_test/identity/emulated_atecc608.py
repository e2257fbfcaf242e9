"""An ATECC608 beneath the real cryptoauthlib: it hears the library's own packets and answers them.

It takes the place of the I2C driver (the library's hardware abstraction layer), so everything
above it is what runs on a box: packets, checksums, waking, retries. Written from the data sheet:
a packet is count, opcode, parameter 1, parameter 2 (low byte first), data, CRC-16 (polynomial
0x8005, low bit first); an answer is count, data or one status byte, CRC-16.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import cryptoauthlib
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

COMMUNICATION_FAILED = 0xF0
AWAKE = bytes((0x04, 0x11, 0x33, 0x43))
REVISION = bytes((0x00, 0x00, 0x60, 0x03))
STATUS_EXECUTION = b"\x0f"
STATUS_PARSE = b"\x03"
INFO, NONCE, READ, SIGN, GENKEY, RANDOM = 0x30, 0x16, 0x02, 0x41, 0x40, 0x1B
COMMAND, SLEEP, IDLE = 0x03, 0x01, 0x02
LOCKED, OPEN = 0x00, 0x55

_I2C = 0
_INIT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_ONE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_SEND = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_uint8, ctypes.POINTER(ctypes.c_uint8), ctypes.c_int
)
_RECEIVE = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_uint8,
    ctypes.POINTER(ctypes.c_uint8),
    ctypes.POINTER(ctypes.c_uint16),
)
_CONTROL = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_uint8, ctypes.c_void_p, ctypes.c_size_t
)


class _Driver(ctypes.Structure):
    _fields_ = [
        ("init", _INIT),
        ("post_init", _ONE),
        ("send", _SEND),
        ("receive", _RECEIVE),
        ("control", _CONTROL),
        ("release", _ONE),
    ]


def crc16(data: bytes) -> bytes:
    """The chip's checksum."""
    register = 0
    for byte in data:
        for place in range(8):
            bit, top = byte >> place & 1, register >> 15
            register = register << 1 & 0xFFFF
            if bit != top:
                register ^= 0x8005
    return register.to_bytes(2, "little")


class EmulatedAtecc608:
    """One chip on the bus. Its attributes may be changed while it runs."""

    def __init__(self, serial: str = "0123a1b2c3d4e5f6ee", address: int = 0x6A) -> None:
        self.serial = bytes.fromhex(serial)
        self.address = address
        self.key: ec.EllipticCurvePrivateKey | None = ec.generate_private_key(ec.SECP256R1())
        self.locked = True
        self.there = True
        self.garbled_signatures = 0
        """So many of the next signatures have a bit turned over, checksum and all."""
        self.silences = 0
        """So many of the next packets are not answered."""
        self.heard: list[int] = []
        """Opcodes, in order."""
        self._digest = b""
        self._answer = b""
        self._asked_address = 0

    # -- the bus -------------------------------------------------------------------------------

    @property
    def _absent(self) -> bool:
        return not self.there or self._asked_address != self.address

    def _init(self, _face: int, configuration: int) -> int:
        told = cryptoauthlib.ATCAIfaceCfg.from_address(configuration)
        self._asked_address = int(told.cfg.atcai2c.address)
        return 0

    def _send(self, _face: int, word: int, data: Any, length: int) -> int:
        if self._absent:
            return COMMUNICATION_FAILED
        if word == COMMAND:
            self._answer = self._packet(bytes(data[:length]))
        elif word in (SLEEP, IDLE) or not length:
            self._answer = self._answer or AWAKE
        return 0

    def _receive(self, _face: int, _word: int, data: Any, length: Any) -> int:
        if self._absent or not self._answer:
            return COMMUNICATION_FAILED
        part = self._answer[: length[0]]
        self._answer = self._answer[len(part) :]
        for place, byte in enumerate(part):
            data[place] = byte
        length[0] = len(part)
        return 0

    # -- the chip ------------------------------------------------------------------------------

    def _packet(self, packet: bytes) -> bytes:
        if self.silences:
            self.silences -= 1
            return b""
        body, check = packet[:-2], packet[-2:]
        if len(packet) != packet[0] or crc16(body) != check:
            return _framed(b"\xff")
        opcode, first, second = body[1], body[2], int.from_bytes(body[3:5], "little")
        self.heard.append(opcode)
        does: dict[int, Callable[[int, int, bytes], bytes]] = {
            INFO: lambda *_: REVISION,
            RANDOM: lambda *_: bytes(32),
            READ: self._read,
            NONCE: self._nonce,
            GENKEY: self._public,
            SIGN: self._sign,
        }
        act = does.get(opcode)
        return _framed(act(first, second, body[5:]) if act else STATUS_PARSE)

    def _read(self, first: int, address: int, _data: bytes) -> bytes:
        lock = LOCKED if self.locked else OPEN
        block = bytearray(128)
        block[0:4], block[4:8], block[8:13] = self.serial[:4], REVISION, self.serial[4:]
        block[86], block[87], block[88:90] = lock, lock, b"\xff\xff"
        start = (address >> 3) * 32 + (address & 7) * 4
        return bytes(block[start : start + (32 if first & 0x80 else 4)])

    def _nonce(self, first: int, _second: int, data: bytes) -> bytes:
        self._digest = data
        return b"\x00"

    def _public(self, _first: int, _slot: int, _data: bytes) -> bytes:
        if self.key is None:
            return STATUS_EXECUTION
        point = self.key.public_key().public_numbers()
        return point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")

    def _sign(self, _first: int, slot: int, _data: bytes) -> bytes:
        if self.key is None or slot != 0 or len(self._digest) != 32:
            return STATUS_EXECUTION
        r, s = decode_dss_signature(self.key.sign(self._digest, ec.ECDSA(Prehashed(SHA256()))))
        signature = bytearray(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        if self.garbled_signatures:
            self.garbled_signatures -= 1
            signature[5] ^= 0x10
        return bytes(signature)

    @contextmanager
    def on_the_bus(self) -> Iterator["EmulatedAtecc608"]:
        """Stand in for the I2C driver until the end of the block."""
        cryptoauthlib.load_cryptoauthlib()
        library = cryptoauthlib.get_cryptoauthlib()
        driver = _Driver(
            _INIT(self._init),
            _ONE(lambda _: 0),
            _SEND(self._send),
            _RECEIVE(self._receive),
            _CONTROL(lambda *_: 0),
            _ONE(lambda _: 0),
        )
        register = library.hal_iface_register_hal
        register(_I2C, ctypes.byref(driver), None, None, None)
        try:
            yield self
        finally:
            cryptoauthlib.atcab_release()
            register(_I2C, ctypes.byref(_own_driver()), None, None, None)


@cache
def _own_driver() -> ctypes.Structure:
    """The library's I2C driver, which lives as long as the process, as the library expects."""
    library = cryptoauthlib.get_cryptoauthlib()
    names = ("init", "post_init", "send", "receive", "control", "release")
    driver = _Driver()
    for name in names:
        kind = dict(_Driver._fields_)[name]
        setattr(driver, name, ctypes.cast(getattr(library, f"hal_i2c_{name}"), kind))
    return driver


def _framed(data: bytes) -> bytes:
    body = bytes((len(data) + 3,)) + data
    return body + crc16(body)
