"""The gateway's identity in an ATECC608 on the I2C bus, through Microchip's cryptoauthlib.

Rules.
- The private key is in slot 0 and never leaves the chip; serial and public key are the chip's.
- Which chip this box has is remembered in a file at its first use. From then on the box is that
  chip: while it does not answer nothing is signed, and no other key takes its place, because what
  has been kept for a cloud under one name must not go out under another.
- Each signature is checked with the public key before anybody sees it: a disturbed bus may cost a
  second attempt, never a batch that no cloud can verify.
- The library keeps one chip for the whole process and is not safe for threads, while each sink
  signs on a lane of its own: hence the one lock, with a time limit.

Sources: Microchip ATECC608A data sheet summary DS40001977, CryptoAuthLib's `atca_basic.h`.
"""

import hashlib
import json
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from server import durable_file
from server.errors import IdentityError, SignerUnavailable

log = logging.getLogger(__name__)

KNOWN_FILE = "secure_element.json"

MAX_KNOWN_FILE_BYTES = 4_096
"""The file holds two numbers in 200 bytes."""

SIGN_ATTEMPTS = 3
"""A disturbed bus costs one attempt, a chip that lost its power two; a third failure is real."""

TURN_TIMEOUT_S = 10.0
"""Longest wait for the other lanes' signatures: 60 ms each, three attempts, many sinks."""

_SERIAL_BYTES = 9
_POINT_BYTES = 64


class Chip(Protocol):
    """One secure element. Raises ChipSilent where it does not answer as it should."""

    def reach(self) -> bytes:
        """Wake it, wherever it is; its serial number, 9 bytes."""
        ...

    def public_key(self) -> bytes:
        """The public half of slot 0: 64 bytes, x then y. Raises ChipBlank without a key."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """Slot 0 over a SHA-256 digest: 64 bytes, r then s."""
        ...


class ChipSilent(Exception):
    """No answer, or none that holds; the text says what was asked."""


class ChipBlank(Exception):
    """A chip that answers and cannot sign: it has never been given its key."""


@dataclass(frozen=True, slots=True)
class Known:
    """Which chip this box has: serial number and public key."""

    serial: bytes
    public_key: bytes

    def __post_init__(self) -> None:
        if len(self.serial) != _SERIAL_BYTES or len(self.public_key) != _POINT_BYTES:
            raise ValueError("a serial number has 9 bytes and a public key 64")


class SecureElement:
    """`ports.Signer`. Any thread may sign; one at a time does."""

    def __init__(self, chip: Chip, known: Known, problem: str = "") -> None:
        self._chip = chip
        self._known = known
        self._problem = problem
        self._turn = threading.Lock()
        self._reached = not problem
        point = b"\x04" + known.public_key
        self._verify = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point).verify

    @property
    def serial(self) -> str:
        """18 hexadecimal digits, as the chip tells them."""
        return self._known.serial.hex()

    @property
    def public_key(self) -> bytes:
        """The public point, 64 bytes: x then y, big-endian."""
        return self._known.public_key

    @property
    def problem(self) -> str:
        """What the owner must know, in words; empty when the chip answered at the start."""
        return self._problem

    def sign(self, message: bytes) -> bytes:
        """ES256: 64 bytes, r then s. Raises SignerUnavailable: the chip may be back later."""
        digest = hashlib.sha256(message).digest()
        if not self._turn.acquire(timeout=TURN_TIMEOUT_S):
            raise SignerUnavailable("the secure element is busy with other signatures")
        try:
            return self._signed(digest)
        finally:
            self._turn.release()

    def _signed(self, digest: bytes) -> bytes:
        failure = ""
        for _ in range(SIGN_ATTEMPTS):
            try:
                self._reach()
                return self._checked(self._chip.sign(digest), digest)
            except ChipSilent as error:
                self._reached = False
                failure = str(error)
        raise SignerUnavailable(f"the secure element does not answer ({failure})")

    def _reach(self) -> None:
        """After a failure the chip is looked for again, and must be the same one."""
        if self._reached:
            return
        serial = self._chip.reach()
        if serial != self._known.serial:
            raise SignerUnavailable(
                f"another secure element ({serial.hex()}) answers than the one that this box is"
                f" known by ({self.serial}): put the old one back"
            )
        log.info("secure element found again", extra={"serial": self.serial})
        self._reached = True

    def _checked(self, signature: bytes, digest: bytes) -> bytes:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            self._verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA256())))
        except InvalidSignature as error:
            raise ChipSilent("its signature does not hold") from error
        return signature


def open_element(folder: Path, chip: Chip) -> SecureElement | None:
    """The chip that answers, or the one that this box is known by; None for a box with neither.

    Raises IdentityError for a chip that differs from the known one, for one without a key, and for
    a file about it that cannot be understood while no chip answers.
    """
    path = folder / KNOWN_FILE
    try:
        serial = chip.reach()
        found = Known(serial, chip.public_key())
    except ChipSilent as error:
        log.info("no secure element answers", extra={"reason": str(error)})
        return _absent(path, chip)
    except ChipBlank as error:
        if path.exists():
            raise IdentityError(
                f"the secure element of this box has lost its key ({error}); if it has to be given"
                f" up, remove {path}: the box then has a new identity"
            ) from error
        log.warning("the secure element has no key", extra={"reason": str(error)})
        return None
    return SecureElement(chip, _same_as_ever(path, found))


def _absent(path: Path, chip: Chip) -> SecureElement | None:
    known = _read(path)
    if known is None:
        return None
    return SecureElement(
        chip,
        known,
        f"The secure element {known.serial.hex()} does not answer. Readings are kept, and are"
        " delivered once it is back; nothing is signed with another key.",
    )


def _same_as_ever(path: Path, found: Known) -> Known:
    try:
        known = _read(path)
    except IdentityError as error:
        log.warning("the secure element is remembered anew", extra={"reason": str(error)})
        known = None
    if known is None:
        _write(path, found)
    elif known != found:
        raise IdentityError(
            f"this box is known by the secure element {known.serial.hex()}, but"
            f" {found.serial.hex()} answers: put the old one back, or remove {path} to begin with a"
            " new identity"
        )
    return found


def _read(path: Path) -> Known | None:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KNOWN_FILE_BYTES + 1)
        told = json.loads(content[:MAX_KNOWN_FILE_BYTES])
        return Known(bytes.fromhex(told["serial"]), bytes.fromhex(told["public_key"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IdentityError(f"{path} cannot be read ({error.strerror}): check the disk") from error
    except (ValueError, TypeError, KeyError) as error:
        raise IdentityError(
            f"{path}, which tells the secure element that this box is known by, is broken: connect"
            " that chip again, or remove the file to begin with a new identity"
        ) from error


def _write(path: Path, known: Known) -> None:
    told = {"serial": known.serial.hex(), "public_key": known.public_key.hex()}
    try:
        durable_file.write(path, json.dumps(told).encode())
    except OSError as error:
        raise IdentityError(
            f"{path} cannot be written ({error.strerror or error}): check the disk and that the"
            " folder belongs to this program"
        ) from error
