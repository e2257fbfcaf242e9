"""GET crypto: the gateway's identity. Only the public half; `signing` is elsewhere."""

from base64 import b64encode
from hashlib import sha256

import msgspec

from server.api.call import Call, Nothing, Reply, answer

_SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""RFC 5480: SubjectPublicKeyInfo of a P-256 point, up to the point itself."""
_UNCOMPRESSED = b"\x04"
_COMPACT_VERSION = b"\x00\x00"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Crypto(msgspec.Struct, frozen=True):
    """Who the gateway is."""

    deviceName: str  # noqa: N815  # The contract's spelling, as are those below.
    serialNumber: str  # noqa: N815
    publicKey: str  # noqa: N815
    publicKey_pem: str  # noqa: N815
    compactKey: str  # noqa: N815
    chipDeathCount: str  # noqa: N815


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The identity."""
    return answer(identity(call))


def identity(call: Call[Nothing, Nothing]) -> Crypto:
    """The identity, for `state` as well."""
    services = call.context.services
    point = services.signer.public_key
    return Crypto(
        deviceName=services.key_name,
        serialNumber=services.signer.serial,
        publicKey=point.hex(),
        publicKey_pem=pem(point),
        compactKey=compact_key(point),
        chipDeathCount="0",
    )


def pem(point: bytes) -> str:
    """The public key as every other program reads it."""
    text = b64encode(_SPKI_P256 + _UNCOMPRESSED + point).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def compact_key(point: bytes) -> str:
    """The x coordinate in base58check, as Helium onboarding names a gateway."""
    payload = _COMPACT_VERSION + point[:32]
    return base58(payload + sha256(sha256(payload).digest()).digest()[:4])


def base58(data: bytes) -> str:
    """Base58 with Bitcoin's alphabet: each leading zero byte is a leading 1."""
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    zeros = len(data) - len(data.lstrip(b"\x00"))
    return "1" * zeros + digits
