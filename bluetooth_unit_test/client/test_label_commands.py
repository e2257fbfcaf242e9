"""label set, list and forget. No radio is asked for."""

import asyncio
import io

import pytest

from bluetooth.client.errors import Exit
from bluetooth.client.kept_labels import Kept
from bluetooth.label import Label
from bluetooth_unit_test.client.terminal import Terminal, TerminalInput

LABEL = Label(bytes(range(16)))


async def test_a_label_is_kept_under_its_boxs_name(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """The QR code's text has it, or the user says it; else it is for any box."""
    await terminal.run("label", "set", LABEL.pairing_text("Egret 7"))
    await terminal.run("--name", "Egret 8", "label", "set", LABEL.printed())
    await terminal.run("--address", "AA:09", "label", "set", LABEL.printed().lower())
    await terminal.run("label", "set", LABEL.printed())

    assert [
        Kept(LABEL, "Egret 7"),
        Kept(LABEL, "Egret 8"),
        Kept(LABEL, "", "AA:09"),
        Kept(LABEL),
    ] == terminal.labels.all()
    assert "the label of any box is kept in" in terminal.out


async def test_a_dash_asks_on_the_terminal_or_reads_a_line(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """So that it stands in no history."""
    terminal.typed = TerminalInput()
    terminal.secret = LABEL.printed()
    asked = await terminal.run("label", "set", "-")
    terminal.typed = io.StringIO(LABEL.printed() + "\n")
    read = await terminal.run("label", "set", "-")

    assert (Exit.DONE, Exit.DONE) == (asked, read)
    assert 1 == len(terminal.questions)
    assert [Kept(LABEL)] == terminal.labels.all()


@pytest.mark.parametrize("text", ["", "P6ZS", "x" * 300, LABEL.printed()[:-1] + "Z"])
async def test_a_mistyped_label_is_not_kept(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop, text: str
) -> None:
    """Its check characters tell; nothing of it is printed."""
    terminal.typed = io.StringIO(text)

    code = await terminal.run("label", "set", "-")

    assert Exit.WRONG_USE == code
    assert "this is no label" in terminal.err
    assert not text or text[:12] not in terminal.err
    assert [] == terminal.labels.all()


async def test_labels_are_listed_without_their_secrets(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """Whose they are."""
    await terminal.run("label", "list")
    none = terminal.out
    await terminal.run("label", "set", LABEL.pairing_text("Egret 7"))
    await terminal.run("label", "list")

    assert "no label is kept" in none
    assert "Egret 7\n" == terminal.out


async def test_labels_are_forgotten(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """By name, by --name, or all; none is said to be none."""
    for name in ("Egret 1", "Egret 2", "Egret 3"):
        await terminal.run("label", "set", LABEL.pairing_text(name))

    codes = [
        await terminal.run(*words.split(","))
        for words in (
            "label,forget,Egret 1",
            "label,forget,--name,Egret 2",
            "label,forget,Egret 9",
            "label,forget",
            "label,forget",
        )
    ]

    assert [Exit.DONE, Exit.DONE, Exit.SAID_NO, Exit.DONE, Exit.SAID_NO] == codes
    assert 0 == terminal.radio.listeners
    assert [] == terminal.labels.all()
