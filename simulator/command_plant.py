"""`python -m simulator plant`: its options, its first line, its live line."""

import argparse
import json
import sys
import threading
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from simulator.clock import MAX_SPEED, parse_start
from simulator.models import MODELS
from simulator.plant import VirtualPlant
from simulator.signals import run_until, stop_signals

REFRESH_S = 0.5
"""How often the live line is drawn; faster than this nobody reads it."""


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "plant",
        help="a Sungrow inverter with sun, house, battery and grid, on Modbus TCP",
        description=(
            "A virtual house: sun and clouds, a household, a battery and the grid behind one "
            "Sungrow inverter, read and controlled over Modbus TCP."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--model", default="sh10rt", help="which inverter; see --list-models")
    add("--list-models", action="store_true", help="list the models and leave")
    add("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for the whole network")
    add("--port", type=port, default=5020, help="TCP port; 0 takes a free one")
    add("--unit", type=_unit, default=1, help="Modbus unit id; others are refused")
    add("--speed", type=float, default=1.0, help=f"plant seconds per second, at most {MAX_SPEED}")
    add("--seed", type=int, default=0, help="same seed and start, same plant")
    add("--start", metavar="TIME", help="plant time, like 2026-06-21T10:00 or 10:00; now if absent")
    add("--latitude", type=_latitude, default=48.0, help="degrees north; decides the sun")
    add("--serial", help="serial number; made from model and seed if absent")
    add("--json", action="store_true", help="make the first line one JSON object, for programs")
    add("--quiet", action="store_true", help="no live line")
    parser.set_defaults(run=run)


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
    if options.list_models:
        _list_models()
        return 0
    plant = VirtualPlant(
        options.model,
        options.host,
        options.port,
        speed=options.speed,
        seed=options.seed,
        start_s=None if options.start is None else parse_start(options.start),
        unit_id=options.unit,
        serial=options.serial,
        latitude_deg=options.latitude,
    )
    with stop_signals() as stopped, plant:
        print(_first_line(plant, options.json), flush=True)
        _watch(plant, stopped, quiet=options.quiet or options.json)
    return 0


def _first_line(plant: VirtualPlant, as_json: bool) -> str:
    if as_json:
        return json.dumps(
            {
                "doors": {"modbus": plant.address},
                "model": plant.model.name,
                "serial": plant.serial,
                "unit_id": plant.unit_id,
            }
        )
    return (
        f"{plant.model.name} {plant.serial} on Modbus TCP at {plant.address}, "
        f"unit {plant.unit_id} (Ctrl-C stops it)"
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
