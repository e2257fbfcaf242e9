"""Judges what a reader shows of the plants: does it resume, invent nothing, leave others alone?

It owns the rules and the findings, and is told everything: it asks nobody and knows no time.
All times are seconds since the beginning of the scenario.

Rules. A door is *in trouble* from the beginning to the end of every step that touches it; steps
that overlap or follow one another within the allowed time make one trouble. A reading is judged
once, when it is first seen; one from before the beginning is not. A value is true if it equals the
plant's truth at any moment that the clocks leave open; what a plant has not, nobody can have read.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simulator.models import model_named
from simulator.scenario import Expected, Expectation, Scenario

MAX_FINDINGS = 20
"""Findings kept of each expectation; after these a person has seen enough."""

MAX_TRUTHS = 2_000
"""Moments remembered of each plant: 500 s at four a second; a reader that is later is not checked
against them, and said to be late."""

Truth = Mapping[str, float | int]

COMPARED: Mapping[str, tuple[str, float, float]] = {
    # what readers call it    the plant's truth          times  rounding
    "pv_power": ("pv_power", 1.0, 0.5),
    "battery_power": ("battery_power", 1.0, 0.5),
    "grid_power": ("grid_power", 1.0, 0.5),
    "load_power": ("load_power", 1.0, 0.5),
    "battery_soc": ("battery_soc", 100.0, 0.051),
    "battery_temperature": ("battery_temperature", 1.0, 0.051),
    "temperature": ("inverter_temperature", 1.0, 0.051),
    "grid_frequency": ("frequency", 1.0, 0.051),
    "pv_energy": ("pv_energy_total", 1.0, 50.1),
    "pv_energy_today": ("pv_energy_today", 1.0, 50.1),
    "yield_energy": ("output_energy_total", 1.0, 500.1),
    "yield_energy_today": ("output_energy_today", 1.0, 50.1),
    "grid_import_energy": ("imported_energy_total", 1.0, 50.1),
    "grid_import_energy_today": ("imported_energy_today", 1.0, 50.1),
    "grid_export_energy": ("exported_energy_total", 1.0, 50.1),
    "grid_export_energy_today": ("exported_energy_today", 1.0, 50.1),
    "battery_charge_energy": ("charged_energy_total", 1.0, 50.1),
    "battery_charge_energy_today": ("charged_energy_today", 1.0, 50.1),
    "battery_discharge_energy": ("discharged_energy_total", 1.0, 50.1),
    "battery_discharge_energy_today": ("discharged_energy_today", 1.0, 50.1),
}
"""Quantity -> key of `truth()`, factor, and the most that the registers' rounding takes away."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The last reading that a reader has of one door."""

    plant: str
    door: str
    taken_s: float | None
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation, what spoke against it, and a figure for people."""

    expectation: Expectation
    against: tuple[str, ...]
    figure: str

    @property
    def holds(self) -> bool:
        """Whether nothing spoke against it."""
        return not self.against


def matches(quantity: str, value: object, truths: Iterable[Truth]) -> bool:
    """Whether the value is true at any of these moments; what is not compared is."""
    known = COMPARED.get(quantity)
    if known is None or isinstance(value, bool) or not isinstance(value, int | float):
        return True
    key, factor, rounding = known
    return any(abs(value - truth[key] * factor) <= rounding for truth in truths)


def troubles_of(
    scenario: Scenario, plant: str, door: str, slack_s: float
) -> tuple[tuple[float, float], ...]:
    """When a door is in trouble: (from, until), merged where less than `slack_s` lies between."""
    merged: list[tuple[float, float]] = []
    for step in sorted(scenario.steps, key=lambda each: each.at_s):
        if not step.touches(plant, door):
            continue
        if merged and step.at_s <= merged[-1][1] + slack_s:
            merged[-1] = (merged[-1][0], max(merged[-1][1], step.until_s))
        else:
            merged.append((step.at_s, step.until_s))
    return tuple(merged)


@dataclass(slots=True)
class _Door:
    """What is known of one reader of one door."""

    troubles: tuple[tuple[float, float], ...]
    last_s: float | None = None
    resumed: dict[float, float] = field(default_factory=dict)
    silent: bool = False
    """Whether its present silence has been found already."""

    def quiet_since(self, now_s: float) -> float:
        """Since when it has neither been in trouble nor given a reading."""
        ended = [until for start, until in self.troubles if start <= now_s]
        return max([self.last_s or 0.0, *ended])

    def troubled(self, now_s: float) -> bool:
        """Whether it is in trouble now."""
        return any(start <= now_s < until for start, until in self.troubles)


class Judge:
    """Is told truths and readings as they come; says at the end what holds."""

    def __init__(self, scenario: Scenario, doors: Iterable[tuple[str, str]]) -> None:
        """`doors` are those (plant, door) that the reader reads."""
        self._scenario = scenario
        self._expected = {each.that: each for each in scenario.expectations}
        resume = self._expected.get(Expected.RESUME)
        slack_s = resume.within_s if resume else 0.0
        self._doors = {
            door: _Door(troubles_of(scenario, *door, slack_s)) for door in sorted(set(doors))
        }
        self._batteryless = {
            plan.name for plan in scenario.plants if not model_named(plan.model).battery_capacity_wh
        }
        self._truths: dict[str, deque[tuple[float, Truth]]] = {
            plan.name: deque(maxlen=MAX_TRUTHS) for plan in scenario.plants
        }
        self._against: dict[Expected, list[str]] = {that: [] for that in Expected}
        self._checked = 0
        self._worst_gap_s = 0.0

    def know(self, now_s: float, plant: str, truth: Truth) -> None:
        """The plant's truth now."""
        self._truths[plant].append((now_s, truth))

    def see(self, now_s: float, seen: Iterable[Seen]) -> None:
        """What the reader shows now; readings seen before are known and count no more."""
        for each in seen:
            door = self._doors.get((each.plant, each.door))
            if door is None or each.taken_s is None:
                continue
            if door.last_s is None or each.taken_s > door.last_s:
                self._new_reading(door, each, each.taken_s)
        for name, door in self._doors.items():
            self._watch_silence(now_s, name, door)

    def verdicts(self, now_s: float) -> tuple[Verdict, ...]:
        """What holds and what does not, in the file's order."""
        self._find_unresumed(now_s)
        return tuple(
            Verdict(each, tuple(self._against[each.that]), self._figure(each.that))
            for each in self._scenario.expectations
        )

    def _new_reading(self, door: _Door, seen: Seen, taken_s: float) -> None:
        door.last_s, door.silent = taken_s, False
        for _, until_s in door.troubles:
            if taken_s > until_s:
                door.resumed.setdefault(until_s, taken_s - until_s)
        expected = self._expected.get(Expected.NONE_INVENTED)
        if expected is not None and taken_s >= 0:
            self._check_values(seen, taken_s, expected.within_s)

    def _check_values(self, seen: Seen, taken_s: float, within_s: float) -> None:
        truths = [
            truth
            for at_s, truth in self._truths[seen.plant]
            if taken_s - within_s <= at_s <= taken_s + within_s
        ]
        name = f"{seen.plant} {seen.door} at {taken_s:.1f} s"
        if not truths:
            self._find(Expected.NONE_INVENTED, f"{name}: no truth is known of that time")
            return
        for quantity, value in seen.values.items():
            self._checked += quantity in COMPARED
            if seen.plant in self._batteryless and quantity.startswith("battery_"):
                self._find(Expected.NONE_INVENTED, f"{name}: {quantity} {value}: has no battery")
            elif not matches(quantity, value, truths):
                key, factor, _ = COMPARED[quantity]
                true = truths[len(truths) // 2][key] * factor
                self._find(Expected.NONE_INVENTED, f"{name}: {quantity} {value}, truth {true:g}")

    def _watch_silence(self, now_s: float, name: tuple[str, str], door: _Door) -> None:
        expected = self._expected.get(Expected.UNDISTURBED)
        if expected is None or door.troubled(now_s):
            return
        ended = [until for _, until in door.troubles if until <= now_s]
        if ended and (door.last_s or 0.0) <= ended[-1]:
            return  # still recovering from its own trouble, which is another expectation
        gap_s = now_s - door.quiet_since(now_s)
        self._worst_gap_s = max(self._worst_gap_s, gap_s)
        if gap_s > expected.within_s and not door.silent:
            door.silent = True
            plant, door_name = name
            self._find(
                Expected.UNDISTURBED,
                f"{plant} {door_name} in no trouble, yet no reading for {gap_s:.1f} s "
                f"at {now_s:.1f} s",
            )

    def _find_unresumed(self, now_s: float) -> None:
        expected = self._expected.get(Expected.RESUME)
        if expected is None:
            return
        for (plant, name), door in self._doors.items():
            for _, until_s in door.troubles:
                took_s = door.resumed.get(until_s)
                if took_s is None and now_s - until_s > expected.within_s:
                    took = "not at all"
                elif took_s is not None and took_s > expected.within_s:
                    took = f"after {took_s:.1f} s"
                else:
                    continue
                self._find(
                    Expected.RESUME, f"{plant} {name}: trouble ended at {until_s:g} s; {took}"
                )

    def _find(self, that: Expected, text: str) -> None:
        if len(self._against[that]) < MAX_FINDINGS:
            self._against[that].append(text)

    def _figure(self, that: Expected) -> str:
        if that is Expected.RESUME:
            took = [each for door in self._doors.values() for each in door.resumed.values()]
            return f"slowest {max(took):.1f} s of {len(took)}" if took else "nothing resumed"
        if that is Expected.NONE_INVENTED:
            return f"{self._checked} values compared"
        return f"longest silence {self._worst_gap_s:.1f} s"
