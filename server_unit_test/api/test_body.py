"""Bodies and queries."""

from typing import Any

import pytest

from server.api.body import (
    MAX_BODY_BYTES,
    MAX_FORM_FIELDS,
    MAX_JSON_DEPTH,
    parse_body,
    parse_query,
    read_body,
)
from server.api.refusals import BadRequest, Gone, TooLarge, WrongType
from server_unit_test.api.conftest import Api


@pytest.mark.parametrize(
    ("text", "media", "expected"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b'{"a": 1}', "application/json; charset=utf-8", {"a": 1}),
        (b'{"a": 1}', "text/json", {"a": 1}),
        (b'{"a": 1}', "", {"a": 1}),
        (b'{"a": 1}', "application/x-www-form-urlencoded", {"a": 1}),
        (b"a=b&c=d%20e", "application/x-www-form-urlencoded", {"a": "b", "c": "d e"}),
        (b"a=b&c=d", "", {"a": "b", "c": "d"}),
        (b"a=b", "application/json", {"a": "b"}),
        (b"17", "", 17),
        (b"  ", "application/json", {}),
    ],
)
def test_bodies_are_json_else_a_form(text: bytes, media: str, expected: Any) -> None:
    """What looks like JSON is JSON, whatever an old client calls it."""
    assert expected == parse_body(text, media)


@pytest.mark.parametrize("media", ["text/plain", "multipart/form-data; boundary=x", "image/png"])
def test_other_kinds_are_refused(media: str) -> None:
    """What a foreign form could send beside plain fields is not even looked at."""
    with pytest.raises(WrongType):
        parse_body(b'{"a": 1}', media)


@pytest.mark.parametrize("text", [b"{", b'{"a": }', b"nonsense", b'{"a": "\xff"}', b"a=\xff"])
def test_what_is_neither_is_refused_in_words(text: bytes) -> None:
    """The refusal is the caller's to act on, no fault of ours."""
    with pytest.raises(BadRequest):
        parse_body(text, "application/json")


def test_a_form_has_a_bounded_number_of_fields() -> None:
    """MAX_FORM_FIELDS pass, one more does not."""
    fields = "&".join(f"k{number}=v" for number in range(MAX_FORM_FIELDS))

    assert MAX_FORM_FIELDS == len(parse_body(fields.encode(), ""))
    with pytest.raises(BadRequest):
        parse_body(fields.encode() + b"&one=more", "")


def test_json_has_a_bounded_depth() -> None:
    """MAX_JSON_DEPTH pass, one more does not, and a million do no harm."""
    deep = b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH

    assert parse_body(deep, "") == parse_body(deep, "application/json")
    for more in (1, 30_000):
        with pytest.raises(BadRequest, match="nested"):
            parse_body(b"[" * more + deep + b"]" * more, "")


def test_of_a_repeated_parameter_the_last_counts() -> None:
    """A query is an object like a body."""
    assert {"a": "2", "b": ""} == parse_query(b"a=1&a=2&b=")


@pytest.mark.anyio
async def test_a_declared_length_is_refused_before_reading() -> None:
    """Nobody waits for a body that is too large anyway."""

    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing may be read")

    with pytest.raises(TooLarge):
        await read_body(receive, MAX_BODY_BYTES + 1, MAX_BODY_BYTES)


@pytest.mark.anyio
async def test_an_undeclared_length_is_counted() -> None:
    """A chunked body ends as soon as it is too large."""
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": bytes(1024), "more_body": True}

    with pytest.raises(TooLarge):
        await read_body(receive, None, MAX_BODY_BYTES)

    assert MAX_BODY_BYTES // 1024 + 1 == taken


@pytest.mark.anyio
async def test_a_client_that_leaves_ends_the_request() -> None:
    """A half body is no body."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(Gone):
        await read_body(receive, 10, MAX_BODY_BYTES)


def test_the_largest_body_is_taken_and_one_byte_more_is_not(api: Api) -> None:
    """413 in words, over HTTP, and the connection is given back."""
    text = b'"' + b"x" * (MAX_BODY_BYTES - 2) + b'"'

    assert 200 == api.call("POST", "/api/echo", data=text).status_code
    response = api.call("POST", "/api/echo", data=text + b" ")
    assert 413 == response.status_code
    assert str(MAX_BODY_BYTES) in response.json()["error"]


def test_a_chunked_body_is_bounded_too(api: Api) -> None:
    """Leaving the length out is no way around the limit."""
    chunks = (b" " * 1024 for _ in range(MAX_BODY_BYTES // 1024 + 1))

    response = api.call("POST", "/api/echo", data=chunks)

    assert 413 == response.status_code
