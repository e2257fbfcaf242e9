"""The commands about boxes and their API: scan, state, get, post, delete."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from bluetooth.client import finding
from bluetooth.client.box import Box, Reply
from bluetooth.client.errors import AttRefused, Exit, Unusable
from bluetooth.client.finding import NONE_FOUND, SCAN_S
from bluetooth.client.link import Sighting
from bluetooth.client.settings import Options
from bluetooth.client.visit import Means, exit_of, visit
from bluetooth.client.voice import table
from bluetooth.egwttp import MAX_BODY_BYTES

_HELLO = {"name": "/api/name", "version": "/api/version"}
"""What a box tells to whoever sees it."""


async def scan(means: Means, options: Options) -> Exit:
    """The boxes in range."""
    seconds = options.seconds or options.timeout_s or SCAN_S
    means.voice.event("scanning", {"seconds": seconds}, f"listening for {seconds:g} s ...")
    found = await finding.scan(means.radio(), means.wait, seconds)
    if options.name or options.address:
        wanted = finding.Wanted(options.address, options.name)
        found = [each for each in found if wanted.fits(each)]
    means.voice.result({"boxes": [_fields(each) for each in found]}, _listed(found))
    return Exit.DONE if found else Exit.NOT_FOUND


async def state(means: Means, options: Options) -> Exit:
    """How the door of a box stands, and which box it is."""
    async with visit(means, options) as box:
        door = box.door
        hello = await _hello(box) if door.lets_in else {}
    fields: dict[str, Any] = {
        "box": _fields(box.sighting),
        "door": door.state,
        "left_s": door.left_s,
        "legacy": door.legacy,
        "attempts_left": door.attempts_left,
        **hello,
    }
    left = "" if door.left_s is None else f", for {door.left_s:.0f} s more"
    rows = [
        ("box", box.sighting.name or "no name"),
        ("address", box.sighting.address),
        ("door", door.words + left),
        ("without encryption", "allowed" if door.legacy else "not allowed now"),
        ("attempts left", str(door.attempts_left)),
        *((name, str(value)) for name, value in hello.items()),
    ]
    means.voice.result(fields, table(rows))
    return Exit.DONE


async def get(means: Means, options: Options) -> Exit:
    """GET a path of the API."""
    return await _ask(means, options, "GET", None)


async def post(means: Means, options: Options) -> Exit:
    """POST to a path of the API."""
    return await _ask(means, options, "POST", _body(means, options.body))


async def delete(means: Means, options: Options) -> Exit:
    """DELETE a path of the API."""
    return await _ask(means, options, "DELETE", _body(means, options.body))


async def _ask(means: Means, options: Options, method: str, body: bytes | None) -> Exit:
    async with visit(means, options) as box:
        reply = await box.ask(method, options.path, body, options.timeout_s)
        return answered(means, box, reply)


def answered(means: Means, box: Box, reply: Reply) -> Exit:
    """Show an answer; its exit code."""
    try:
        value = reply.json()
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        value = text = reply.body.decode("utf-8", "replace")
    fields = {"status": reply.status, "reason": reply.reason, "body": value}
    if not reply.is_ok:
        means.voice.event("refused", {"status": reply.status}, f"{reply.status} {reply.reason}")
    means.voice.result(fields, text)
    return exit_of(means, box, reply)


def _body(means: Means, given: str | None) -> bytes | None:
    """What is sent: JSON from the command line, from standard input (-) or from a file (@...).

    Raises Unusable for what is no JSON: the box would say no more than that.
    """
    if given is None:
        return None
    if given == "-":
        text = means.typed.read(MAX_BODY_BYTES + 1)
    elif given.startswith("@"):
        text = read_text(given[1:], MAX_BODY_BYTES)
    else:
        text = given
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"what is to be sent is no JSON: {error}") from None
    content = text.encode()
    if len(content) > MAX_BODY_BYTES:
        raise Unusable(f"at most {MAX_BODY_BYTES} bytes can be sent")
    return content


def read_text(path: str, most_bytes: int) -> str:
    """A file that was named on the command line. Raises Unusable."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise Unusable(f"{path} has more than {most_bytes} bytes")
        return content.decode("utf-8")
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise Unusable(f"{path} is no text in UTF-8") from None


async def _hello(box: Box) -> dict[str, Any]:
    """What the box tells of itself; what it does not tell is left out."""
    told: dict[str, Any] = {}
    for field, path in _HELLO.items():
        with suppress(AttRefused, ValueError):
            reply = await box.get(path)
            value = reply.json()
            if reply.is_ok and isinstance(value, dict):
                told[field] = value.get(field)
    return told


def _fields(sighting: Sighting) -> dict[str, Any]:
    improv = sighting.improv_state
    return {
        "address": sighting.address,
        "name": sighting.name,
        "rssi_dbm": sighting.rssi_dbm,
        "ways": list(sighting.ways),
        "improv": None if improv is None else improv.name.lower(),
    }


def _listed(found: list[Sighting]) -> str:
    if not found:
        return NONE_FOUND
    rows = [("ADDRESS", "NAME", "SIGNAL", "OFFERS", "IMPROV")]
    for each in found:
        improv = "" if each.improv_state is None else each.improv_state.name.lower()
        signal = f"{each.rssi_dbm} dBm"
        rows.append((each.address, each.name, signal, " ".join(each.ways), improv))
    return table(rows)
