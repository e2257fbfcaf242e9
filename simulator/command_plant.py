"""`python -m simulator plant`: its options, its first line, its live line."""

import argparse
import json
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from simulator.behaviour import Night
from simulator.clock import MAX_SPEED
from simulator.control import ControlPort
from simulator.door import ENCRYPTED, MODBUS, WINET, WINET_TLS
from simulator.door_settings import NAMES, parse_setting
from simulator.doors import DEFAULT_PORTS
from simulator.models import MODELS
from simulator.plant import VirtualPlant
from simulator.plant_file import Plan, parse_ports, read_plan
from simulator.signals import run_until, stop_signals
from simulator.trouble import Quirk, Trouble, parse_order, quirk_named

REFRESH_S = 0.5
"""How often the live line is drawn; faster than this nobody reads it."""


_TITLES = {
    MODBUS: "Modbus TCP",
    ENCRYPTED: "encrypted Modbus",
    WINET: "WiNet-S",
    WINET_TLS: "WiNet-S over TLS",
}
"""What people call the doors."""

_NOT_PLAN = ("command", "run", "list_models", "json", "quiet", "plant")
"""Options that say nothing about the plant itself."""


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "plant",
        help="a Sungrow inverter with sun, house, battery and grid, behind one door or several",
        description=(
            "A virtual house: sun and clouds, a household, a battery and the grid behind one "
            "Sungrow inverter, read and controlled through the doors you name. Without any, "
            f"Modbus TCP on port {DEFAULT_PORTS[MODBUS][0]}."
        ),
        # Only what is typed is set, so that a file can say the rest.
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("--plant", metavar="FILE", help="TOML file of a plant; options given here win over it")
    add("--model", help="which inverter; see --list-models (default: sh10rt)")
    add("--list-models", action="store_true", help="list the models and leave")
    add("--host", help="address to listen on; 0.0.0.0 for the whole network (default: 127.0.0.1)")
    _add_doors(parser)
    add("--unit", type=_unit, help="Modbus unit id; others are refused (default: 1)")
    add("--speed", type=float, help=f"plant seconds per second, at most {MAX_SPEED} (default: 1)")
    add("--seed", type=int, help="same seed and start, same plant and same troubles (default: 0)")
    add("--start", metavar="TIME", help="plant time, like 2026-06-21T10:00 or 10:00; now if absent")
    add("--latitude", type=_latitude, help="degrees north; decides the sun (default: 48)")
    add("--serial", help="serial number; made from model and seed if absent")
    _add_conduct(parser)
    add("--control", type=port, metavar="PORT", help="HTTP control port; 0 takes a free one")
    add("--json", action="store_true", help="make the first line one JSON object, for programs")
    add("--quiet", action="store_true", help="no live line")
    parser.set_defaults(run=run)


def _add_doors(parser: argparse.ArgumentParser) -> None:
    """One option for each door; --port is what the Modbus one was called before."""
    for name, ports in DEFAULT_PORTS.items():
        flags = [f"--{name}", "--port"] if name == MODBUS else [f"--{name}"]
        parser.add_argument(
            *flags,
            dest=f"door {name}",
            type=_or_usage(partial(parse_ports, name)),
            metavar="HTTP:WEBSOCKET" if len(ports) == 2 else "PORT",
            help=f"{_TITLES.get(name, name)}, often {':'.join(map(str, ports))}; 0 is a free port",
        )


def _add_conduct(parser: argparse.ArgumentParser) -> None:
    """How it treats those who come, and how it fails them."""
    add = parser.add_argument
    add(
        "--set",
        dest="settings",
        action="append",
        type=_or_usage(parse_setting),
        metavar="NAME=VALUE",
        help=f"how the doors treat those who come, like second=refused: {', '.join(NAMES)}; "
        "may be repeated",
    )
    add("--night", help=f"{', '.join(Night)} (default: {Night.AWAKE})")
    add(
        "--quirk",
        dest="quirks",
        action="append",
        type=_or_usage(quirk_named),
        metavar="NAME",
        help=f"behave as some firmware does: {', '.join(Quirk)}; may be repeated",
    )
    add(
        "--trouble",
        dest="troubles",
        action="append",
        type=_or_usage(parse_order),
        metavar="NAME[:RATE[:VALUE]][@DOOR]",
        help=f"misbehave, like latency:0.1:0.5 or busy:1@winet: {', '.join(Trouble)}; "
        "may be repeated",
    )


def _or_usage(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """An option's parser whose errors keep their words."""

    def parsed(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as wrong:
            raise argparse.ArgumentTypeError(str(wrong)) from None

    return parsed


def port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port; give 0 to 65535")
    return int(text)


def _unit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 247:
        raise argparse.ArgumentTypeError(f"{text} is not a unit id; give 1 to 247")
    return int(text)


def _latitude(text: str) -> float:
    try:
        degrees = float(text)
    except ValueError:
        degrees = 91.0
    if not -90 <= degrees <= 90:
        raise argparse.ArgumentTypeError(f"{text} is not a latitude; give -90 to 90")
    return degrees


def run(options: argparse.Namespace) -> int:
    """Run the plant until told to stop."""
    given = vars(options)
    if given.get("list_models"):
        _list_models()
        return 0
    plan = plan_from(given)
    as_json = given.get("json", False)
    with stop_signals() as stopped, ExitStack() as running:
        plant = running.enter_context(plan.build())
        control = None
        if plan.control is not None:
            control = running.enter_context(ControlPort(plant, plan.host, plan.control))
        print(_first_line(plant, control, as_json), flush=True)
        _watch(plant, stopped, quiet=given.get("quiet", False) or as_json)
    return 0


def plan_from(given: Mapping[str, Any]) -> Plan:
    """The plan of a file, if one is given, with what was typed on top."""
    plan = read_plan(given["plant"]) if "plant" in given else Plan()
    changes = {key: value for key, value in given.items() if key not in _NOT_PLAN}
    doors = {key: changes.pop(key) for key in list(changes) if key.startswith("door ")}
    changes["doors"] = {key.removeprefix("door "): ports for key, ports in doors.items()}
    changes["settings"] = dict(changes.pop("settings", ()))
    return plan.with_changes(changes)


def _first_line(plant: VirtualPlant, control: ControlPort | None, as_json: bool) -> str:
    if as_json:
        told: dict[str, Any] = {
            "doors": plant.doors,
            "model": plant.model.name,
            "serial": plant.serial,
            "unit_id": plant.unit_id,
        }
        return json.dumps(told if control is None else told | {"control": control.url})
    doors = ", ".join(f"{_TITLES.get(name, name)} at {at}" for name, at in plant.doors.items())
    controlled = "" if control is None else f", control at {control.url}"
    return (
        f"{plant.model.name} {plant.serial} on {doors}, "
        f"unit {plant.unit_id}{controlled} (Ctrl-C stops it)"
    )


def _watch(plant: VirtualPlant, stopped: threading.Event, quiet: bool) -> None:
    if quiet or not sys.stdout.isatty():
        stopped.wait()
        return
    console = Console()
    with Live(live_line(plant), console=console, auto_refresh=False) as live:
        run_until(stopped, lambda: live.update(live_line(plant), refresh=True), REFRESH_S)


def live_line(plant: VirtualPlant) -> Text:
    """What the plant is doing, in one line."""
    moment = plant.moment()
    flow = moment.flow
    clock = datetime.fromtimestamp(moment.time_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
    line = Text(f"{clock}  ")
    line.append(f"sun {_power(flow.pv_w)}  ", "yellow")
    line.append(f"house {_power(flow.load_w)}  ", "cyan")
    if plant.model.battery_capacity_wh:
        verb = "charging" if flow.battery_w < 0 else "giving"
        line.append(f"battery {moment.soc:.0%} {verb} {_power(abs(flow.battery_w))}  ", "green")
    verb = "export" if flow.grid_w < 0 else "import"
    line.append(f"{verb} {_power(abs(flow.grid_w))}  ", "magenta")
    line.append(f"{plant.connections} clients, {plant.requests} requests", "dim")
    troubles = len(plant.troubles.orders())
    if plant.face.gone:
        line.append("  gone for the night", "red")
    elif troubles:
        line.append(f"  {troubles} troubles", "red")
    return line


def _power(power_w: int) -> str:
    return f"{power_w} W" if power_w < 1000 else f"{power_w / 1000:.2f} kW"


def _list_models() -> None:
    for model in MODELS.values():
        battery = f", {model.battery_capacity_wh / 1000:g} kWh battery"
        print(
            f"{model.key:8} {model.name:8} type code 0x{model.type_code:04X}  "
            f"{model.nominal_power_w / 1000:g} kW {model.family}, {model.phases}-phase, "
            f"{model.mppts} trackers{battery if model.battery_capacity_wh else ''}"
        )
