"""The simulator's command line: `python -m simulator plant` and `python -m simulator receiver`.

It owns words, options and signals; what runs lives in `plant.py` and `receiver.py`.
"""

import argparse
import errno
import socket
import sys

from simulator import command_plant, command_receiver, command_scenario
from simulator.doors import CannotOpenError

PLANT_FILES = (".toml", ".yaml", ".yml")
"""Names that are meant for plant files; the reader of plant files tells what it takes of them."""

_UNKNOWN_HOST = (socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL)

_EPILOG = """\
examples:
  python -m simulator                                        a hybrid inverter on port 5020
  python -m simulator house.toml                             the plant of a file
  python -m simulator plant --modbus 5020 --winet 10080:18082 --control 8099
  python -m simulator plant --trouble latency:0.1:0.5 --quirk zero-in-block
  python -m simulator plant --model sg5.0rt --start 12:00    a string inverter at noon
  python -m simulator plant --speed 600                      a day in two and a half minutes
  python -m simulator receiver --gateway http://127.0.0.1:8080
  python -m simulator receiver --fail 0.2 --store received.db
  python -m simulator scenario simulator/scenarios/quick.toml

docs/simulator.md tells the rest.
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A virtual plant to read from, and a virtual cloud to deliver to.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="plant|receiver|scenario"
    )
    command_plant.add_parser(commands)
    command_receiver.add_parser(commands)
    command_scenario.add_parser(commands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = build_parser().parse_args(_spelled_out(sys.argv[1:] if argv is None else argv))
    try:
        return int(options.run(options))
    except OSError as error:
        print(f"simulator: {_in_words(error, options)}", file=sys.stderr)
    except ValueError as error:
        print(f"simulator: {error}", file=sys.stderr)
    return 2


def _spelled_out(argv: list[str]) -> list[str]:
    """Nothing at all is a plant, and so are a plant file and a plant's options alone."""
    if not argv or argv[0].startswith("-") and argv[0] not in ("-h", "--help"):
        return ["plant", *argv]
    return ["plant", "--plant", *argv] if argv[0].endswith(PLANT_FILES) else argv


def _in_words(error: OSError, options: argparse.Namespace) -> str:
    option, host = "port", getattr(options, "host", "")
    ports: tuple[int | None, ...] = (getattr(options, "port", None),)
    if isinstance(error, CannotOpenError):
        option, host, ports = error.door, error.host, error.ports
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    spelled = " or ".join(map(str, ports))
    if error.errno == errno.EADDRINUSE:
        return f"port {spelled} is in use; give another one, or --{option} 0 for any free one"
    if error.errno == errno.EACCES and any(0 < (port or 0) < 1024 for port in ports):
        return f"port {spelled} needs more rights; give one above 1023, or --{option} 0"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine has no address {host}; try --host 127.0.0.1"
    if error.errno in _UNKNOWN_HOST:
        return f"nobody knows the host {host!r}; try --host 127.0.0.1"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
