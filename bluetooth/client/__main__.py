"""The command line of the phone: `python -m bluetooth.client --help`."""

import argparse
import asyncio
import getpass
import io
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from bluetooth import clock, log
from bluetooth.client import commands, label_commands, wifi_commands
from bluetooth.client.errors import ClientError, Exit, NoBluetooth, Unusable
from bluetooth.client.kept_labels import KeptLabels
from bluetooth.client.link import Radio
from bluetooth.client.settings import (
    MAX_SCAN_S,
    MAX_TIMEOUT_S,
    MIN_SCAN_S,
    MIN_TIMEOUT_S,
    Options,
    config_folder,
)
from bluetooth.client.visit import Means
from bluetooth.client.voice import Voice
from bluetooth.settings import environment


class _Parser(argparse.ArgumentParser):
    """Takes no abbreviations: --password would be --password-file, and stand in every history."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)


Command = Callable[[Means, Options], Awaitable[Exit]]

COMMANDS: dict[tuple[str, ...], Command] = {
    ("scan",): commands.scan,
    ("state",): commands.state,
    ("get",): commands.get,
    ("post",): commands.post,
    ("delete",): commands.delete,
    ("wifi", "scan"): wifi_commands.scan,
    ("wifi", "status"): wifi_commands.status,
    ("wifi", "connect"): wifi_commands.connect,
    ("wifi", "forget"): wifi_commands.forget,
    ("label", "set"): label_commands.keep,
    ("label", "list"): label_commands.show,
    ("label", "forget"): label_commands.forget,
}

EPILOG = """\
A box shows itself after a short press of its button, for three minutes; a new one always. With its
label everything is encrypted and works whenever the box shows itself. Without, it works only right
after the press, and only if the owner lets such apps in.

examples:
  python -m bluetooth.client scan
  python -m bluetooth.client label set -            # type or paste the label, or its QR code's text
  python -m bluetooth.client wifi scan
  python -m bluetooth.client wifi connect HomeNet   # asks for the password
  python -m bluetooth.client wifi connect HomeNet --improv --password-file home.txt
  python -m bluetooth.client --name "Egret 7F3A2B" get /api/state
  python -m bluetooth.client post /api/settings '{"name": "Cellar"}'
  python -m bluetooth.client --json get /api/version | jq .body.version

exit codes:
  0  done                           4  not let in: the door is closed, another label, another phone
  1  the box said no                5  this computer's Bluetooth cannot be used
  2  wrong use                      6  the connection broke, or nothing came in time
  3  no box found, or several     130  interrupted
"""


def arguments() -> _Parser:
    """The command line. Common options may stand before and after the command."""
    common = _common()
    parser = _Parser(
        prog="python -m bluetooth.client",
        description="A phone for the command line: finds Egret boxes and sets them up over"
        " Bluetooth LE.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    adding = parser.add_subparsers(dest="first", metavar="COMMAND", required=True)
    scan = adding.add_parser("scan", parents=[common], help="list the boxes in range")
    scan.add_argument("--seconds", type=_seconds(MIN_SCAN_S, MAX_SCAN_S), help="how long (6)")
    adding.add_parser("state", parents=[common], help="show which box it is and how its door is")
    get = adding.add_parser("get", parents=[common], help="GET a path of the box's API")
    get.add_argument("path", metavar="/api/...")
    for name in ("post", "delete"):
        command = adding.add_parser(
            name, parents=[common], help=f"{name.upper()} to a path of the box's API"
        )
        command.add_argument("path", metavar="/api/...")
        command.add_argument("body", nargs="?", metavar="JSON|-|@FILE", help="what to send")
    _add_wifi(adding.add_parser("wifi", parents=[common], help="the box's Wi-Fi"), common)
    _add_label(adding.add_parser("label", parents=[common], help="the labels you have"), common)
    return parser


def _common() -> _Parser:
    parser = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("--address", help="the box with this address (on macOS: its UUID)")
    parser.add_argument("--name", help="the box with this name")
    parser.add_argument("--adapter", metavar="hci0", help="the adapter to use (Linux)")
    parser.add_argument(
        "--timeout",
        dest="timeout_s",
        metavar="SECONDS",
        type=_seconds(MIN_TIMEOUT_S, MAX_TIMEOUT_S),
        help="how long to look for the box (20), and to wait for its answer (as the box allows)",
    )
    parser.add_argument(
        "--plain", dest="is_plain", action="store_true", help="without encryption, label or not"
    )
    parser.add_argument(
        "--json", dest="as_json", action="store_true", help="one JSON object per line, for programs"
    )
    parser.add_argument(
        "--verbose", dest="is_verbose", action="store_true", help="say what happens underneath"
    )
    return parser


def _add_wifi(parser: _Parser, common: _Parser) -> None:
    adding = parser.add_subparsers(dest="second", metavar="COMMAND", required=True)
    scan = adding.add_parser("scan", parents=[common], help="list the networks that the box sees")
    adding.add_parser("status", parents=[common], help="show how the box is connected")
    connect = adding.add_parser("connect", parents=[common], help="have the box join a network")
    connect.add_argument("ssid", metavar="SSID")
    secret = connect.add_mutually_exclusive_group()
    secret.add_argument(
        "--password-file", metavar="FILE", help="read the password from its first line; -: stdin"
    )
    secret.add_argument(
        "--open", dest="is_open", action="store_true", help="the network has no password"
    )
    for command in (scan, connect):
        command.add_argument(
            "--improv", dest="by_improv", action="store_true", help="through Improv Wi-Fi"
        )
    forget = adding.add_parser("forget", parents=[common], help="have the box forget a network")
    forget.add_argument("ssid", metavar="SSID")


def _add_label(parser: _Parser, common: _Parser) -> None:
    adding = parser.add_subparsers(dest="second", metavar="COMMAND", required=True)
    keep = adding.add_parser(
        "set",
        parents=[common],
        help="keep a label; with --name or --address that box's",
        description="Keeps a label in your configuration folder, readable by you alone. As an"
        " argument it also stays in your shell's history: rather use -.",
    )
    keep.add_argument("text", metavar="TEXT|-", help="as printed, or the text of its QR code")
    adding.add_parser("list", parents=[common], help="show whose labels are kept")
    forget = adding.add_parser("forget", parents=[common], help="forget a box's label, or all")
    forget.add_argument("text", nargs="?", metavar="NAME", help="the box's name or address")


def _seconds(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        seconds = float(text)
        if not least <= seconds <= most:
            raise argparse.ArgumentTypeError(f"use {least:g} to {most:g} seconds")
        return seconds

    read.__name__ = "number of seconds"
    return read


def options_of(namespace: argparse.Namespace) -> Options:
    """What was chosen, all else as it is by itself."""
    given = vars(namespace)
    command = tuple(given[each] for each in ("first", "second") if given.get(each))
    known = {each.name for each in fields(Options)}
    chosen = {name: each for name, each in given.items() if name in known}
    return Options(command=command, **chosen)


def main(argv: list[str] | None = None, radio: Radio | None = None) -> int:
    """Parse, then do it; the exit code."""
    options = options_of(arguments().parse_args(argv))
    log.configure("DEBUG" if options.is_verbose else "ERROR", sys.stderr)
    # bleak would tell every value that is written, a password among them.
    logging.getLogger("bleak").setLevel(logging.INFO if options.is_verbose else logging.ERROR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # A console need not know every neighbour's script.
            stream.reconfigure(errors="replace")
    voice = Voice(sys.stdout, sys.stderr, options.as_json)
    try:
        return asyncio.run(run(options, voice, radio))
    except ClientError as error:
        voice.fail(error)
        return error.code
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be flushed into it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


async def run(options: Options, voice: Voice, radio: Radio | None = None) -> Exit:
    """One command. Raises ClientError."""
    folder = config_folder(environment(), Path.home())
    means = Means(
        radio=lambda: radio or bluetooth_of(options.adapter),
        clock=clock.SystemClock(),
        wait=clock.wait,
        labels=KeptLabels(folder),
        voice=voice,
        typed=sys.stdin,
        ask_secret=ask_secret,
    )
    return await COMMANDS[options.command](means, options)


def bluetooth_of(adapter: str) -> Radio:
    """This computer's. Raises NoBluetooth where its library is missing."""
    try:
        from bluetooth.client.bleak_link import BleakRadio
    except ImportError as error:
        raise NoBluetooth(
            f"bleak is missing or does not know this system ({error}): pip install bleak"
        ) from error
    return BleakRadio(adapter)


def ask_secret(question: str) -> str:
    """Ask on the terminal. Raises Unusable where there is none."""
    if not sys.stdin.isatty():
        raise Unusable("there is no terminal to ask on: use --password-file FILE (-: stdin)")
    try:
        return getpass.getpass(question)
    except EOFError:
        raise Unusable("nothing was typed") from None


if __name__ == "__main__":
    sys.exit(main())
