"""`python -m demo`, or `make run`: a plant, a receiver and the gateway until Ctrl-C."""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from demo.child import ChildError
from demo.house import House, Wishes

DATA = Path("build") / "demo"
"""Never the folder of a real inverter: its curves and the plant's would be one."""

START = "11:00"
"""Of the plant's day, so that the sun shines whenever somebody looks."""

BEAT_S = 1.0
"""Between two looks at the children."""

STATUS_BEATS = 5
"""Beats between two status lines on a log; a terminal gets its line at every beat."""

ERASE = "\r\033[K"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="make run ARGS='…'",
        description="A virtual plant, an ingest endpoint and the gateway, on this machine alone.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, default=DATA, help="where the gateway keeps everything")
    add("--port", type=int, default=8080, help="the page; a free one if it is in use")
    add("--plant-port", type=int, default=5020, help="the plant's Modbus TCP")
    add("--receiver-port", type=int, default=8090, help="the ingest endpoint")
    add("--model", default="sh10rt", help="which inverter the plant is")
    add("--speed", type=float, default=1.0, help="plant seconds per second")
    add("--start", default=START, help="the plant's time of day, or now")
    add("--away", type=int, default=10, help="seconds until an ended program comes back")
    add("--json", action="store_true", help="make the first line one JSON object, for programs")
    return parser.parse_args(arguments)


class Terminal:
    """Whole lines, and one line that is written over; on a log only whole lines."""

    def __init__(self, live: bool) -> None:
        self._live = live

    @property
    def live(self) -> bool:
        """True when somebody watches."""
        return self._live

    def say(self, text: str) -> None:
        """A line that stays."""
        print(f"{ERASE if self._live else ''}{text}", flush=True)

    def show(self, text: str) -> None:
        """The line that changes."""
        if self._live:
            print(f"{ERASE}{text}", end="", flush=True)
        else:
            print(text, flush=True)


def banner(house: House) -> str:
    """Where to look, big and clear."""
    rule = "=" * 64
    return "\n".join(
        (
            "",
            rule,
            "",
            f"    Egret is running. Open   {house.page}/",
            "",
            rule,
            f"The receiver acknowledges at {house.receiver}; see {house.receiver}/stats",
            f"Try: kill {house.pid('receiver')} takes the receiver away for a while, "
            "and no reading is lost.",
            "Ctrl-C ends everything.",
            "",
        )
    )


def hello(house: House) -> str:
    """The same for a program."""
    pids = {name: house.pid(name) for name in ("plant", "receiver", "gateway")}
    return json.dumps({"url": house.page, "receiver": house.receiver, "pids": pids})


def run(options: argparse.Namespace, stopped: threading.Event, terminal: Terminal) -> int:
    """Start, watch, end; the exit status."""
    wishes = Wishes(
        data=options.data,
        page_port=options.port,
        plant_port=options.plant_port,
        receiver_port=options.receiver_port,
        model=options.model,
        speed=options.speed,
        start=options.start,
        away_beats=max(1, options.away),
        quiet=options.json,
    )
    wishes.data.mkdir(parents=True, exist_ok=True)
    house = House(wishes, terminal.say)
    try:
        if not options.json:
            terminal.say("Starting a virtual plant, a receiver and the gateway …")
        house.start()
        terminal.say(hello(house) if options.json else banner(house))
        beat = 0
        while not stopped.wait(BEAT_S):
            beat += 1
            house.watch()
            if terminal.live or beat % STATUS_BEATS == 0:
                terminal.show(house.status())
    except ChildError as error:
        terminal.say(str(error))
        return 1
    finally:
        terminal.say("Ending the gateway, the receiver and the plant …")
        house.stop()
    return 0


def main() -> int:
    """Until SIGINT or SIGTERM."""
    options = parse()
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return run(options, stopped, Terminal(live=sys.stdout.isatty() and not options.json))


if __name__ == "__main__":
    sys.exit(main())
