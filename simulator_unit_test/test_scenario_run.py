"""A scenario happens: real plants in virtual time, and readers good and bad."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pytest

from simulator.clock import ManualClock
from simulator.plant import VirtualPlant
from simulator.scenario import Scenario, parse_scenario
from simulator.scenario_judge import COMPARED
from simulator.scenario_reader import Read, ReaderError
from simulator.scenario_run import MAX_ABSENCES, WARM_UP_S, Run, Stopped, build, run_scenario
from simulator.trouble import Quirk

NOON_S = 1_782_043_200.0

TEXT = """
[[plant]]
name = "roof"
[[plant]]
name = "barn"
model = "sh5.0rs"
seed = 2
[[step]]
at = "10 s"
do = "modbus drop"
for = "10 min"
[[step]]
at = "15:00"
do = "stop"
for = "1 min"
[[step]]
at = "20:00"
do = "quirk zero-in-block"
on = "barn"
for = "1 min"
[[expect]]
that = "readings resume"
within = "5 s"
[[expect]]
that = "none invented"
[[expect]]
that = "no other device disturbed"
within = "5 s"
"""


@dataclass
class LeapTime:
    """Virtual time: waiting moves every clock at once."""

    clocks: list[ManualClock] = field(default_factory=list)
    now_s: float = NOON_S
    ends_s: float = float("inf")

    def utc_s(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> bool:
        self.now_s += seconds
        for clock in self.clocks:
            clock.advance(seconds)
        return self.now_s >= self.ends_s


@dataclass
class HonestReader:
    """Reads the truth of every plant that lets itself be read, and shows it as read last."""

    plants: dict[str, VirtualPlant]
    time: LeapTime
    twist: Callable[[Read], Read] = lambda read: read
    known: dict[str, Read] = field(default_factory=dict)

    def readings(self) -> Sequence[Read]:
        for name, plant in self.plants.items():
            if not plant.troubles.active("modbus") and plant.running:  # type: ignore[attr-defined]
                truth = plant.truth()
                values = {q: truth[key] * factor for q, (key, factor, _) in COMPARED.items()}
                read = Read(plant.host, plant.port, self.time.now_s, values)
                self.known[name] = self.twist(read)
        return list(self.known.values())


class Noting(VirtualPlant):
    """A plant that remembers whether it is started, and the quirks it ever had."""

    running = False

    def start(self) -> "Noting":
        super().start()
        self.running = True
        return self

    def stop(self) -> None:
        super().stop()
        self.running = False


@pytest.fixture
def stage() -> "Stage":
    return Stage()


class Stage:
    """Plants of the scenario above, in virtual time, and what was told."""

    def __init__(self) -> None:
        self.scenario: Scenario = parse_scenario(TEXT)
        self.time = LeapTime()
        self.told: list[str] = []

    def run(self, twist: Callable[[Read], Read] = lambda read: read) -> list[tuple[str, ...]]:
        """Let it happen; what spoke against each expectation."""
        with ExitStack() as stack:
            plants: dict[str, VirtualPlant] = {}
            for plan in self.scenario.plants:
                clock = ManualClock(NOON_S)
                self.time.clocks.append(clock)
                plants[plan.name] = stack.enter_context(
                    Noting(plan.model, doors=plan.doors, seed=plan.seed, clock=clock)
                )
            reader = HonestReader(plants, self.time, twist)
            run = Run(self.scenario, plants, reader, self.time, self.told.append)
            return [verdict.against for verdict in run.run()]


def test_twenty_minutes_pass_in_no_time(stage: Stage) -> None:
    """Everything is begun and ended in time, and with an honest reader everything holds."""
    against = stage.run()

    assert [(), (), ()] == against
    assert [
        "the reader reads roof modbus, barn modbus",
        "   10.0 s  roof: modbus drop",
        "  610.0 s  roof: modbus drop ends",
        "  900.0 s  roof: stop",
        "  960.0 s  roof: stop ends",
        " 1200.0 s  barn: quirk zero-in-block",
        " 1260.0 s  barn: quirk zero-in-block ends",
    ] == stage.told


def test_a_reader_that_shows_zero_is_caught(stage: Stage) -> None:
    """One wrong value in one reading is enough."""

    def zero(read: Read) -> Read:
        wrong = {**read.values, "pv_energy": 0}
        return replace(read, values=wrong) if stage.time.now_s > NOON_S + 700 else read

    resumed, invented, disturbed = stage.run(zero)

    assert ((), ()) == (resumed, disturbed)
    assert "pv_energy 0, truth" in invented[0]


def test_a_reader_that_never_resumes_is_caught(stage: Stage) -> None:
    """A reader whose readings grow old has not resumed."""
    resumed, _, _ = stage.run(lambda read: replace(read, taken_utc_s=NOON_S + 1))

    assert "roof modbus: trouble ended at 610 s; not at all" in resumed


def test_it_waits_for_the_reader_and_not_for_ever(stage: Stage) -> None:
    """A reader that never reads a plant is told which addresses to add."""
    with pytest.raises(ReaderError, match=f"within {WARM_UP_S:g} s, .* are: 127.0.0.1:"):
        stage.run(lambda read: replace(read, taken_utc_s=None))


def test_a_reader_that_died_ends_it(stage: Stage) -> None:
    """After so many failures in a row there is nobody to judge."""
    asked = 0

    def die(read: Read) -> Read:
        nonlocal asked
        asked += 1
        raise ReaderError("gone")

    with pytest.raises(ReaderError, match="gone"):
        stage.run(die)
    assert MAX_ABSENCES == asked


def test_it_ends_when_told(stage: Stage) -> None:
    """Whoever waits may end it; the plants are stopped."""
    stage.time.ends_s = NOON_S + 30

    with pytest.raises(Stopped):
        stage.run()


def test_it_starts_its_plants_itself() -> None:
    """The whole way: plants are built from the file, told, and stopped at the end."""
    told: list[str] = []

    class Silent:
        def readings(self) -> Sequence[Read]:
            return ()

    with pytest.raises(ReaderError):
        run_scenario(parse_scenario(TEXT), Silent(), LeapTime(), told.append, "127.0.0.1")

    assert [True, True] == [" modbus at 127.0.0.1:" in line for line in told]


def test_a_plan_becomes_a_plant() -> None:
    """Model, seed, start and quirks are the plan's."""
    plan = replace(parse_scenario(TEXT).plants[1], quirks=(Quirk.PADDED_FRAME,), start_s=NOON_S)
    plant = build(plan, "127.0.0.1")

    assert ("SH5.0RS", (Quirk.PADDED_FRAME,)) == (plant.model.name, plant.troubles.quirks())
    assert NOON_S <= plant.clock.now_s() < NOON_S + 60
