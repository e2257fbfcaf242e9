"""wifi scan, status, connect and forget, before a fake box."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

from bluetooth.client.errors import Exit
from bluetooth.client.wifi_commands import MAX_PASSWORD_BYTES, MAX_PASSWORD_FILE_BYTES
from bluetooth.improv import MAX_SSID_BYTES
from bluetooth_unit_test.client.terminal import Terminal

NETWORK = {"ssid": "Home", "signal_percent": 80, "security": "wpa2", "saved": True}


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ({"networks": [NETWORK, "nonsense"]}, "Home"),
        ({"networks": []}, "sees no network"),
        ({"networks": "x"}, "sees no network"),
        ([], "sees no network"),
        (b"x", "sees no network"),
        ({"networks": [{}]}, "None"),
    ],
)
async def test_whatever_a_scan_says_is_shown(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop, answer: Any, wanted: str
) -> None:
    """Also an empty list, and what is none."""
    terminal.says["GET", "/api/wifi/scan"] = (200, answer)

    code = await terminal.run("wifi", "scan")

    assert Exit.DONE == code
    assert wanted in terminal.out


async def test_a_scan_that_fails_is_told(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """In the gateway's words."""
    terminal.says["GET", "/api/wifi/scan"] = (503, {"error": "no adapter"})

    code = await terminal.run("wifi", "scan")

    assert Exit.SAID_NO == code
    assert "no adapter" in terminal.out


async def test_the_password_is_asked_for(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """By the name of the network."""
    terminal.says["POST", "/api/wifi"] = (200, {"status": "ok"})

    code = await terminal.run("wifi", "connect", "Home")

    assert Exit.DONE == code
    assert ["Password of Home: "] == terminal.questions
    assert [b'{"ssid": "Home", "psk": "secret words"}'] == [each[2] for each in terminal.asked]
    assert "the box has joined Home\n" == terminal.out


async def test_a_network_without_a_password(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """Nothing is asked."""
    terminal.says["POST", "/api/wifi"] = (200, {"ip": "10.0.0.7"})

    await terminal.run("wifi", "connect", "Guests", "--open")

    assert [] == terminal.questions
    assert b'{"ssid": "Guests", "psk": ""}' == terminal.asked[0][2]
    assert "its address is 10.0.0.7" in terminal.out


async def test_a_password_from_a_file_or_standard_input(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    """The first line; whatever ends it."""
    (tmp_path / "secret").write_bytes(b"from file\r\nsecond line")
    terminal.typed = io.StringIO("from stdin\n")

    await terminal.run("wifi", "connect", "Home", "--password-file", f"{tmp_path}/secret")
    await terminal.run("wifi", "connect", "Home", "--password-file", "-")

    assert b'"from file"' in terminal.asked[0][2]
    assert b'"from stdin"' in terminal.asked[1][2]


@pytest.mark.parametrize(
    ("ssid", "password", "words"),
    [
        ("Home", "", "use --open"),
        ("Home", "x" * (MAX_PASSWORD_BYTES + 1), f"at most {MAX_PASSWORD_BYTES} bytes"),
        ("é" * (MAX_SSID_BYTES // 2) + "x", "password", f"1 to {MAX_SSID_BYTES} bytes"),
        ("", "password", f"1 to {MAX_SSID_BYTES} bytes"),
    ],
)
async def test_what_cannot_be_a_network(
    terminal: Terminal,
    radio_loop: asyncio.AbstractEventLoop,
    ssid: str,
    password: str,
    words: str,
) -> None:
    """Is said before a box is looked for; the password stands nowhere."""
    terminal.secret = password

    code = await terminal.run("wifi", "connect", ssid)

    assert Exit.WRONG_USE == code
    assert words in terminal.err
    assert not password or password not in terminal.err.replace("a password has", "")
    assert [] == terminal.asked


async def test_a_password_file_is_bounded(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    """It is no disk image."""
    (tmp_path / "secret").write_bytes(b"x" * (MAX_PASSWORD_FILE_BYTES + 1))

    code = await terminal.run("wifi", "connect", "Home", "--password-file", f"{tmp_path}/secret")

    assert Exit.WRONG_USE == code
    assert f"more than {MAX_PASSWORD_FILE_BYTES} bytes" in terminal.err


async def test_a_box_that_is_lost_may_have_joined(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """One radio for both may lose the phone on the way."""
    terminal.link.on_write = lambda uuid, value: terminal.link.end()

    code = await terminal.run("wifi", "connect", "Home")

    assert Exit.LOST == code
    assert "may have joined all the same" in terminal.err


async def test_status_shows_what_is_known(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """Not connected is an answer too."""
    terminal.says["GET", "/api/wifi"] = (200, {"connected": None, "message": "no adapter"})
    terminal.says["GET", "/api/network"] = (200, {"ip": "10.0.0.7", "interfaces": "x"})

    code = await terminal.run("wifi", "status")

    assert Exit.DONE == code
    assert "no adapter" in terminal.out and "10.0.0.7" in terminal.out


@pytest.mark.parametrize("missing", ["/api/wifi", "/api/network"])
async def test_status_that_is_refused(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop, missing: str
) -> None:
    """Either question may be."""
    for path in ("/api/wifi", "/api/network"):
        terminal.says["GET", path] = (403 if path == missing else 200, {"error": "closed"})

    code = await terminal.run("wifi", "status")

    assert Exit.NOT_LET_IN == code
    assert "closed" in terminal.out


async def test_forget_names_the_network(
    terminal: Terminal, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """In the body."""
    terminal.says["DELETE", "/api/wifi"] = (200, {"status": "ok"})

    code = await terminal.run("wifi", "forget", "Home")

    assert Exit.DONE == code
    assert [("DELETE", "/api/wifi", b'{"ssid": "Home"}')] == terminal.asked
