"""What the owner has signed can be taken for nothing that the gateway signs by itself."""

import json
import re
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from server.api.refusals import BadRequest
from server.api.signing import (
    EXPIRES_S,
    MAX_CLAIMS_BYTES,
    MAX_EXPIRES_S,
    MAX_HEADERS,
    MAX_MESSAGE,
    RESERVED_HEADERS,
    TEXT_OPENING,
    TOKEN_TYPE,
    _check_headers,
)
from server.identity import jwt
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import SERIAL
from server_unit_test.api.fake_services import FakeSigner

SIGN, CREATE = "/api/crypto/sign", "/api/jwt/create"
STAMP = "2026-06-21T12:00:00Z"


def asked(api: Api, path: str, body: Any) -> Any:
    response = api.call("POST", path, body, owner=True)
    assert 200 == response.status_code, response.text
    return response.json()


def refused(api: Api, path: str, body: Any) -> str:
    response = api.call("POST", path, body, owner=True)
    assert 400 == response.status_code, response.text
    assert [] == api.signer.signed
    words: str = response.json()["error"]
    return words


def verify(signer: FakeSigner, signature: bytes, message: bytes) -> None:
    """Raises unless the signature is the gateway's."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    signer.key.public_key().verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def part(text: str) -> Any:
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


# -- texts --------------------------------------------------------------------------------------


def test_a_message_is_signed_as_the_contract_has_it(api: Api) -> None:
    """Message, nonce, time and serial between bars; what is signed is what is told."""
    told = asked(api, SIGN, {"message": "a challenge", "timestamp": STAMP})

    parts = told["message"].split("|")
    assert [TEXT_OPENING, "a challenge", STAMP, SERIAL] == [*parts[:2], *parts[3:]]
    assert re.fullmatch(r"[0-9a-f]{16}", parts[2])
    verify(api.signer, bytes.fromhex(told["sign"]), told["message"].encode())


def test_without_a_message_the_box_proves_that_it_is_there(api: Api) -> None:
    """With a nonce that is new each time, and the box's own time."""
    first, second = (asked(api, SIGN, {})["message"] for _ in range(2))

    assert first != second
    assert [TEXT_OPENING, SERIAL] == [first.split("|")[0], first.split("|")[-1]]
    assert re.search(r"\|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\|", first)


@pytest.mark.parametrize(
    "message", ["a|b", "|", "x" * (MAX_MESSAGE + 1), "two\nlines", "nul\0", "\x1b[31m"]
)
def test_a_message_that_could_deceive_is_refused(api: Api, message: str) -> None:
    """A bar would let the caller write the time and the serial himself; MAX_MESSAGE bounds it."""
    assert "message" in refused(api, SIGN, {"message": message})


@pytest.mark.parametrize("stamp", ["now", "2026-06-21T12:00:00", "2026-06-21T12:00:00Z|x", "1"])
def test_a_time_has_one_form(api: Api, stamp: str) -> None:
    """It is part of what is signed."""
    assert "timestamp" in refused(api, SIGN, {"timestamp": stamp})


@pytest.mark.parametrize(
    "message", [SERIAL, f"{SERIAL}:{'9' * 40}", "eyJhbGciOiJFUzI1NiJ9.e30", "", "x" * MAX_MESSAGE]
)
def test_a_text_is_neither_a_token_nor_a_name_with_a_wallet(api: Api, message: str) -> None:
    """Whatever the caller writes, it begins as a text and holds what no token can."""
    asked(api, SIGN, {"message": message})

    (signed,) = api.signer.signed
    assert signed.startswith(f"{TEXT_OPENING}|".encode())
    assert not re.fullmatch(rb"[A-Za-z0-9_.-]+", signed)
    assert not signed.startswith(SERIAL.encode())


# -- tokens -------------------------------------------------------------------------------------


def test_claims_are_signed_as_the_owners(api: Api) -> None:
    """The type comes first in the header; issuer, time and end are the gateway's to write."""
    told = asked(api, CREATE, {"barn": {"for": "a portal"}, "headers": {"lang": "sv"}})

    header, claims, signature = told["jwt"].split(".")
    made_at = api.clock.utc_ms() // 1000
    assert {"alg": "ES256", "typ": TOKEN_TYPE, "gateway": SERIAL, "lang": "sv"} == part(header)
    assert part(header) == told["headers"] and part(claims) == told["data"]
    assert {"for": "a portal", "iss": SERIAL, "iat": made_at, "exp": made_at + EXPIRES_S} == (
        told["data"]
    )
    raw = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    verify(api.signer, raw, f"{header}.{claims}".encode())


def test_no_token_of_the_owner_begins_like_a_harvest(api: Api) -> None:
    """Not even the bytes that are signed: the types differ before anything the caller wrote."""
    harvest = jwt.encode({"device": SERIAL}, {}, FakeSigner())

    owners = asked(api, CREATE, {"barn": {"1750000000000": {"5016": 4200}}})["jwt"].encode()

    common = len(b'{"alg":"ES256","typ":"') // 3 * 4
    assert owners[:common] == harvest[:common]
    assert owners[: common + 4] != harvest[: common + 4]
    assert "device" not in part(owners.split(b".")[0].decode())


@pytest.mark.parametrize("name", sorted(RESERVED_HEADERS))
def test_headers_that_say_what_a_token_is_are_ours(api: Api, name: str) -> None:
    """Type, key and device: nobody else writes them."""
    assert name in refused(api, CREATE, {"barn": {}, "headers": {name: "x"}})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"barn": {"iss": "me"}}, "iss"),
        ({"barn": {"exp": 9_999_999_999}}, "exp"),
        ({"barn": {}, "expires_in": 0}, "expires_in"),
        ({"barn": {}, "expires_in": MAX_EXPIRES_S + 1}, "expires_in"),
        ({"barn": {"x": "y" * MAX_CLAIMS_BYTES}}, "barn"),
        ({"barn": {}, "headers": {str(each): 1 for each in range(MAX_HEADERS + 1)}}, "headers"),
        ({"barn": {}, "headers": {"x": [1]}}, "headers"),
        ({"barn": {}, "headers": {"x": "y" * (MAX_MESSAGE + 1)}}, "headers"),
        ({"barn": [1]}, "object"),
        ({}, "barn"),
    ],
)
def test_what_cannot_be_signed_is_refused_in_words(api: Api, body: Any, said: str) -> None:
    """MAX_EXPIRES_S, MAX_CLAIMS_BYTES and MAX_HEADERS bound the rest."""
    assert said in refused(api, CREATE, body)


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=4))
def test_headers_of_the_caller_never_change_the_beginning(headers: dict[str, Any]) -> None:
    """Whatever they are called."""
    try:
        _check_headers(headers)
    except BadRequest:
        return
    token = jwt.encode({"typ": TOKEN_TYPE, "gateway": SERIAL, **headers}, {}, FakeSigner())

    opening = f'{{"alg":"ES256","typ":"{TOKEN_TYPE}","gateway":"{SERIAL}"'
    assert (
        json.dumps(part(token.split(b".")[0].decode()))
        .replace(": ", ":")
        .replace(", ", ",")
        .startswith(opening)
    )


def test_an_open_box_signs_nothing_for_everybody(api: Api) -> None:
    """An open box lets everybody do much; speaking for the owner is not part of it."""
    for path, body in ((SIGN, {}), (CREATE, {"barn": {}})):
        assert 401 == api.call("POST", path, body).status_code
    assert [] == api.signer.signed
