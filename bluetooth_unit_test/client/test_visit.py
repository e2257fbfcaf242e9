"""How a command comes to a box, and leaves it."""

import asyncio

import pytest

from bluetooth.client.errors import Exit
from bluetooth.client.kept_labels import Kept
from bluetooth.gatt import DOOR_STATE_UUID
from bluetooth.label import Label
from bluetooth_unit_test.client.terminal import HERE, Terminal


async def test_what_goes_on_is_told(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """For whom it looks, whom it found, and how it speaks."""
    terminal.says["GET", "/api/hello"] = (200, {})

    await terminal.run("--name", "egret 1", "get", "/api/hello")
    lines = terminal.err.splitlines()
    await terminal.run("--json", "get", "/api/hello")

    assert ["looking for egret 1 ...", "connected to Egret 1, in the clear"] == lines
    assert '"event": "connected", "address": "AA:01"' in terminal.out


@pytest.mark.parametrize("words", [("get", "/api/hello"), ("get", "nonsense")])
async def test_the_connection_is_ended(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop, words: tuple[str, ...]
) -> None:
    """Whatever came of it."""
    await terminal.run("--address", HERE.address, *words)

    assert terminal.link.is_closed
    assert 0 == terminal.radio.listeners


async def test_a_label_is_used_unless_plain_is_wanted(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """Before this fake, which knows no session, the one fails and the other does not."""
    terminal.labels.keep(Kept(Label(bytes(16)), "Egret 1"))
    terminal.says["GET", "/api/hello"] = (200, {})

    sealed = await terminal.run("--name", "Egret 1", "get", "/api/hello")
    said = terminal.err
    plain = await terminal.run("--name", "Egret 1", "--plain", "get", "/api/hello")

    assert (Exit.LOST, Exit.DONE) == (sealed, plain)
    assert "with its label" in said


async def test_a_closed_door_is_a_code_and_words(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """What to press."""
    terminal.link.values[DOOR_STATE_UUID] = b'{"state":"paused"}'

    code = await terminal.run("get", "/api/hello")

    assert Exit.NOT_LET_IN == code
    assert "press the button half a minute on" in terminal.err


async def test_a_refusal_in_the_clear_hints_at_the_label(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """With it no button is needed."""
    terminal.says["GET", "/api/state"] = (403, {"error": "closed"})

    code = await terminal.run("get", "/api/state")

    assert Exit.NOT_LET_IN == code
    assert "`label set -` keeps it" in terminal.err
