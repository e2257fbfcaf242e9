"""scan, state, get, post and delete, before a fake box."""

import asyncio
import io
import json
from pathlib import Path

import pytest

from bluetooth.client.errors import Exit
from bluetooth.egwttp import MAX_BODY_BYTES
from bluetooth.gatt import DOOR_STATE_UUID
from bluetooth_unit_test.client.terminal import HERE, Terminal


async def test_scan_is_a_table_or_an_object(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """As long as was asked for; a name or an address chooses."""
    code = await terminal.run("scan", "--seconds", "3")
    text = terminal.out
    took_s = radio_loop.time()
    await terminal.run("--json", "scan", "--name", "egret 1")
    chosen = terminal.last["boxes"]
    other = await terminal.run("--json", "scan", "--address", "AA:07")

    assert (Exit.DONE, Exit.NOT_FOUND) == (code, other)
    assert ["ADDRESS", "NAME", "SIGNAL", "OFFERS", "IMPROV"] == text.splitlines()[0].split()
    assert "AA:01" in text and "-60 dBm" in text and "native egret" in text
    assert 3.0 == pytest.approx(took_s, abs=0.1)
    assert [HERE.name] == [each["name"] for each in chosen]


async def test_state_leaves_out_what_is_not_told(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """A gateway that is away does not hide the door."""
    terminal.says["GET", "/api/version"] = (502, {"error": "away"})
    terminal.says["GET", "/api/name"] = (200, b"no json")

    code = await terminal.run("--json", "state")

    assert Exit.DONE == code
    assert ("open", 9.0) == (terminal.last["door"], terminal.last["left_s"])
    assert "version" not in terminal.last and "name" not in terminal.last


async def test_state_of_a_closed_door_asks_nothing(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """It says what to do."""
    terminal.link.values[DOOR_STATE_UUID] = b'{"state":"closed"}'

    code = await terminal.run("state")

    assert Exit.DONE == code
    assert "press the button at the box" in terminal.out
    assert [] == terminal.asked


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, Exit.DONE), (201, Exit.DONE), (403, Exit.NOT_LET_IN), (404, Exit.SAID_NO)],
)
async def test_the_status_is_the_exit_code(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop, status: int, code: Exit
) -> None:
    """The body is printed in any case."""
    terminal.says["GET", "/api/state"] = (status, {"a": "é"})

    found = await terminal.run("get", "/api/state")

    assert code == found
    assert {"a": "é"} == json.loads(terminal.out)
    assert "é" in terminal.out


async def test_what_is_no_json_is_shown_as_it_is(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """But for what would paint the terminal; a program gets it as text."""
    terminal.says["GET", "/api/logger"] = (200, b"line \x1b[0m\xff")

    await terminal.run("get", "/api/logger")
    text = terminal.out
    await terminal.run("--json", "get", "/api/logger")

    assert "line ?[0m\ufffd\n" == text
    assert "line \x1b[0m\ufffd" == terminal.last["body"]


async def test_a_body_from_standard_input(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """As it is written there."""
    terminal.typed = io.StringIO('{"a": 1}\n')

    await terminal.run("delete", "/api/device", "-")

    assert [("DELETE", "/api/device", b'{"a": 1}\n')] == terminal.asked


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{a: 1}", "no JSON"),
        ("-", "no JSON"),
        ("@nowhere.json", "nowhere.json cannot be read: No such file"),
        ('"' + "x" * MAX_BODY_BYTES + '"', f"at most {MAX_BODY_BYTES} bytes"),
    ],
    ids=["line", "stdin", "file", "long"],
)
async def test_a_body_that_cannot_be_sent(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop, body: str, words: str
) -> None:
    """Is said before a box is looked for."""
    code = await terminal.run("post", "/api/settings", body)

    assert Exit.WRONG_USE == code
    assert words in terminal.err
    assert [] == terminal.asked


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe", "no text in UTF-8"), (b" " * (MAX_BODY_BYTES + 1), "more than")],
    ids=["bytes", "long"],
)
async def test_a_file_that_cannot_be_sent(
    terminal: Terminal,
    radio_loop: asyncio.AbstractEventLoop,
    tmp_path: Path,
    content: bytes,
    words: str,
) -> None:
    """Is named."""
    (tmp_path / "body").write_bytes(content)

    code = await terminal.run("post", "/api/settings", f"@{tmp_path}/body")

    assert Exit.WRONG_USE == code
    assert words in terminal.err


async def test_the_timeout_is_for_the_search_and_the_answer(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """Where the user says one."""
    terminal.link.on_write = lambda uuid, value: None

    code = await terminal.run("--address", HERE.address, "--timeout", "7", "get", "/api/state")

    assert Exit.LOST == code
    assert 7.0 == pytest.approx(radio_loop.time(), abs=0.1)
