"""Tokens: their three parts, read back by the standard library alone."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from server.identity import jwt


class EchoSigner:
    """Signs with 64 bytes that the test chose, and keeps what it was asked to sign."""

    serial = "00" * 9
    public_key = bytes(64)

    def __init__(self, signature: bytes = b"rrrrssss" * 8) -> None:
        self.signature = signature
        self.signed = b""

    def sign(self, message: bytes) -> bytes:
        self.signed = message
        return self.signature


def part(token: bytes, index: int) -> bytes:
    """One of the three parts, decoded."""
    text = token.split(b".")[index]
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def test_the_header_begins_with_alg_and_typ() -> None:
    """The algorithm is ours to say; claims follow in their order."""
    token = jwt.encode({"device": "ab", "opr": "production"}, b"{}", EchoSigner())

    assert b'{"alg":"ES256","typ":"JWT","device":"ab","opr":"production"}' == part(token, 0)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"as": "it stands"}', {"as": "it stands"}),
        ({"a": {"b": [1, 2.5, None, "ä"]}}, {"a": {"b": [1, 2.5, None, "ä"]}}),
        ({1750000000000: {5000: 65535}}, {"1750000000000": {"5000": 65535}}),
        ({}, {}),
    ],
)
def test_the_payload_is_json(payload: bytes | Mapping[Any, Any], expected: object) -> None:
    """Bytes stand as they are; int keys of a mapping become strings."""
    token = jwt.encode({}, payload, EchoSigner())

    assert expected == json.loads(part(token, 1))


def test_header_and_payload_are_what_is_signed() -> None:
    """The signature covers the first two parts as they are sent, and is the third."""
    signer = EchoSigner()

    token = jwt.encode({"device": "ab"}, {"a": 1}, signer)

    assert token.rpartition(b".")[0] == signer.signed
    assert signer.signature == part(token, 2)


@pytest.mark.parametrize("length", range(1, 8))
def test_parts_are_unpadded_and_safe_in_urls(length: int) -> None:
    """Bytes that base 64 would write with + and / and = appear with - and _ and nothing."""
    content = b"\xfb\xff\xbf"[: length % 3 + 1] * length

    token = jwt.encode({}, content, EchoSigner(b"\xff" * 64))

    assert not set(token) & set(b"+/=")
    assert (content, b"\xff" * 64) == (part(token, 1), part(token, 2))
