"""The command line of the phone's door: `python -m bluetooth --help`."""

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bluetooth import api_token, box_name, button, clock, label, lamp, log, memory, radio, settings
from bluetooth.api_token import TOKEN_FILE
from bluetooth.durable_file import OWNER_ONLY
from bluetooth.errors import BluetoothError, SettingWrong
from bluetooth.gateway import RequestsGateway
from bluetooth.label_card import card_svg, card_text
from bluetooth.service import Choices, Parts, Service
from bluetooth.settings import CHOICES, Settings

EPILOG = """\
Every option can also be given as an environment variable:
{variables}
The command line stands above the environment. {token} holds the token for the
gateway's API itself, instead of a file.

`python -m bluetooth label` shows this box's label: a QR code and its text, with which an app pairs.
`python -m bluetooth.client --help` is the other side, a phone for the command line.

Linux with BlueZ 5.55 or newer is what this is for; bluetooth/README.md says what works elsewhere.
Stop with Ctrl-C: the adapter is given back as it was found.
"""

LABEL_EPILOG = """\
Whoever sees the label can configure the box. Print it, or keep it where the box is; it is made
at the first start and never changes by itself.
"""

GUESSED_NAME = """\
The gateway does not tell the box's name, so this label says {name}. If phones see another, start
the gateway and make the label again, or give --name. The secret on it stays the same.
"""

Command = Callable[[Settings, Mapping[str, str | None]], None]

HARDWARE_FILE = Path("/proc/device-tree/model")
"""Where the Linux of a single-board computer says what it is."""


def arguments() -> argparse.ArgumentParser:
    """The options of `python -m bluetooth`."""
    variables = "\n".join(f"  {each.option:<14} {each.variable}" for each in CHOICES)
    parser = argparse.ArgumentParser(
        prog="python -m bluetooth",
        description="Egret's door for phones: configures the box over Bluetooth LE.",
        epilog=EPILOG.format(variables=variables, token=settings.TOKEN_VARIABLE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for choice in CHOICES:
        parser.add_argument(
            choice.option, dest=choice.field, metavar=choice.metavar, help=choice.help
        )
    return parser


def label_arguments() -> argparse.ArgumentParser:
    """The options of `python -m bluetooth label`."""
    parser = argparse.ArgumentParser(
        prog="python -m bluetooth label",
        description="Show this box's label: a QR code and its text, with which an app pairs.",
        epilog=LABEL_EPILOG,
    )
    for choice in CHOICES:
        if choice.field in ("data", "name", "api_url", "token_file"):
            parser.add_argument(
                choice.option, dest=choice.field, metavar=choice.metavar, help=choice.help
            )
    parser.add_argument("--svg", metavar="FILE", help="write it to FILE for print instead")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, then run; returns the exit code."""
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ["label"]:
        return _guarded(show_label, vars(label_arguments().parse_args(given[1:])))
    return _guarded(serve, vars(arguments().parse_args(given)))


def _guarded(command: Command, given: Mapping[str, str | None]) -> int:
    """Run `command`; what a person can mend is one line, not a traceback."""
    keep_no_core_file()
    try:
        command(settings.load(given, settings.environment()), given)
    except SettingWrong as error:
        print(f"egret bluetooth: {error}", file=sys.stderr)
        return 2
    except (BluetoothError, OSError) as error:
        print(f"egret bluetooth: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def serve(chosen: Settings, given: Mapping[str, str | None]) -> None:
    """Run the service until SIGTERM or SIGINT. Raises LabelUnusable, SettingWrong."""
    log.configure(chosen.log_level, sys.stderr)
    own_label = label.load_or_make(chosen.data)
    gateway = gateway_of(chosen)
    parts = Parts(
        peripheral=radio.peripheral(chosen.radio, chosen.adapter, chosen.name),
        gateway=gateway,
        clock=clock.SystemClock(),
        wait=clock.wait,
        button=button.find(chosen.button_pin),
        label=own_label,
        close_gateway=gateway.close,
        hardware=hardware(),
        lamp=lamp.find(chosen.led_pin),
    )
    choices = Choices(chosen.data, chosen.name, chosen.adapter, chosen.window_s)
    service = Service(parts, choices, memory.load(chosen.data))
    asyncio.run(_until_signal(service))


async def _until_signal(service: Service) -> None:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        if not stopped.done():
            stopped.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has no such handlers; there Ctrl-C ends asyncio.run with KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)
    logging.getLogger("bluetooth").info("the service starts")
    await service.run(stopped)
    logging.getLogger("bluetooth").info("the service has stopped")


def show_label(chosen: Settings, given: Mapping[str, str | None]) -> None:
    """Print or write the label. Raises LabelUnusable, OSError."""
    own_label = label.load_or_make(chosen.data)
    name = chosen.name or memory.load(chosen.data).name
    name = name or asyncio.run(_asked_name(chosen))
    if not name:
        name = box_name.from_machine()
        print(GUESSED_NAME.format(name=name), file=sys.stderr)
    svg = given.get("svg")
    if svg is None:
        sys.stdout.write(card_text(own_label, name))
        return
    with open(svg, "w", encoding="utf-8", opener=_for_the_owner) as file:
        file.write(card_svg(own_label, name))
    print(f"The label of {name} is in {svg}. Whoever sees it can configure the box.")


def gateway_of(chosen: Settings) -> RequestsGateway:
    """The line to the gateway. Raises SettingWrong."""
    token = api_token.reader(chosen.token_file or chosen.data / TOKEN_FILE, chosen.token)
    try:
        return RequestsGateway(chosen.api_url, clock.SystemClock(), token)
    except ValueError as error:
        raise SettingWrong(f"--api-url: {error}") from None


def _for_the_owner(path: str, flags: int) -> int:
    """Opens a new file so that nobody else can read it: who reads it can configure the box."""
    return os.open(path, flags, OWNER_ONLY)


def keep_no_core_file() -> None:
    """Should this process ever crash, its memory, and in it the label's secret, is not written."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such limit.
        resource = importlib.import_module("resource")
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


async def _asked_name(chosen: Settings) -> str:
    gateway = gateway_of(chosen)
    try:
        return await box_name.from_gateway(gateway)
    finally:
        await gateway.close()


def hardware(file: Path = HARDWARE_FILE) -> str:
    """What this machine is, for people."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or "Egret"
    except OSError:
        return "Egret"


if __name__ == "__main__":
    sys.exit(main())
