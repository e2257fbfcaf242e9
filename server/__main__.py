"""The gateway's command line: `python -m server --help`."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from server import __version__
from server.app import Options, run
from server.commands import backup, health, restore
from server.errors import EgretError
from server.model.setting import LOG_LEVELS, MAX_PORT
from server.settings import data_folder, door_folder, environment, notify_socket

COMMANDS: Mapping[str, Callable[[list[str], Mapping[str, str]], int]] = {
    "backup": backup.main,
    "health": health.main,
    "restore": restore.main,
}
"""What else there is to do, by its first word."""

EPILOG = """\
Other commands, each with a --help of its own:
  python -m server backup FILE    keep settings, and if wanted key and history, in one file
  python -m server restore FILE   put them back
  python -m server health         ask the gateway on this machine whether it is well

Every setting can also be given as an environment variable EGRET_... (EGRET_API_PORT=8081) or in
DATA/settings.json; the command line stands above the environment, and that above the file.
docs/settings.md lists them all. Stop with Ctrl-C: what is in memory goes to disk first.
"""


def arguments() -> argparse.ArgumentParser:
    """The options of `python -m server`."""
    parser = argparse.ArgumentParser(
        prog="python -m server",
        description="Egret, the energy gateway: reads inverters, keeps every reading, delivers it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", metavar="DIR", help="where everything is kept (default: data)")
    parser.add_argument(
        "--door",
        metavar="DIR",
        help="what is shared with the Bluetooth service (default: the data folder)",
    )
    parser.add_argument("--host", help="where the API and the page listen (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, help="their port, 0 for a free one (default: 8080)")
    parser.add_argument(
        "--log-level",
        metavar="LEVEL",
        type=str.upper,
        choices=LOG_LEVELS,
        help=f"{', '.join(LOG_LEVELS[:-1])} or {LOG_LEVELS[-1]} (default: INFO)",
    )
    parser.add_argument("--json", action="store_true", help="print the address as one line of JSON")
    parser.add_argument("--version", action="version", version=f"egret {__version__}")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, then run; returns the exit code."""
    words = sys.argv[1:] if argv is None else argv
    environ = environment()
    try:
        if words and words[0] in COMMANDS:
            return COMMANDS[words[0]](words[1:], environ)
        return _serve(arguments().parse_args(words), environ)
    except (EgretError, OSError) as error:
        print(f"egret: {error}", file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    given: dict[str, Any] = {
        "api": {"host": options.host, "port": options.port},
        "log": {"level": options.log_level},
    }
    announce = _announce_as_json if options.json else _announce
    announce_tls = _announce_tls_as_json if options.json else _announce_tls
    data = data_folder(options.data, environ)
    door = door_folder(options.door, environ)
    chosen = Options(data, announce, notify_socket(), door, announce_tls)
    return run(chosen, environ, given)


def _port(text: str) -> int:
    """What a person types wrong is told at once, and never replaced by the default."""
    if text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_PORT)):
        if (port := int(text)) <= MAX_PORT:
            return port
    raise argparse.ArgumentTypeError(f"should be a whole number from 0 to {MAX_PORT}")


def _announce(url: str, alone: bool, code: str) -> None:
    where = " (from this machine only)" if alone else ""
    print(f"Egret {__version__} is at {url}{where}", flush=True)
    if code:
        print(
            f"Nobody owns this box yet. Claim it there with {code}, or with the secret on its"
            " label; the code counts until it is claimed or stopped.",
            flush=True,
        )


def _announce_tls(url: str, fingerprint: str) -> None:
    print(f"and at {url}, with the certificate {fingerprint} (SHA-256)", flush=True)


def _announce_tls_as_json(url: str, fingerprint: str) -> None:
    print(json.dumps({"url": url, "fingerprint": fingerprint}), flush=True)


def _announce_as_json(url: str, alone: bool, code: str) -> None:
    print(json.dumps({"url": url, "claim_code": code} if code else {"url": url}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
