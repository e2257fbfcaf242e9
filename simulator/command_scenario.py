"""`python -m simulator scenario`: its options, its lines, and its verdict as exit status."""

import argparse
import threading
from pathlib import Path
from typing import Any

from simulator.clock import utc_s
from simulator.scenario import read_scenario
from simulator.scenario_judge import Verdict
from simulator.scenario_reader import Gateway, ReaderError
from simulator.scenario_run import Stopped, run_scenario
from simulator.signals import stop_signals

FAILED = 1
"""Exit status when an expectation did not hold."""

NOT_RUN = 2
"""Exit status when it could not be found out."""


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "scenario",
        help="timed troubles from a file, and whether a gateway gets over them",
        description=(
            "Starts the plants of a TOML file, lets its troubles happen in time, and watches "
            "what a gateway shows of the plants: do readings resume, is none invented, is no "
            "other device disturbed? Ends with 0 if all that is expected holds, 1 if not, 2 if "
            "it could not be found out. docs/simulator-pytest.md describes the file."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("file", type=Path, help="the scenario; simulator/scenarios has some")
    add("--gateway", metavar="URL", default="http://127.0.0.1:8080", help="who reads the plants")
    add("--host", default="127.0.0.1", help="address that the plants listen on")
    add("--check", action="store_true", help="read the file, say what it means, and leave")
    parser.set_defaults(run=run)


class Clockwork:
    """Real time, until the end is wanted."""

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped

    def utc_s(self) -> float:
        """The world's wall clock."""
        return utc_s()

    def wait(self, seconds: float) -> bool:
        """Wait; True when the end is wanted."""
        return self._stopped.wait(seconds)


def run(options: argparse.Namespace) -> int:
    """Run one scenario; the exit status is the verdict."""
    scenario = read_scenario(options.file)
    if options.check:
        steps, plants = len(scenario.steps), len(scenario.plants)
        print(f"{scenario.title}: {plants} plants, {steps} steps, {scenario.lasts_s:g} s")
        return 0
    reader = Gateway(options.gateway)
    with stop_signals() as stopped:
        try:
            verdicts = run_scenario(scenario, reader, Clockwork(stopped), _tell, options.host)
        except ReaderError as error:
            _tell(f"not found out: {error}")
            return NOT_RUN
        except Stopped:
            _tell("not found out: stopped before its end")
            return NOT_RUN
    for verdict in verdicts:
        _tell_verdict(verdict)
    return 0 if all(verdict.holds for verdict in verdicts) else FAILED


def _tell(text: str) -> None:
    print(text, flush=True)


def _tell_verdict(verdict: Verdict) -> None:
    word = "holds " if verdict.holds else "FAILS "
    expected = verdict.expectation
    _tell(f"{word} {expected.that} (within {expected.within_s:g} s): {verdict.figure}")
    for text in verdict.against:
        _tell(f"        {text}")
