"""`python -m bluetooth.client` before a box: what a person sees, and what a script gets."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ble_rest_test.stand import LABEL, NAME, OTHER_LABEL, LocalStand
from ble_rest_test.words import asked, bodies, held_back, say
from bluetooth import clock
from bluetooth.client.__main__ import COMMANDS, arguments, options_of
from bluetooth.client.errors import ClientError, Exit
from bluetooth.client.kept_labels import Kept, KeptLabels
from bluetooth.client.visit import Means
from bluetooth.client.voice import Voice
from bluetooth.door import Policy
from bluetooth_unit_test.http_gateway import HttpGateway

pytestmark = pytest.mark.real_time

new = pytest.mark.parametrize("policy", [Policy(configured=False)], ids=["new"])

SCAN = {
    "status": "scan initiated",
    "ssids": ["HomeNet"],
    "networks": [
        {"ssid": "HomeNet", "signal_percent": 80, "security": "wpa2", "saved": True},
        {"ssid": "Evil\x1b[31m", "signal_percent": 20, "security": "open", "saved": False},
    ],
}


@dataclass(slots=True)
class Terminal:
    """What a person types and sees."""

    box: LocalStand
    folder: Path
    out: str = ""
    err: str = ""
    typed: str = ""
    secret: str = "home-password"

    async def run(self, *words: str) -> Exit:
        """One command; its exit code."""
        options = options_of(arguments().parse_args(words))
        out, err = io.StringIO(), io.StringIO()
        voice = Voice(out, err, options.as_json)
        radio = await self.box.phone_radio()
        means = Means(
            radio=lambda: radio,
            clock=clock.SystemClock(),
            wait=clock.wait,
            labels=KeptLabels(self.folder),
            voice=voice,
            typed=io.StringIO(self.typed),
            ask_secret=lambda _: self.secret,
        )
        try:
            code = await COMMANDS[options.command](means, options)
        except ClientError as error:
            voice.fail(error)
            code = error.code
        self.out, self.err = out.getvalue(), err.getvalue()
        return code

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What a script gets."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def terminal(closed_box: LocalStand, tmp_path: Path) -> Terminal:
    """Before a box whose button nobody has pressed yet."""
    return Terminal(closed_box, tmp_path / "config")


@pytest.fixture
def at_open_box(terminal: Terminal, stub: HttpGateway) -> Terminal:
    """Before a box whose button was pressed."""
    stub.says("GET", "/api/version", {"version": "1.2.3"})
    stub.says("GET", "/api/name", {"name": "Cellar"})
    stub.says("GET", "/api/wifi/scan", SCAN)
    terminal.box.button.press()
    return terminal


async def test_scan_lists_the_boxes(at_open_box: Terminal) -> None:
    """Name, address, what they offer, and Improv's state."""
    code = await at_open_box.run("scan", "--seconds", "0.7")

    assert Exit.DONE == code
    assert NAME in at_open_box.out
    assert at_open_box.box.place.address in at_open_box.out
    assert "native improv egret" in at_open_box.out
    assert "authorized" in at_open_box.out


async def test_scan_for_programs(at_open_box: Terminal) -> None:
    """The same as one object."""
    await at_open_box.run("--json", "scan", "--seconds", "0.7")

    (found,) = at_open_box.lines[-1]["boxes"]
    assert (NAME, ["native", "improv", "egret"]) == (found["name"], found["ways"])
    assert isinstance(found["rssi_dbm"], int)


async def test_nobody_in_range_says_what_to_do(terminal: Terminal) -> None:
    """Press the button; a code of its own."""
    found = await terminal.run("scan", "--seconds", "0.3")
    scanned = terminal.out
    got = await terminal.run("--timeout", "1", "get", "/api/hello")

    assert (Exit.NOT_FOUND, Exit.NOT_FOUND) == (found, got)
    assert "press the button" in scanned
    assert "press the button" in terminal.err


async def test_another_name_is_not_taken(at_open_box: Terminal) -> None:
    """Those that are there are named."""
    code = await at_open_box.run("--timeout", "1", "--name", "Egret OTHER", "get", "/api/hello")

    assert Exit.NOT_FOUND == code
    assert NAME in at_open_box.err


async def test_state_shows_door_name_and_version(at_open_box: Terminal) -> None:
    """For people and for programs."""
    code = await at_open_box.run("--name", NAME, "state")
    text = at_open_box.out
    await at_open_box.run("--name", NAME, "--json", "state")

    assert Exit.DONE == code
    assert "open, for 1" in text and "1.2.3" in text and "Cellar" in text
    last = at_open_box.lines[-1]
    assert ("open", "1.2.3", 5) == (last["door"], last["version"], last["attempts_left"])


async def test_get_prints_the_body(at_open_box: Terminal) -> None:
    """On standard output; what goes on is on the other one."""
    code = await at_open_box.run("--name", NAME, "get", "/api/version")

    assert Exit.DONE == code
    assert {"version": "1.2.3"} == json.loads(at_open_box.out)
    assert "in the clear" in at_open_box.err


async def test_an_error_of_the_gateway_is_a_code(at_open_box: Terminal, stub: HttpGateway) -> None:
    """The body is still printed."""
    stub.says("GET", "/api/state", {"error": "no"}, 500)

    code = await at_open_box.run("--name", NAME, "get", "/api/state")

    assert Exit.SAID_NO == code
    assert {"error": "no"} == json.loads(at_open_box.out)
    assert "500" in at_open_box.err


async def test_bodies_come_from_three_places(
    at_open_box: Terminal, stub: HttpGateway, tmp_path: Path
) -> None:
    """The command line, standard input and a file."""
    stub.says("POST", "/api/echo", {})
    (tmp_path / "body.json").write_text('{"from": "file"}')
    at_open_box.typed = '{"from": "stdin"}'

    for body in ('{"from": "line"}', "-", f"@{tmp_path}/body.json"):
        await at_open_box.run("--name", NAME, "post", "/api/echo", body)

    assert ["line", "stdin", "file"] == [json.loads(each)["from"] for each in bodies(stub)]


async def test_delete_takes_a_body_too(at_open_box: Terminal, stub: HttpGateway) -> None:
    """Or none."""
    stub.says("DELETE", "/api/device", {})

    await at_open_box.run("--name", NAME, "delete", "/api/device", '{"id": 1}')
    await at_open_box.run("--name", NAME, "delete", "/api/device")

    assert [b'{"id": 1}', b""] == bodies(stub)


async def test_wifi_scan_lists_networks(at_open_box: Terminal) -> None:
    """A neighbour's network cannot paint the terminal."""
    code = await at_open_box.run("--name", NAME, "wifi", "scan")

    assert Exit.DONE == code
    assert ["SSID", "SIGNAL", "SECURITY", "SAVED"] == at_open_box.out.splitlines()[0].split()
    assert "HomeNet" in at_open_box.out and "80 %" in at_open_box.out
    assert "\x1b" not in at_open_box.out


async def test_wifi_scan_by_improv(at_open_box: Terminal) -> None:
    """The same, as Improv tells it."""
    code = await at_open_box.run("--name", NAME, "wifi", "scan", "--improv")

    assert Exit.DONE == code
    assert "WPA2" in at_open_box.out and "dBm" in at_open_box.out


async def test_wifi_connect_tells_each_step(at_open_box: Terminal, stub: HttpGateway) -> None:
    """The password is asked for, and stands in nothing that is printed."""
    joined = {"status": "ok", "message": "", "ip": "10.0.0.7"}
    report = {"number": 1, "ssid": "HomeNet", "step": "connecting", "reason": None}

    with held_back(stub, "POST", "/api/wifi", joined) as let_go:

        def progress(handler: Any) -> None:
            begun = ("POST", "/api/wifi") in asked(stub)
            number = 0 if not begun else 2 if let_go.is_set() else 1
            step = ("idle", "connecting", "connected")[number]
            if begun:
                let_go.set()
            say(handler, {**report, "number": number, "step": step, "message": step})

        stub.says("GET", "/api/wifi/progress", progress)
        code = await at_open_box.run("--name", NAME, "wifi", "connect", "HomeNet")

    assert Exit.DONE == code
    assert "... connecting" in at_open_box.err
    assert "joined HomeNet, its address is 10.0.0.7" in at_open_box.out
    assert b'{"ssid": "HomeNet", "psk": "home-password"}' == bodies(stub)[-1]
    assert "home-password" not in at_open_box.out + at_open_box.err


async def test_a_wrong_password_is_said_in_the_boxs_words(
    at_open_box: Terminal, stub: HttpGateway
) -> None:
    """And is a code."""
    words = {"status": "error", "message": "HomeNet does not take this password", "reason": "x"}
    stub.says("POST", "/api/wifi", words, 422)

    code = await at_open_box.run("--name", NAME, "wifi", "connect", "HomeNet")
    text = at_open_box.out
    by_improv = await at_open_box.run("--name", NAME, "wifi", "connect", "HomeNet", "--improv")

    assert (Exit.SAID_NO, Exit.SAID_NO) == (code, by_improv)
    assert "does not take this password" in text
    assert "check name and password" in at_open_box.err


async def test_wifi_connect_by_improv(
    at_open_box: Terminal, stub: HttpGateway, tmp_path: Path
) -> None:
    """With a password from a file; it says where the page is."""
    stub.says("POST", "/api/wifi", {"status": "ok", "message": "", "ip": "10.0.0.7"})
    stub.says("GET", "/api/network/address", {"ip": "10.0.0.7", "port": 8080})
    (tmp_path / "home.txt").write_text("from a file\n")
    words = ("wifi", "connect", "HomeNet", "--improv", "--password-file", f"{tmp_path}/home.txt")

    code = await at_open_box.run("--name", NAME, *words)

    assert Exit.DONE == code
    assert "http://10.0.0.7:8080/" in at_open_box.out
    assert "Improv: provisioning" in at_open_box.err
    assert b'"psk": "from a file"' in bodies(stub)[0]


async def test_wifi_status_and_forget(at_open_box: Terminal, stub: HttpGateway) -> None:
    """Which network, which addresses; and one less."""
    stub.says("GET", "/api/wifi", {"connected": "HomeNet", "ssids": [], "networks": []})
    network = {"ip": "10.0.0.7", "interfaces": {"wlan0": "10.0.0.7"}, "internet_connection": True}
    stub.says("GET", "/api/network", network)
    stub.says("DELETE", "/api/wifi", {"status": "ok"})

    status = await at_open_box.run("--name", NAME, "wifi", "status")
    text = at_open_box.out
    forgot = await at_open_box.run("--name", NAME, "wifi", "forget", "HomeNet")

    assert (Exit.DONE, Exit.DONE) == (status, forgot)
    assert "HomeNet" in text and "wlan0" in text and "10.0.0.7" in text
    assert b'{"ssid": "HomeNet"}' == bodies(stub)[-1]


@new
async def test_a_kept_label_opens_a_session(terminal: Terminal, stub: HttpGateway) -> None:
    """Set once, it is used without a word; --plain does without it and is refused."""
    stub.says("POST", "/api/settings", {"success": True})
    terminal.typed = LABEL.pairing_text(NAME)
    kept = await terminal.run("label", "set", "-")
    sealed = await terminal.run("--name", NAME, "post", "/api/settings", '{"name": "x"}')
    said = terminal.err
    plain = await terminal.run("--name", NAME, "--plain", "post", "/api/settings", '{"name": "x"}')

    assert (Exit.DONE, Exit.DONE, Exit.NOT_LET_IN) == (kept, sealed, plain)
    assert "with its label" in said
    assert "label set -" in terminal.err
    assert [("POST", "/api/settings")] == asked(stub)


@new
async def test_a_wrong_label_says_what_to_do(terminal: Terminal, stub: HttpGateway) -> None:
    """Compare it with the box's own; nothing of the label is printed."""
    KeptLabels(terminal.folder).keep(Kept(OTHER_LABEL, NAME))

    code = await terminal.run("--name", NAME, "get", "/api/network")

    assert Exit.NOT_LET_IN == code
    assert "compare it with the box's own label" in terminal.err
    assert OTHER_LABEL.printed() not in terminal.out + terminal.err
    assert [] == asked(stub)


async def test_a_door_that_is_busy_says_so(at_open_box: Terminal) -> None:
    """Another phone is there."""
    async with at_open_box.box.phone():
        code = await at_open_box.run("--address", at_open_box.box.place.address, "state")

    assert Exit.NOT_LET_IN == code
    assert "another phone" in at_open_box.err
