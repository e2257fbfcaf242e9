"""From bytes to typed values: bodies (JSON, else a form) and query strings.

Owns the limits of a body. Refuses to know what a value means.
"""

from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from server.api.call import NOTHING, Nothing, Receive
from server.api.refusals import BadRequest, Gone, TooLarge, WrongType

MAX_BODY_BYTES = 64 * 1024
"""Of any body without a bound of its own: a kilobyte is usual, 32 long writes are 40 kB."""
MAX_FORM_FIELDS = 64
"""Fields of a form or of a query string."""
MAX_JSON_DEPTH = 32
"""Nesting of a JSON body; settings need five levels."""

_TAKEN = ("application/json", "text/json", "application/x-www-form-urlencoded", "")
"""Forms come from earlier clients, text/json from the BLE bridge."""

_NO_BRACKETS = bytes(each for each in range(256) if each not in b"[{]}")

Value = TypeVar("Value")


async def read_body(receive: Receive, declared_bytes: int | None, most_bytes: int) -> bytes:
    """The whole body; raises TooLarge as soon as it is known, Gone when the client left."""
    if declared_bytes is not None and declared_bytes > most_bytes:
        raise TooLarge(f"the body may have at most {most_bytes} bytes")
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most_bytes:
            raise TooLarge(f"the body may have at most {most_bytes} bytes")
    return bytes(body)


def parse_body(body: bytes, content_type: str) -> Any:
    """The body as plain values: JSON where it is JSON, otherwise the fields of a form."""
    media = content_type.partition(";")[0].strip().lower()
    if media not in _TAKEN and not media.endswith("+json"):
        raise WrongType(f"send the body as application/json, not as {media[:60]}")
    text = body.strip()
    if not text:
        return {}
    if text[:1] not in b'{["' and (media.endswith("urlencoded") or b"=" in text):
        return _fields(text)
    if _depth(text) > MAX_JSON_DEPTH:
        raise BadRequest(f"the body is nested deeper than {MAX_JSON_DEPTH} levels")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None


def parse_query(query: bytes) -> dict[str, str]:
    """The parameters of a query string; of a repeated one the last counts."""
    return _fields(query) if query else {}


def to_type(value: Any, wanted: type[Value]) -> Value:
    """`value` as `wanted`; numbers may come as text, because forms know nothing else."""
    if wanted is Nothing:
        return NOTHING  # type: ignore[return-value]  # Value is Nothing here.
    return msgspec.convert(value, wanted, strict=False)


def _fields(text: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            text.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError:
        raise BadRequest(f"send at most {MAX_FORM_FIELDS} fields, in UTF-8") from None
    return dict(pairs)


def _depth(text: bytes) -> int:
    """An upper bound of the nesting: brackets in strings count too, which harms nobody."""
    depth = deepest = 0
    for byte in text.translate(None, _NO_BRACKETS):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest
