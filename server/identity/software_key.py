"""The gateway's identity as a P-256 key in a file: for boxes without a secure element.

The key is made at the first start and never leaves this object. A new identity is a serious
event, because a cloud knows the box by it: a key file that cannot be understood is set aside
and said so in `problem`, as is one that has gone from where a gateway has run; one that cannot
be *read* (an error of the disk, a permission) may be fine tomorrow, so then nothing is made and
the caller gets an IdentityError.
"""

import hashlib
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from server import durable_file
from server.errors import IdentityError

KEY_FILE = "key.pem"

STORE_FOLDER = "store"
"""What every gateway that has run before has beside its key. Settings are no such trace: they may
be prepared before the first start."""

MAX_BROKEN_KEYS = 8
"""Broken keys kept. A ninth means that something eats keys: then a person has to look, because
making new identities for ever, or deleting what may be the true key, would be worse."""

MAX_KEY_FILE_BYTES = 16_384
"""A P-256 key in PEM is about 240 bytes; anything far beyond is not read into memory."""

SERIAL_BYTES = 9
"""Bytes of SHA-256 over the public key that make the serial number: 18 hexadecimal digits, as
secure elements of this kind have them."""

_COORDINATE_BYTES = 32
_ES256 = ec.ECDSA(SHA256())


class SoftwareKey:
    """`ports.Signer`. Any thread may sign."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, problem: str = "") -> None:
        point = key.public_key().public_numbers()
        self._sign = key.sign
        self._public_key = _coordinate(point.x) + _coordinate(point.y)
        self._serial = hashlib.sha256(self._public_key).digest()[:SERIAL_BYTES].hex()
        self._problem = problem

    @classmethod
    def open(cls, folder: Path) -> "SoftwareKey":
        """Read the key in `folder`, or make one where there is none. Raises IdentityError."""
        path = folder / KEY_FILE
        try:
            content = _read(path)
            if content is None:
                return _make_first(path)
            return _from_file(path, content)
        except OSError as error:
            raise IdentityError(
                f"the key {path} can be neither read nor made ({error.strerror or error}): check"
                " the disk and that the folder belongs to this program"
            ) from error

    @property
    def serial(self) -> str:
        """18 hexadecimal digits: the first nine bytes of SHA-256 over `public_key`."""
        return self._serial

    @property
    def public_key(self) -> bytes:
        """The public point, 64 bytes: x then y, big-endian."""
        return self._public_key

    @property
    def problem(self) -> str:
        """What the owner must know about the key file, in words; empty when all is well."""
        return self._problem

    def sign(self, message: bytes) -> bytes:
        """ES256: 64 bytes, r then s, big-endian."""
        r, s = decode_dss_signature(self._sign(message, _ES256))
        return _coordinate(r) + _coordinate(s)


def _coordinate(number: int) -> bytes:
    return number.to_bytes(_COORDINATE_BYTES, "big")


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_FILE_BYTES + 1)
    except FileNotFoundError:
        return None


def _make(path: Path) -> ec.EllipticCurvePrivateKey:
    """Make a key and hand out what is then on disk: only what is kept may sign."""
    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    durable_file.write(path, pem)
    return _parse(path.read_bytes())


def _make_first(path: Path) -> SoftwareKey:
    """Make a key where there is none, and say so where one seems to have been."""
    traces = [each.name for each in (path.with_name(STORE_FOLDER),) if each.exists()]
    traces += [each.name for each in durable_file.asides(path)]
    made = _make(path)
    if not traces:
        return SoftwareKey(made)
    return SoftwareKey(
        made,
        f"There was no {path.name}, though {traces[0]} lies beside it; this box has a new identity,"
        f" {SoftwareKey(made).serial}: put the old key back and start again, or tell the clouds"
        " that knew it.",
    )


def _from_file(path: Path, content: bytes) -> SoftwareKey:
    try:
        key = _parse(content)
    except ValueError as error:
        return _replace_broken(path, str(error))
    return SoftwareKey(key, _close_to_others(path))


def _parse(content: bytes) -> ec.EllipticCurvePrivateKey:
    """Raises ValueError saying what is wrong, never quoting what is in the file."""
    if len(content) > MAX_KEY_FILE_BYTES:
        raise ValueError("it is too large to be a key")
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("it is not a private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != ec.SECP256R1.name:
        raise ValueError("it is not a P-256 key")
    return key


def _replace_broken(path: Path, reason: str) -> SoftwareKey:
    if len(durable_file.asides(path)) >= MAX_BROKEN_KEYS:
        raise IdentityError(
            f"{path} is broken ({reason}) and {MAX_BROKEN_KEYS} broken keys lie beside it:"
            " check the disk, then remove or repair them"
        )
    aside = durable_file.set_aside(path, keep=MAX_BROKEN_KEYS)
    made = _make(path)
    serial = SoftwareKey(made).serial
    return SoftwareKey(
        made,
        f"The key in {path.name} was broken ({reason}); it was moved to {aside.name} and this box"
        f" has a new identity, {serial}: a cloud that knew the old one must be told.",
    )


def _close_to_others(path: Path) -> str:
    """Take away what others may do with the key file; say so if they could."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o077:
        return ""
    os.chmod(path, durable_file.OWNER_ONLY)
    return (
        f"{path.name} could be opened by others (mode {mode:04o}); it is the owner's alone now."
        " If others have been on this machine, make a new key by removing the file."
    )
