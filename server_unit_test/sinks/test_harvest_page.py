"""docs/harvest.md is true: its example, its key and its program agree with what is sent."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from server.sinks.harvest import claims
from server.sinks.http_line import MAX_ANSWER_BYTES
from server_unit_test.contracts.records import DEVICE, START_MS, stored

PAGE = (Path(__file__).parents[2] / "docs" / "harvest.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


TOKEN, PUBLIC_KEY = ("".join(block.split()) for block in blocks("text"))
HEADER, PAYLOAD = (json.loads(block) for block in blocks("json"))


def part(index: int) -> Any:
    """A part of the example token, decoded."""
    text = TOKEN.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_the_example_is_what_the_page_says_it_is() -> None:
    """Header and payload, key by key and in order."""
    assert [list(HEADER.items()), PAYLOAD] == [list(part(0).items()), part(1)]


def test_the_example_is_what_would_be_sent() -> None:
    """The same readings make the same claims today."""
    records = [
        stored(41, at_ms=START_MS, words={5016: 3200, 5017: 0, 13022: 652}),
        stored(42, at_ms=START_MS + 10_000, words={5016: 3216, 5017: 0}),
    ]

    header, payload = claims(DEVICE, records)

    own = {"alg": "ES256", "typ": "JWT", "device": HEADER["device"]}
    assert HEADER == json.loads(json.dumps({**own, **header}))
    assert PAYLOAD == json.loads(json.dumps(payload))


def test_the_program_on_the_page_verifies_the_example() -> None:
    """And refuses it once a letter is changed."""
    (program,) = blocks("python")
    names: dict[str, Any] = {}
    exec(compile(program, "docs/harvest.md", "exec"), names)
    changed = TOKEN.replace("ey", "fy", 1)

    names["verify"](TOKEN.encode(), bytes.fromhex(PUBLIC_KEY))

    with pytest.raises(InvalidSignature):
        names["verify"](changed.encode(), bytes.fromhex(PUBLIC_KEY))


def test_the_serial_belongs_to_the_key() -> None:
    """As the last paragraph says."""
    assert hashlib.sha256(bytes.fromhex(PUBLIC_KEY)).digest()[:9].hex() == HEADER["device"]


def test_the_page_names_the_limit_of_an_answer() -> None:
    """The number in the text is the constant's."""
    assert f"read to {MAX_ANSWER_BYTES} bytes at most" in " ".join(PAGE.split())
