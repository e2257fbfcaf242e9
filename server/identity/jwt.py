"""Signed tokens: a header and a payload, ES256, in the compact form of RFC 7515.

Pure: it knows neither keys (a Signer is passed in) nor what the claims mean. Written by hand
because a harvest is 12 kB and the usual libraries spend four times the time of the signature on
encoding it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from server.ports import Signer

ALGORITHM = "ES256"

_json = msgspec.json.Encoder()


def encode(header: Mapping[str, Any], payload: bytes | Mapping[Any, Any], signer: Signer) -> bytes:
    """Return `header.payload.signature`.

    `header` is completed with alg and typ, which come first. A `bytes` payload is signed as it
    stands; a mapping becomes JSON, its int keys strings.
    """
    claims = {"alg": ALGORITHM, "typ": "JWT", **header}
    body = payload if isinstance(payload, bytes) else _json.encode(payload)
    signed = _base64url(_json.encode(claims)) + b"." + _base64url(body)
    return signed + b"." + _base64url(signer.sign(signed))


def _base64url(content: bytes) -> bytes:
    """Base 64 in the alphabet for URLs, unpadded.

    msgspec writes bytes as a base 64 string, a third faster than binascii; and two replacements
    that find little cost a fiftieth of a translation.
    """
    quoted = _json.encode(content)
    return quoted[1:-1].rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_")
