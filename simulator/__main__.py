"""The simulator's command line: `python -m simulator plant` and `python -m simulator receiver`.

It owns words, options and signals; what runs lives in `plant.py` and `receiver.py`.
"""

import argparse
import errno
import sys

from simulator import command_plant, command_receiver, command_scenario

_EPILOG = """\
examples:
  python -m simulator plant                                  a hybrid inverter on port 5020
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
    options = build_parser().parse_args(argv)
    try:
        return int(options.run(options))
    except OSError as error:
        print(f"simulator: {_in_words(error, options)}", file=sys.stderr)
    except ValueError as error:
        print(f"simulator: {error}", file=sys.stderr)
    return 2


def _in_words(error: OSError, options: argparse.Namespace) -> str:
    port = getattr(options, "port", None)
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; give another one, or --port 0 for any free one"
    if error.errno == errno.EACCES and port is not None and port < 1024:
        return f"port {port} needs more rights; give one above 1023, or --port 0"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine has no address {options.host}; try --host 127.0.0.1"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
