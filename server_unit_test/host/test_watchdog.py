"""The watchdog over the engine."""

import subprocess
import sys
from pathlib import Path

from server.host.watchdog import EXIT_CODE, LOOK_EVERY_S, SILENT_S, Watchdog

STUCK = '''
import threading, time
from server.engine.engine import Engine
from server.engine.inbox import Inbox
from server.engine.modes import RANKS, Mode
from server.engine.runner import Runner
from server.engine.task import Again, Kind
from server.host import watchdog

class Tick:
    """Settles once, and is caught for ever the second time."""
    kind, lane, slack_s, times = Kind.COMMIT, None, 0.0, 0
    def settle(self, outcome, now):
        self.times += 1
        if self.times > 1:
            threading.Event().wait()
        return Again(now, 0)

engine = Engine(RANKS[Mode.RUNNING])
runner = Runner(engine, Inbox(), None, time.monotonic, print)
engine.submit(Tick(), 0.0)
watchdog.LOOK_EVERY_S = 0.05
dog = watchdog.Watchdog(
    lambda: runner.outcomes, time.monotonic, lambda: None, watchdog.end_process, silent_s=0.5
)
dog.start()
while True:
    runner.turn()
'''


class Watched:
    """An engine's count, a clock, and what was done about them."""

    def __init__(self) -> None:
        self.outcomes = 0
        self.now = 100.0
        self.fed = 0
        self.ended: list[float] = []
        self.dog = Watchdog(lambda: self.outcomes, lambda: self.now, self._feed, self.ended.append)

    def _feed(self) -> None:
        self.fed += 1

    def pass_time(self, seconds: float, outcomes_each_look: int) -> None:
        """Look as often as the thread would."""
        for _ in range(int(seconds / LOOK_EVERY_S)):
            self.now += LOOK_EVERY_S
            self.outcomes += outcomes_each_look
            self.dog.look()


def test_progress_feeds_the_supervisor() -> None:
    """Each look that saw an outcome, and nothing ends."""
    watched = Watched()

    watched.pass_time(10 * SILENT_S, outcomes_each_look=1)

    assert (int(10 * SILENT_S / LOOK_EVERY_S), []) == (watched.fed, watched.ended)


def test_silence_ends_the_process_after_silent_s() -> None:
    """And the supervisor is not fed meanwhile, so that it would end us if we could not."""
    watched = Watched()
    watched.pass_time(SILENT_S, outcomes_each_look=1)
    fed = watched.fed

    watched.pass_time(SILENT_S - LOOK_EVERY_S, outcomes_each_look=0)
    assert [] == watched.ended
    watched.pass_time(LOOK_EVERY_S, outcomes_each_look=0)

    assert ([SILENT_S], fed) == (watched.ended, watched.fed)


def test_one_outcome_is_enough() -> None:
    """A single late outcome starts the silence anew."""
    watched = Watched()
    watched.pass_time(SILENT_S - LOOK_EVERY_S, outcomes_each_look=0)

    watched.outcomes += 1
    watched.pass_time(SILENT_S - LOOK_EVERY_S, outcomes_each_look=0)

    assert [] == watched.ended


def test_a_process_that_stood_still_as_a_whole_goes_on() -> None:
    """Paused by Docker, or stopped in a terminal: the engine is given time to begin again."""
    watched = Watched()
    watched.pass_time(SILENT_S, outcomes_each_look=1)

    watched.now += 100 * SILENT_S
    watched.dog.look()
    watched.pass_time(LOOK_EVERY_S, outcomes_each_look=1)

    assert [] == watched.ended


def test_it_stops_when_told() -> None:
    """Also before it has begun, and twice."""
    watched = Watched()

    watched.dog.stop()
    watched.dog.start()
    watched.dog.stop()
    watched.dog.stop()

    assert [] == watched.ended


def test_an_engine_that_is_caught_dumps_every_stack_and_ends(tmp_path: Path) -> None:
    """The real loop on a task that never comes back: the log names the very line."""
    script = tmp_path / "caught.py"
    script.write_text(STUCK)

    ended = subprocess.run(
        [sys.executable, str(script)],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert EXIT_CODE == ended.returncode, ended.stderr
    assert "no task has come to an end for" in ended.stderr
    assert 'caught.py", line 16 in settle' in ended.stderr
