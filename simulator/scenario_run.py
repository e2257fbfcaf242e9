"""Lets a scenario happen: starts its plants, does each step in time, and has the reader judged.

It owns the order of things; what they mean is `scenario.py`, who is right `scenario_judge.py`. It
is given its clock and its way to wait, so that a test lets an hour pass in no time.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from simulator.clock import Clock
from simulator.plant import VirtualPlant
from simulator.scenario import Befall, Expected, PlantPlan, Scenario, Step, Stop, Switch
from simulator.scenario_judge import Judge, Seen, Verdict
from simulator.scenario_reader import Read, Reader, ReaderError

TRUTH_S = 0.25
"""How often the plants' truth is written down: a plant has one a second."""

WARM_UP_S = 120.0
"""Until the reader has read every door at least once; a gateway probes a new device first."""

MAX_ABSENCES = 10
"""Times in a row that the reader may not answer us before it counts as dead."""


class Timing(Protocol):
    """Time as the runner needs it."""

    def utc_s(self) -> float:
        """The world's wall clock."""

    def wait(self, seconds: float) -> bool:
        """Let time pass; True when somebody wants the end."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something to do at a moment."""

    at_s: float
    text: str
    act: Callable[[], None]


@dataclass(slots=True)
class Deeds:
    """What the steps do to the plants, and how it is undone."""

    plants: Mapping[str, VirtualPlant]
    _ids: dict[int, int] = field(default_factory=dict)

    def events(self, steps: Iterable[Step]) -> list[Event]:
        """Beginning and end of every step, in order; at one moment ends come first."""
        events: list[tuple[float, int, Event]] = []
        for number, step in enumerate(steps):
            begin = Event(step.at_s, f"{step.plant}: {step.words}", self._begin(number, step))
            end = Event(step.until_s, f"{step.plant}: {step.words} ends", self._end(number, step))
            events += [(begin.at_s, 1, begin), (end.at_s, 0, end)]
        return [event for _, _, event in sorted(events, key=lambda each: each[:2])]

    def _begin(self, number: int, step: Step) -> Callable[[], None]:
        plant = self.plants[step.plant]

        def act() -> None:
            match step.deed:
                case Befall(order):
                    self._ids[number] = plant.troubles.set(order)
                case Switch(quirk):
                    plant.troubles.switch(quirk, True)
                case Stop():
                    plant.stop()

        return act

    def _end(self, number: int, step: Step) -> Callable[[], None]:
        plant = self.plants[step.plant]

        def act() -> None:
            match step.deed:
                case Befall():
                    plant.troubles.clear(self._ids.pop(number))
                case Switch(quirk):
                    plant.troubles.switch(quirk, False)
                case Stop():
                    plant.start()

        return act


def build(plan: PlantPlan, host: str, clock: Clock | None = None) -> VirtualPlant:
    """The plant of a plan, not yet started; its time is the world's unless a clock is given."""
    return VirtualPlant(
        plan.model,
        host,
        doors=plan.doors,
        quirks=plan.quirks,
        seed=plan.seed,
        start_s=plan.start_s,
        clock=clock,
    )


class Stopped(Exception):
    """Somebody wanted the end before the end."""


class Run:
    """One run of a scenario against one reader."""

    def __init__(
        self,
        scenario: Scenario,
        plants: Mapping[str, VirtualPlant],
        reader: Reader,
        timing: Timing,
        tell: Callable[[str], None],
    ) -> None:
        self._scenario = scenario
        self._plants = plants
        self._reader = reader
        self._timing = timing
        self._tell = tell
        self._began_s = 0.0
        self._absences = 0

    def run(self) -> tuple[Verdict, ...]:
        """Wait for the reader, do everything, and judge.

        Raises ReaderError when the reader cannot be asked or never reads a plant, and Stopped.
        """
        read = self._wait_for_the_reader()
        self._tell("the reader reads " + ", ".join(f"{plant} {door}" for plant, door in read))
        judge = Judge(self._scenario, read)
        # The truth from before the beginning is what the first readings are held against.
        lead_s = max(
            (e.within_s for e in self._scenario.expectations if e.that is Expected.NONE_INVENTED),
            default=0.0,
        )
        self._began_s = self._timing.utc_s() + lead_s
        events = Deeds(self._plants).events(self._scenario.steps)
        next_look_s = -lead_s
        while (now_s := self._now_s()) < self._scenario.lasts_s:
            while events and events[0].at_s <= now_s:
                event = events.pop(0)
                self._tell(f"{now_s:7.1f} s  {event.text}")
                event.act()
            self._know(judge, now_s)
            if now_s >= next_look_s:
                next_look_s = now_s + self._scenario.look_s
                judge.see(now_s, self._look())
            self._pass(min(TRUTH_S, max(0.001, self._scenario.lasts_s - now_s)))
        now_s = self._now_s()
        self._know(judge, now_s)
        judge.see(now_s, self._look())
        return judge.verdicts(now_s)

    def _wait_for_the_reader(self) -> tuple[tuple[str, str], ...]:
        deadline_s = self._timing.utc_s() + WARM_UP_S
        while self._timing.utc_s() < deadline_s:
            seen = self._look()
            read = all(each.taken_s is not None for each in seen)
            if read and {each.plant for each in seen} == set(self._plants):
                return tuple((each.plant, each.door) for each in seen)
            self._pass(self._scenario.look_s)
        doors = ", ".join(at for plant in self._plants.values() for at in plant.doors.values())
        raise ReaderError(
            f"not every door that the reader knows was read within {WARM_UP_S:g} s, or it does not "
            f"know every plant; there are: {doors}"
        )

    def _now_s(self) -> float:
        return self._timing.utc_s() - self._began_s

    def _know(self, judge: Judge, now_s: float) -> None:
        for name, plant in self._plants.items():
            judge.know(now_s, name, plant.truth())

    def _look(self) -> tuple[Seen, ...]:
        try:
            readings = self._reader.readings()
        except ReaderError:
            self._absences += 1
            if self._absences >= MAX_ABSENCES:
                raise
            return ()
        self._absences = 0
        found = (self._seen(read) for read in readings)
        return tuple(each for each in found if each is not None)

    def _seen(self, read: Read) -> Seen | None:
        for name, plant in self._plants.items():
            for door, address in plant.doors.items():
                if str(read.port) in address.rpartition("]")[2].split(":")[1:]:
                    taken = read.taken_utc_s
                    at_s = None if taken is None else taken - self._began_s
                    return Seen(name, door, at_s, read.values)
        return None

    def _pass(self, seconds: float) -> None:
        if self._timing.wait(seconds):
            raise Stopped


def run_scenario(
    scenario: Scenario, reader: Reader, timing: Timing, tell: Callable[[str], None], host: str
) -> tuple[Verdict, ...]:
    """Start the plants, run, stop the plants; the verdicts."""
    with ExitStack() as stack:
        plants = {plan.name: stack.enter_context(build(plan, host)) for plan in scenario.plants}
        for name, plant in plants.items():
            for door, address in plant.doors.items():
                tell(f"{name} {door} at {address}, {plant.model.name} {plant.serial}")
        return Run(scenario, plants, reader, timing, tell).run()
