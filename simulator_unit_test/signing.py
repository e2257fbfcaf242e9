"""A gateway's half of the wire format, for tests: a key and what it signs."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

GATEWAY = "0123456789abcdef01"
BOOT = "00000000000000b1"


def b64url(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Gateway:
    """Signs deliveries with a key of its own."""

    serial: str = GATEWAY
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def public_key(self) -> str:
        """x || y in hex."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return point[1:].hex()

    def sign(self, header: Any, payload: Any) -> bytes:
        """Any header and payload, signed."""
        parts = [b64url(json.dumps(part).encode()) for part in (header, payload)]
        signed = ".".join(parts)
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}".encode()

    def header(self, sequences: dict[int, int], **changes: object) -> dict[str, object]:
        """A good header for readings by millisecond, with some fields changed."""
        header: dict[str, object] = {
            "alg": "ES256",
            "typ": "JWT",
            "device": self.serial,
            "opr": "production",
            "model": "sungrow_hybrid",
            "dtype": "modbus_registers",
            "sn": "A2212345678",
            "boot": BOOT,
            "seq": {str(ms): sequence for ms, sequence in sequences.items()},
            "clock": {str(ms): "synced" for ms in sequences},
        }
        return header | changes

    def deliver(self, sequences: dict[int, int], word: int = 7, **changes: object) -> bytes:
        """A good delivery of readings by millisecond, each with two registers."""
        payload = {str(ms): {"13000": word, "4999": 0x0E03} for ms in sequences}
        return self.sign(self.header(sequences, **changes), payload)
