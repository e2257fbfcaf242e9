"""The commands about the box's Wi-Fi: scan, connect, status, forget."""

import json
from collections.abc import Callable
from typing import Any

from bluetooth.client.box import Box, Reply
from bluetooth.client.commands import answered, read_text
from bluetooth.client.errors import Exit, LinkLost, Unusable
from bluetooth.client.settings import Options
from bluetooth.client.visit import Means, exit_of, visit
from bluetooth.client.voice import table
from bluetooth.improv import MAX_SSID_BYTES, Credentials, State

MAX_PASSWORD_BYTES = 64
"""64 hexadecimal digits, the longest that WPA takes (IEEE 802.11-2020, annex J)."""

MAX_PASSWORD_FILE_BYTES = 1024
"""Of a file with a password in its first line."""

_PERHAPS = "the box may have joined all the same: see `wifi status`"


async def scan(means: Means, options: Options) -> Exit:
    """The networks that the box can see."""
    if options.by_improv:
        return await _scan_by_improv(means, options)
    async with visit(means, options) as box:
        await box.follow(_teller(means))
        reply = await box.get("/api/wifi/scan", options.timeout_s)
        if not reply.is_ok:
            return answered(means, box, reply)
    networks = _networks(reply)
    rows = [("SSID", "SIGNAL", "SECURITY", "SAVED")]
    for each in networks:
        signal = f"{each.get('signal_percent', '?')} %"
        saved = "yes" if each.get("saved") else ""
        rows.append((str(each.get("ssid")), signal, str(each.get("security")), saved))
    text = table(rows) if networks else "the box sees no network"
    means.voice.result({"networks": networks}, text)
    return Exit.DONE


async def status(means: Means, options: Options) -> Exit:
    """Which Wi-Fi the box is in, and its addresses."""
    async with visit(means, options) as box:
        wifi = await box.get("/api/wifi", options.timeout_s)
        if not wifi.is_ok:
            return answered(means, box, wifi)
        network = await box.get("/api/network", options.timeout_s)
        if not network.is_ok:
            return answered(means, box, network)
    seen, reached = _object(wifi), _object(network)
    fields = {"wifi": seen, "network": reached}
    interfaces = reached.get("interfaces")
    addresses = interfaces.items() if isinstance(interfaces, dict) else ()
    rows = [
        ("Wi-Fi", str(seen.get("connected") or seen.get("message") or "not connected")),
        ("address", str(reached.get("ip"))),
        ("internet", _yes_or_no(reached.get("internet_connection"))),
        *((str(name), str(address)) for name, address in addresses),
    ]
    means.voice.result(fields, table(rows))
    return Exit.DONE


async def connect(means: Means, options: Options) -> Exit:
    """Have the box join a network."""
    if not 1 <= len(options.ssid.encode()) <= MAX_SSID_BYTES:
        raise Unusable(f"a network's name has 1 to {MAX_SSID_BYTES} bytes")
    password = _password(means, options)
    if options.by_improv:
        return await _connect_by_improv(means, options, password)
    async with visit(means, options) as box:
        await box.follow(_teller(means))
        body = {"ssid": options.ssid, "psk": password}
        reply = await _joined(box, lambda: box.post("/api/wifi", body, options.timeout_s))
        fields = {"status": reply.status, "reason": reply.reason, "body": _object(reply)}
        means.voice.result(fields, _outcome(reply, options.ssid))
        return exit_of(means, box, reply)


async def forget(means: Means, options: Options) -> Exit:
    """Have the box forget a network."""
    async with visit(means, options) as box:
        reply = await box.delete("/api/wifi", {"ssid": options.ssid}, options.timeout_s)
        return answered(means, box, reply)


async def _scan_by_improv(means: Means, options: Options) -> Exit:
    async with visit(means, options, in_the_clear=True) as box:
        networks = await (await box.improv()).scan()
    rows = [("SSID", "SIGNAL", "SECURITY")]
    rows += [(each.ssid, f"{each.rssi_dbm} dBm", each.security) for each in networks]
    fields = [
        {"ssid": each.ssid, "rssi_dbm": each.rssi_dbm, "security": each.security}
        for each in networks
    ]
    text = table(rows) if networks else "the box sees no network"
    means.voice.result({"networks": fields}, text)
    return Exit.DONE


async def _connect_by_improv(means: Means, options: Options, password: str) -> Exit:
    def moved(state: State) -> None:
        words = state.name.lower().replace("_", " ")
        means.voice.event("improv", {"state": state.name.lower()}, f"Improv: {words}")

    async with visit(means, options, in_the_clear=True) as box:
        await box.follow(_teller(means))
        talk = await box.improv()
        credentials = Credentials(options.ssid, password)
        url = await _joined(box, lambda: talk.join(credentials, moved))
    line = f"the box has joined {options.ssid}" + (f": {url}" if url else "")
    means.voice.result({"ssid": options.ssid, "url": url or None}, line)
    return Exit.DONE


async def _joined(box: Box, join: Callable[[], Any]) -> Any:
    """A box that leaves a network may lose its phone on the way, and join all the same."""
    try:
        return await join()
    except LinkLost as lost:
        raise LinkLost(f"{lost}; {_PERHAPS}") from lost


def _teller(means: Means) -> Callable[[dict[str, Any]], None]:
    """Shows each step as the box tells it."""

    def tell(report: dict[str, Any]) -> None:
        words = report["message"] or str(report["step"]).replace("_", " ")
        means.voice.event("progress", report, f"... {words}")

    return tell


def _outcome(reply: Reply, ssid: str) -> str:
    if not reply.is_ok:
        return reply.words
    ip = _object(reply).get("ip")
    return f"the box has joined {ssid}" + (f", its address is {ip}" if ip else "")


def _password(means: Means, options: Options) -> str:
    """Never from the command line, where every process of the machine can read it."""
    if options.is_open:
        return ""
    if options.password_file == "-":
        text = means.typed.readline(MAX_PASSWORD_FILE_BYTES)
    elif options.password_file is not None:
        text = read_text(options.password_file, MAX_PASSWORD_FILE_BYTES)
    else:
        text = means.ask_secret(f"Password of {options.ssid}: ")
    password = (text.splitlines() or [""])[0]
    if not password:
        raise Unusable("no password was given; for a network without one use --open")
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise Unusable(f"a password has at most {MAX_PASSWORD_BYTES} bytes")
    return password


def _networks(reply: Reply) -> list[dict[str, Any]]:
    networks = _object(reply).get("networks")
    if not isinstance(networks, list):
        return []
    return [each for each in networks if isinstance(each, dict)]


def _object(reply: Reply) -> dict[str, Any]:
    """The body, where it is an object; nothing where the gateway says something else."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _yes_or_no(value: object) -> str:
    return "yes" if value else "no"
