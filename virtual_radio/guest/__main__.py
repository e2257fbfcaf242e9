"""`python -m virtual_radio.guest`: make the guest, start it, or look around in it."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from virtual_radio.guest.accelerator import machine_verdict
from virtual_radio.guest.build import Artefacts, build
from virtual_radio.guest.cache import Cache
from virtual_radio.guest.commands import GuestUnavailable
from virtual_radio.guest.control import GuestError
from virtual_radio.guest.guest import Guest
from virtual_radio.settings import cache_folder

ROOT = Path(__file__).resolve().parents[2]

LOCK = ROOT / "requirements-bluetooth.lock"

COMMAND_TIMEOUT_S = 600.0
"""For one command that a person types into the shell."""


def say(line: str) -> None:
    """Progress, for people: apart from what a command in the guest prints."""
    print(line, file=sys.stderr, flush=True)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m virtual_radio.guest", description=__doc__)
    deeds = parser.add_subparsers(dest="deed", required=True)
    for name, words in (
        ("build", "make what the guest is started from, and print where it lies"),
        ("boot", "start a guest, print its socket for a Bluetooth controller, wait for Ctrl-C"),
        ("shell", "start a guest and run each line of stdin in it"),
    ):
        deed = deeds.add_parser(name, help=words, description=words)
        deed.add_argument(
            "--cache",
            type=Path,
            default=cache_folder() / "guest",
            help="folder of what was made (default: %(default)s)",
        )
        deed.add_argument(
            "--lock",
            type=Path,
            default=LOCK,
            help="Python packages of the guest (default: %(default)s)",
        )
    return parser.parse_args(argv)


async def visit(artefacts: Artefacts, cache: Path, deed: str) -> None:
    """Start a guest and stay in it until stdin or the person ends."""
    loop = asyncio.get_running_loop()
    guest = Guest(artefacts, ROOT)
    began = loop.time()
    visiting = asyncio.current_task()
    assert visiting is not None
    for ending in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(ending, visiting.cancel)
    try:
        await guest.boot(machine_verdict(cache))
        say(f"ready after {loop.time() - began:.1f} s ({guest.accelerator})")
        say(f"its adapter's HCI, as H4: {guest.places.hci}")
        say(f"its shared folder /host: {guest.shared}")
        if deed == "boot":
            await loop.create_future()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            done = await guest.run("sh", "-c", line, timeout_s=COMMAND_TIMEOUT_S)
            print(done.out + done.err, end="", flush=True)
    finally:
        await guest.close()


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = arguments(argv)
    try:
        artefacts = build(Cache(options.cache, say), options.lock, say)
        if options.deed == "build":
            print(artefacts.tree.parent, artefacts.site.parent, sep="\n")
            return 0
        asyncio.run(visit(artefacts, options.cache, options.deed))
    except (GuestUnavailable, GuestError) as error:
        say(str(error))
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("ending the guest")
    return 0


if __name__ == "__main__":
    sys.exit(main())
