"""Writes the made parts of docs/bluetooth.md: tables, the diagram, the worked examples.

The prose of the page is written by hand; between `<!-- made: NAME -->` and `<!-- end -->` stands
what comes out of the program itself. `--check` fails when one of these parts is not current.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bluetooth import (
    button,
    egwttp,
    exchange,
    fragment,
    gatt,
    improv,
    improv_flow,
    paths,
    record,
    seat,
    session,
    session_desk,
    window,
)
from bluetooth.label import Label
from bluetooth.phone_session import PhoneSession
from bluetooth.rules import CLEAR, EVERYTHING, NOTHING, RULES
from bluetooth.settings import CHOICES, TOKEN_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "bluetooth.md"
PART = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

EXAMPLE_LABEL = Label(bytes(range(16)))
EXAMPLE_NAME = "Egret A1B2C3"
EXAMPLE_PHONE = bytes(range(32, 64))
EXAMPLE_BOX = bytes(range(64, 96))
EXAMPLE_REQUEST = egwttp.Request("GET", "/api/hello").encode()
EXAMPLE_BODY = b'{"message":"hello"}'
EXAMPLE_FRAGMENT_BYTES = 100


def characteristics() -> Iterator[str]:
    """Every UUID."""
    yield "| service | characteristic | UUID | a phone may |"
    yield "|---|---|---|---|"
    for name, service in (("native", gatt.NATIVE), ("Improv", gatt.IMPROV), ("Egret", gatt.EGRET)):
        yield f"| **{name}** | | `{service.uuid}` | |"
        for each in service.characteristics:
            may = ", ".join(sorted(each.properties))
            yield f"| | {each.name} | `{each.uuid}` | {may} |"


def states() -> Iterator[str]:
    """The window's table, drawn."""
    yield f"```mermaid\n{window.mermaid()}\n```"


def rules() -> Iterator[str]:
    """Who may do what."""
    yield "| door | legacy apps | session | EGWTTP in the clear | Improv | what the rest is told |"
    yield "|---|---|---|---|---|---|"
    for (state, legacy), row in RULES.items():
        cells = [state, "on" if legacy else "off", _accesses(row.session), _accesses(row.plain)]
        improv_may = "scan, join" if row.improv else "nothing"
        yield f"| {' | '.join(cells)} | {improv_may} | {row.why_not} |"


def _accesses(accesses: frozenset[paths.Access]) -> str:
    if accesses == EVERYTHING:
        return "everything on the list"
    if accesses == CLEAR:
        return f"all but *{paths.Access.OWN}*"
    return "nothing" if accesses == NOTHING else ", ".join(sorted(accesses))


def requests() -> Iterator[str]:
    """The allow-list."""
    yield "| request | kind | for | time limit |"
    yield "|---|---|---|---|"
    for rule in paths.RULES:
        what = f"`{rule.method} {rule.path}`"
        yield f"| {what} | {rule.access} | {rule.why} | {rule.timeout_s:g} s |"


def options() -> Iterator[str]:
    """The command line."""
    yield "| option | variable | what |"
    yield "|---|---|---|"
    for each in CHOICES:
        yield f"| `{each.option} {each.metavar}` | `{each.variable}` | {each.help} |"
    yield f"| | `{TOKEN_VARIABLE}` | the token itself, instead of a file |"


LIMITS: tuple[tuple[object, str], ...] = (
    (window, "MAX_BAD_ATTEMPTS"),
    (window, "FIRST_PAUSE_S"),
    (window, "PAUSE_CEILING_S"),
    (window, "MIN_PAUSE_S"),
    (window, "PAUSE_FORGOTTEN_S"),
    (window, "ATTEMPT_FORGOTTEN_S"),
    (seat, "SEAT_IDLE_S"),
    (seat, "YIELD_S"),
    (seat, "YIELD_PAUSE_S"),
    (button, "HOLD_S"),
    (fragment, "MIN_FRAGMENT_BYTES"),
    (fragment, "MAX_FRAGMENT_BYTES"),
    (fragment, "WINDOW"),
    (fragment, "ACK_EVERY"),
    (record, "MAX_RECORD_DATA_BYTES"),
    (session, "MAX_REQUEST_BYTES"),
    (session_desk, "MAX_UNDERWAY"),
    (session, "HANDSHAKE_TIMEOUT_S"),
    (session, "MESSAGE_TIMEOUT_S"),
    (session, "ACK_TIMEOUT_S"),
    (session, "IDLE_TIMEOUT_S"),
    (egwttp, "PAGE_BYTES"),
    (egwttp, "MAX_HEAD_BYTES"),
    (egwttp, "MAX_PATH_BYTES"),
    (egwttp, "MAX_BODY_BYTES"),
    (exchange, "MAX_PENDING"),
    (exchange, "SILENCE_S"),
    (exchange, "REPEAT_S"),
    (exchange, "SNAPSHOT_AGE_S"),
    (improv_flow, "AUTHORIZED_S"),
)


def limits() -> Iterator[str]:
    """The bounds that an app meets."""
    yield "| name | value |"
    yield "|---|---|"
    for module, name in LIMITS:
        place = str(getattr(module, "__name__", "")).removeprefix("bluetooth.")
        yield f"| `{place}.{name}` | {getattr(module, name):g} |"


def reasons() -> Iterator[str]:
    """Why a session ended."""
    yield "| reason | name | counts as a bad attempt |"
    yield "|---|---|---|"
    for each in record.Reason:
        counts = "yes" if each in record.BAD_ATTEMPTS else "no"
        yield f"| `{each:02x}` | {each.name.lower().replace('_', ' ')} | {counts} |"


def egwttp_example() -> Iterator[str]:
    """A request and its answer."""
    request = egwttp.Request("POST", "/api/echo", b'{"a":1}').encode()
    page = egwttp.Response(200, "OK", "/api/echo", "POST", b'{"echo":{"a":1}}').page()
    yield "```text"
    yield "the phone writes:"
    yield from (f"    {each}" for each in _lines(request))
    yield "the box notifies:"
    yield from (f"    {each}" for each in _lines(page))
    yield "```"


def _lines(text: bytes) -> list[str]:
    return [each + "\\r\\n" for each in text.decode().split("\r\n")[:-1]] + [
        text.decode().split("\r\n")[-1]
    ]


def improv_example() -> Iterator[str]:
    """The specification's own example, and the box's data in the advertisement."""
    data = improv.join_strings(["MyWirelessAP", "mysecurepassword"])
    command = bytes([improv.Command.WIFI_SETTINGS, len(data)]) + data
    command += bytes([improv.checksum(command)])
    known = improv.Capability.DEVICE_INFO | improv.Capability.SCAN_WIFI
    yield "```text"
    yield f"join \"MyWirelessAP\" with \"mysecurepassword\"   {command.hex(' ')}"
    waiting = improv.service_data(improv.State.AUTHORIZATION_REQUIRED, known)
    yield f"service data 4677, waiting for the button     {waiting.hex(' ')}"
    yield "```"


def session_example() -> Iterator[str]:
    """A whole session, byte by byte."""
    key = EXAMPLE_LABEL.session_key()
    phone = PhoneSession(
        key,
        EXAMPLE_FRAGMENT_BYTES,
        EXAMPLE_FRAGMENT_BYTES,
        X25519PrivateKey.from_private_bytes(EXAMPLE_PHONE),
    )
    box = session.Session(key, session.Hellos(), X25519PrivateKey.from_private_bytes(EXAMPLE_BOX))
    yield "```text"
    yield f"secret of the label        {EXAMPLE_LABEL.secret.hex()}"
    yield f"as printed                 {EXAMPLE_LABEL.printed()}"
    yield f"in the QR code             {EXAMPLE_LABEL.pairing_text(EXAMPLE_NAME)}"
    yield f"session key (HKDF)         {key.hex()}"
    yield f"prologue                   {record.prologue(EXAMPLE_FRAGMENT_BYTES).hex()}"
    yield f"phone's ephemeral, private {EXAMPLE_PHONE.hex()}"
    yield f"box's ephemeral, private   {EXAMPLE_BOX.hex()}"
    yield ""
    yield from _spoken("phone: hello", phone.hello(), box)
    yield from _heard("box: welcome", box.take(0.0), phone)
    yield ""
    yield f"request 1, in the record   01 01 00 {EXAMPLE_REQUEST.hex()}"
    yield from _spoken("phone: record", phone.ask(1, EXAMPLE_REQUEST), box)
    answer = egwttp.Response(200, "OK", "/api/hello", "GET", EXAMPLE_BODY).page()
    box.answer(1, answer, 0.0)
    yield f"answer 1, in the record    02 01 00 {answer.hex()}"
    yield from _heard("box: record", box.take(0.0), phone)
    yield from _spoken("phone: close, goodbye", phone.goodbye(), box)
    yield "```"


def _spoken(what: str, values: list[bytes], box: session.Session) -> Iterator[str]:
    for value in values:
        box.receive(value, 0.0)
        yield f"{what:<26} write  {value.hex()}"


def _heard(what: str, values: list[bytes], phone: PhoneSession) -> Iterator[str]:
    for value in values:
        phone.receive(value)
        yield f"{what:<26} notify {value.hex()}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "characteristics": characteristics,
    "states": states,
    "rules": rules,
    "requests": requests,
    "options": options,
    "limits": limits,
    "reasons": reasons,
    "egwttp": egwttp_example,
    "improv": improv_example,
    "session": session_example,
}


def made(page: str) -> str:
    """The page with its made parts made anew. Raises KeyError for a part that nobody makes."""

    def anew(found: re.Match[str]) -> str:
        return found[1] + "\n".join(PARTS[found[2]]()) + "\n" + found[3]

    return PART.sub(anew, page)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="fail if the page is not current")
    page = PAGE.read_text(encoding="utf-8")
    missing = set(PARTS) - {found[2] for found in PART.finditer(page)}
    if missing:
        print(f"{PAGE.relative_to(ROOT)} has no place for {sorted(missing)}", file=sys.stderr)
        return 1
    if parser.parse_args().check:
        if made(page) != page:
            print(f"{PAGE.relative_to(ROOT)} is not current; run: make docs", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(made(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
