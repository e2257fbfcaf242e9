"""POST crypto/sign and jwt/create: the owner has the gateway's key vouch for what he says.

The key also signs what the gateway itself says: its harvests, and whose it is. So nothing that is
signed here may be taken for one of those, whatever the owner, or somebody in his name, asks for:

- a text begins with TEXT_OPENING, and holds bars. A token has none, for its alphabet has no bar;
  `serial:wallet` and `serial:time` begin with the serial.
- a token's header begins with its type, TOKEN_TYPE (RFC 8725 3.11). A harvest's type is JWT, so no
  two of them begin alike; and no header by which a receiver knows a gateway's own is taken.
"""

import re
import secrets
from datetime import UTC, datetime
from typing import Any

import msgspec

from server.api.call import Call, Nothing, Reply, answer
from server.api.refusals import BadRequest
from server.identity import jwt
from server.ports import Clock

TEXT_OPENING = "egret-text-1"
TOKEN_TYPE = "egret-owner+jwt"

MAX_MESSAGE = 1_024
"""Characters of a message: a challenge or a sentence, no document."""
MAX_EXPIRES_S = 86_400
"""A token that vouches for longer than a day would outlive what it says."""
EXPIRES_S = 300
"""Seconds that a token counts when nobody says."""
MAX_HEADERS = 8
"""Headers of the caller's own."""
MAX_CLAIMS_BYTES = 16 * 1024
"""JSON of the claims; a harvest has as much."""

RESERVED_HEADERS = frozenset(
    "alg typ cty crit b64 kid jwk jku x5u x5c x5t x5t#S256 zip "
    "device opr model dtype sn subKey gateway".split()
)
"""Headers that say what a token is and whose; ours to write, or nobody's."""

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_NONCE_BYTES = 8


class SignWish(msgspec.Struct, frozen=True):
    """A message without bars and line breaks, a time like 2026-06-21T12:00:00Z; or neither."""

    message: str = ""
    timestamp: str = ""


class Signed(msgspec.Struct, frozen=True):
    """`message` is exactly what was signed: opening, message if any, nonce, time, serial.

    `sign` is r then s in hex: ECDSA with P-256 over SHA-256.
    """

    message: str
    sign: str


class TokenWish(msgspec.Struct, frozen=True):
    """Claims, headers beside ours, and the seconds that the token counts."""

    barn: dict[str, Any]
    headers: dict[str, Any] = {}
    expires_in: int = EXPIRES_S


class TokenCreated(msgspec.Struct, frozen=True):
    """The token, and what is in it."""

    jwt: str
    headers: dict[str, Any]
    data: dict[str, Any]
    expires_in: int


def sign(call: Call[Nothing, SignWish]) -> Reply:
    """Sign a text that says by itself that it is one."""
    services, body = call.context.services, call.body
    message = _checked_message(body.message)
    stamp = _checked_stamp(body.timestamp) or _now(services.clock)
    parts = [TEXT_OPENING, message, secrets.token_hex(_NONCE_BYTES), stamp, services.signer.serial]
    text = "|".join(each for each in parts if each)
    return answer(Signed(text, services.signer.sign(text.encode()).hex()))


def create(call: Call[Nothing, TokenWish]) -> Reply:
    """Sign claims that say by their type that they are the owner's."""
    services, body = call.context.services, call.body
    _check_headers(body.headers)
    if not 1 <= body.expires_in <= MAX_EXPIRES_S:
        raise BadRequest(f"expires_in: 1 to {MAX_EXPIRES_S} seconds")
    if len(msgspec.json.encode(body.barn)) > MAX_CLAIMS_BYTES:
        raise BadRequest(f"barn: at most {MAX_CLAIMS_BYTES} bytes as JSON")
    made_at = services.clock.utc_ms() // 1000
    ours = {"iss": services.signer.serial, "iat": made_at, "exp": made_at + body.expires_in}
    if taken := sorted(ours.keys() & body.barn.keys()):
        raise BadRequest(f"barn: the gateway itself writes {', '.join(taken)}")
    header = {"typ": TOKEN_TYPE, "gateway": services.signer.serial, **body.headers}
    claims = {**body.barn, **ours}
    token = jwt.encode(header, claims, services.signer).decode("ascii")
    shown = {"alg": jwt.ALGORITHM, **header}
    return answer(TokenCreated(token, shown, claims, body.expires_in))


def _checked_message(message: str) -> str:
    if "|" in message:
        raise BadRequest("message: must hold no |, which separates the parts of what is signed")
    if len(message) > MAX_MESSAGE or not message.isprintable():
        raise BadRequest(f"message: at most {MAX_MESSAGE} printable characters")
    return message


def _checked_stamp(stamp: str) -> str:
    if stamp and not _STAMP.fullmatch(stamp):
        raise BadRequest("timestamp: like 2026-06-21T12:00:00Z, or leave it out")
    return stamp


def _check_headers(headers: dict[str, Any]) -> None:
    if len(headers) > MAX_HEADERS:
        raise BadRequest(f"headers: at most {MAX_HEADERS}")
    if taken := sorted(RESERVED_HEADERS & headers.keys()):
        raise BadRequest(f"headers: {', '.join(taken)} cannot be given")
    for name, value in headers.items():
        if not isinstance(value, (str, int, bool)) or len(str(value)) > MAX_MESSAGE:
            raise BadRequest(f"headers: {name[:40]!r} should be a text or a whole number")


def _now(clock: Clock) -> str:
    return datetime.fromtimestamp(clock.utc_ms() // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
