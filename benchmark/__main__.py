"""`python -m benchmark`: every section in a process of its own, one after the other, one page.

A section that fails or hangs is written down as such and takes nothing else with it.
"""

import argparse
import importlib
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from benchmark import machine
from benchmark.figures import Aim, Section, page
from benchmark.progress import say

SECTIONS = {
    "dispatch": 400,
    "lateness": 200,
    "queue": 120,
    "modbus": 120,
    "fleet": 900,
    "store": 200,
    "signing": 60,
    "api": 180,
    "whole": 200,
    "radio": 120,
}
"""Each section and the seconds after which it is given up."""

MODULES = {"queue": "queue_cost"}
"""Where the module is not called like its section."""

KILL_TIMEOUT_S = 10.0
PAGE = Path("docs/performance.md")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark",
        description="Measure Egret beside its peers and write the page about it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--only", action="append", choices=SECTIONS, help="this section; may be repeated")
    add("--quick", action="store_true", help="a look in two minutes; too rough to be published")
    add("--output", type=Path, help=f"the page to write; {PAGE} for a full run, else the terminal")
    add("--date", default=machine.today(), help="the date on the page")
    add("--section", choices=SECTIONS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure_here(name: str, quick: bool) -> None:
    """In the child: the section as JSON, on the standard output."""
    module = importlib.import_module(f"benchmark.{MODULES.get(name, name)}")
    sys.stdout.buffer.write(msgspec.json.encode(module.measure(quick)))


def _measured(name: str, quick: bool) -> Section:
    say(f"— {name} —")
    command = [sys.executable, "-m", "benchmark", "--section", name]
    child = subprocess.Popen(
        command + ["--quick"] * quick, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    try:
        out, _ = child.communicate(timeout=SECTIONS[name])
    except subprocess.TimeoutExpired:
        child.terminate()
        child.communicate(timeout=KILL_TIMEOUT_S)
        return _failed(name, f"was given up after {SECTIONS[name]} s")
    if child.returncode:
        return _failed(name, f"failed with code {child.returncode}")
    return msgspec.json.decode(out, type=Section)


def _failed(name: str, why: str) -> Section:
    say(f"{name} {why}")
    aim = Aim(f"Everything under “{name}”", "measured", why, False)
    return Section(name.capitalize(), f"This section {why}; see the terminal.", (), (aim,))


def _intro(options: argparse.Namespace, minutes: float, load: str) -> str:
    rough = " **A quick run: too rough to be relied on.**" if options.quick else ""
    return f"""
Measured on {options.date} in one run of {minutes:.0f} minutes on {machine.describe()}. The load
average was {load} before and {machine.load()} after the run; the benchmark itself adds between
one and two.{rough}

Peers are measured in the same run, taking turns with Egret; figures are medians, ratios are
medians of the ratios of neighbouring measurements. Costs are CPU time unless wall time is the
point, because CPU time is disturbed less by what else runs. Trust ratios within a line more than
figures across lines, and this machine for nothing but itself: nothing here is from a small ARM
box. An aim that is missed is listed as missed.
"""


def main() -> int:
    """Run the sections asked for; 0 even when aims are missed, 1 when a section failed."""
    options = _options()
    if options.section:
        _measure_here(options.section, options.quick)
        return 0
    begin, load = time.monotonic(), machine.load()
    names = options.only or list(SECTIONS)
    sections = [_measured(name, options.quick) for name in names]
    text = page(_intro(options, (time.monotonic() - begin) / 60, load), sections)
    output = options.output or (None if options.quick or options.only else PAGE)
    if output is None:
        print(text)
    else:
        output.write_text(text, encoding="utf-8")
        say(f"written: {output}")
    for aim in [aim for section in sections for aim in section.aims if not aim.reached]:
        say(f"missed: {aim.what}: {aim.figure}, aim {aim.limit}")
    return int(any(not section.tables for section in sections))


if __name__ == "__main__":
    sys.exit(main())
