"""The owner's password, digested and compared. Pure but for the time it takes: a tenth of a second.

scrypt (RFC 7914) because it needs memory as well as time: who has stolen the file pays for both.
"""

import hmac
import secrets
from hashlib import scrypt

from server.model.access import Password

COST = 2**14
"""With blocks of 8: 16 MB and a tenth of a second on a Raspberry Pi, where the whole gateway has
256 MB. One digest is made at a time."""

BLOCK = 8
PARALLEL = 1

MAX_COST = 2**17
"""Of a file from elsewhere: a crafted one may not take more memory than this times a kilobyte."""

SALT_BYTES = 16
"""Chance beside each password, so that equal ones have different digests."""
DIGEST_BYTES = 32
"""256 bits; nothing shorter would be worth its costs."""

_MEMORY_BYTES = 256 * 1024**2


def digested(text: str, salt: bytes | None = None) -> Password:
    """A new password as it is kept."""
    chosen = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    return Password(chosen, _digest(text, chosen, COST, BLOCK, PARALLEL), COST, BLOCK, PARALLEL)


def is_right(text: str, kept: Password) -> bool:
    """Whether `text` is the password that is kept."""
    digest = _digest(text, kept.salt, kept.cost, kept.block, kept.parallel)
    return hmac.compare_digest(digest, kept.digest)


def _digest(text: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    if not 2 <= cost <= MAX_COST or block != BLOCK or parallel != PARALLEL:
        raise ValueError("a digest of costs that no gateway uses")
    return scrypt(
        text.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=cost,
        r=block,
        p=parallel,
        maxmem=_MEMORY_BYTES,
        dklen=DIGEST_BYTES,
    )
