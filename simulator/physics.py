"""The physical plant: sun, house, battery and grid, stepped in whole seconds of plant time.

The state depends on the seed, the start and the orders given, never on how often or how fast it is
looked at: `advance_to` always walks the same steps. Powers are whole watts and energies whole watt
seconds, so the balance `pv + battery + grid = load` closes exactly, at every step and in every sum.

Signs: battery discharge positive, grid import positive. It knows no registers and reads no clock.
"""

import math
import random
from dataclasses import dataclass, field

from simulator.sky import DAY_S, Clouds, Drift, Roof, power_of, sun_at

STEP_S = 1
"""The step of the model while it runs."""

WARM_UP_STEP_S = 60
"""The step from midnight to the start, so that today's energies are true from the first read."""

QUARTER_S = 900
"""A quarter of an hour, the pace of the inverter's own record of the day."""

BATTERY_EFFICIENCY = 0.96
"""Of each direction: what goes in or out of the cells over what the terminals see."""


@dataclass(frozen=True, slots=True)
class Site:
    """What is built: panels, inverter, battery (0 Wh for none) and where."""

    roofs: tuple[Roof, ...]
    inverter_power_w: int
    battery_capacity_wh: int = 0
    battery_power_w: int = 0
    load_factor: float = 1.0
    latitude_deg: float = 48.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What the inverter has been told. None is no limit, or the inverter's own choice."""

    running: bool = True
    active_limit_w: int | None = None
    export_limit_w: int | None = None
    battery_power_w: int | None = None
    soc_min: float = 0.05
    soc_max: float = 1.0
    max_charge_w: int | None = None
    max_discharge_w: int | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """One balance of powers, in whole watts."""

    pv_w: int
    battery_w: int
    grid_w: int
    load_w: int
    curtailed: bool = False
    """Whether an order or heat, and not the inverter's rating alone, keeps some of the sun back."""


@dataclass(frozen=True, slots=True)
class Energies:
    """Sums of watt seconds since a beginning; they only rise."""

    pv: int = 0
    output: int = 0
    load: int = 0
    imported: int = 0
    exported: int = 0
    charged: int = 0
    discharged: int = 0
    pv_exported: int = 0
    pv_charged: int = 0
    direct: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything there is to see of the plant at one moment; a value, shared by all doors."""

    time_s: int
    flow: Flow
    strings_w: tuple[int, ...]
    soc: float
    today: Energies
    total: Energies
    running: bool = True
    daylight: bool = True
    battery_c: float = 22.0
    inverter_c: float = 30.0
    voltages_v: tuple[float, float, float] = (230.0, 230.0, 230.0)
    frequency_hz: float = 50.0
    running_s: int = 0
    running_today_s: int = 0
    quarters_w: tuple[int, ...] = ()
    """Mean power of the sun in each quarter of an hour of today that is over."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much the battery can take and give during one step, in watts."""

    charge_w: int
    discharge_w: int


def balance(pv_w: int, load_w: int, room: Room, rating_w: int, orders: Orders) -> Flow:
    """Share out one step's power: the battery first, then the limits, the grid for the rest."""
    if not orders.running:
        return Flow(0, 0, load_w, load_w)
    wish = load_w - pv_w if orders.battery_power_w is None else orders.battery_power_w
    battery = max(-room.charge_w, min(room.discharge_w, wish))
    limit = rating_w if orders.active_limit_w is None else min(rating_w, orders.active_limit_w)
    battery = max(battery, -limit - pv_w)
    if battery > 0:
        battery = min(battery, max(0, limit - pv_w))
    pv = min(pv_w, limit - battery)
    if orders.export_limit_w is not None:
        excess = pv + battery - load_w - orders.export_limit_w
        from_battery = max(0, min(excess, battery))
        battery -= from_battery
        pv -= max(0, min(pv, excess - from_battery))
    curtailed = pv < min(pv_w, rating_w - battery)
    return Flow(pv, battery, load_w - pv - battery, load_w, curtailed=curtailed)


class House:
    """What the house draws: a base, a morning, an evening, a fridge, kettles and noise."""

    def __init__(self, dice: random.Random, factor: float) -> None:
        self._dice = dice
        self._factor = factor
        self._mood = Drift(dice, 1800.0)
        self._noise = Drift(dice, 20.0)
        self._kettle_until_s = 0

    def step(self, time_s: int, step_s: int) -> int:
        """Watts drawn now."""
        hour = (time_s % DAY_S) / 3600
        bumps = 900 * math.exp(-(((hour - 7.4) / 1.1) ** 2))
        bumps += 1500 * math.exp(-(((hour - 19.2) / 2.2) ** 2))
        power = (240 + bumps) * (1 + 0.25 * self._mood.step(step_s))
        power += 15 * self._noise.step(step_s)
        if time_s % 2700 < 900:
            power += 110
        awake = 6 <= hour <= 23
        if awake and self._dice.random() < step_s / 3000:
            self._kettle_until_s = time_s + 150
        if time_s < self._kettle_until_s:
            power += 2000
        return max(60, round(power * self._factor))


@dataclass(slots=True)
class _Sums:
    """Running sums of `Energies`, mutable because they change every step."""

    of: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Energies.__slots__, 0))

    def add(self, flow: Flow, step_s: int) -> None:
        charge, discharge = max(0, -flow.battery_w), max(0, flow.battery_w)
        direct = min(flow.pv_w, flow.load_w)
        pv_charge = min(charge, flow.pv_w - direct)
        sums = self.of
        sums["pv"] += flow.pv_w * step_s
        sums["output"] += max(0, flow.pv_w + flow.battery_w) * step_s
        sums["load"] += flow.load_w * step_s
        sums["imported"] += max(0, flow.grid_w) * step_s
        sums["exported"] += max(0, -flow.grid_w) * step_s
        sums["charged"] += charge * step_s
        sums["discharged"] += discharge * step_s
        sums["direct"] += direct * step_s
        sums["pv_charged"] += pv_charge * step_s
        sums["pv_exported"] += (flow.pv_w - direct - pv_charge) * step_s

    def value(self) -> Energies:
        return Energies(**self.of)


def _history(dice: random.Random, site: Site) -> _Sums:
    """Sums of some years of life before the start, closed like every other balance."""
    years = dice.uniform(0.5, 4.0)
    kwh = 3_600_000
    pv = int(sum(roof.peak_power_w for roof in site.roofs) / 1000 * 950 * years) * kwh
    direct = pv * 3 // 10
    charged = site.battery_capacity_wh * int(200 * years) * 3600
    charged = min(charged, pv * 4 // 10)
    discharged = charged * 9 // 10
    imported = int(1800 * years) * kwh
    exported = pv - direct - charged
    return _Sums(
        {
            "pv": pv,
            "output": direct + exported + discharged,
            "load": direct + discharged + imported,
            "imported": imported,
            "exported": exported,
            "charged": charged,
            "discharged": discharged,
            "pv_exported": exported,
            "pv_charged": charged,
            "direct": direct,
        }
    )


class Meters:
    """The sums of today and of a life, and the hours that something flowed."""

    def __init__(self, dice: random.Random, site: Site) -> None:
        self.total = _history(dice, site)
        self.today = _Sums()
        peak_w = int(sum(roof.peak_power_w for roof in site.roofs))
        self.running_s = self.total.of["pv"] * 4 // peak_w // 3600 * 3600
        self.running_today_s = 0
        self.quarters_w: tuple[int, ...] = ()
        self._pv_before = 0

    def add(self, flow: Flow, step_s: int) -> None:
        """Count one step."""
        self.today.add(flow, step_s)
        self.total.add(flow, step_s)
        if flow.pv_w or flow.battery_w:
            self.running_s += step_s
            self.running_today_s += step_s

    def begin_day(self) -> None:
        """Midnight: today's sums start at 0."""
        self.today = _Sums()
        self.running_today_s = 0
        self.quarters_w = ()
        self._pv_before = 0

    def end_quarter(self) -> None:
        """A quarter of an hour is over."""
        pv = self.today.of["pv"]
        self.quarters_w += ((pv - self._pv_before) // QUARTER_S,)
        self._pv_before = pv


class Mains:
    """Voltages and frequency of the grid, which nothing here can change."""

    def __init__(self, dice: random.Random) -> None:
        self._phases = (Drift(dice, 300.0), Drift(dice, 300.0), Drift(dice, 300.0))
        self._frequency = Drift(dice, 60.0)

    def step(self, step_s: int) -> None:
        """Move on."""
        for phase in self._phases:
            phase.step(step_s)
        self._frequency.step(step_s)

    def voltages_v(self) -> tuple[float, float, float]:
        """Of the three phases."""
        first, second, third = (231.0 + 1.5 * phase.value for phase in self._phases)
        return first, second, third

    def frequency_hz(self) -> float:
        """Of all of them."""
        return 50.0 + 0.02 * self._frequency.value


class Physics:
    """The plant's state, from a seed and a start; warms up from the midnight before."""

    def __init__(self, site: Site, seed: int, start_s: float) -> None:
        dice = random.Random(seed)
        self.site = site
        self.orders = Orders()
        self.time_s = int(start_s) // DAY_S * DAY_S
        self._clouds = Clouds(dice)
        self._house = House(dice, site.load_factor)
        self._mains = Mains(dice)
        self._stored_wh = site.battery_capacity_wh * dice.uniform(0.3, 0.6)
        self._meters = Meters(dice, site)
        self._flow = Flow(0, 0, 0, 0)
        self._strings_w: tuple[int, ...] = (0,) * len(site.roofs)
        self._warmth = [0.0, 0.0]
        self._daylight = False
        while self.time_s + WARM_UP_STEP_S <= int(start_s):
            self._step(WARM_UP_STEP_S)
        self.advance_to(start_s)

    def advance_to(self, time_s: float) -> bool:
        """Walk to the last whole step not after `time_s`; True when anything changed."""
        target_s = int(time_s)
        changed = self.time_s + STEP_S <= target_s
        while self.time_s + STEP_S <= target_s:
            self._step(STEP_S)
        return changed

    def moment(self) -> Moment:
        """What there is to see now."""
        site = self.site
        capacity = site.battery_capacity_wh
        self_heat = self._warmth[0] / max(1, site.inverter_power_w)
        return Moment(
            time_s=self.time_s,
            flow=self._flow,
            strings_w=self._strings_w,
            soc=self._stored_wh / capacity if capacity else 0.0,
            today=self._meters.today.value(),
            total=self._meters.total.value(),
            running=self.orders.running,
            daylight=self._daylight,
            battery_c=21.0 + 14.0 * self._warmth[1] / max(1, site.battery_power_w),
            inverter_c=24.0 + 28.0 * self_heat,
            voltages_v=self._mains.voltages_v(),
            frequency_hz=self._mains.frequency_hz(),
            running_s=self._meters.running_s,
            running_today_s=self._meters.running_today_s,
            quarters_w=self._meters.quarters_w,
        )

    def _step(self, step_s: int) -> None:
        sun = sun_at(self.time_s, self.site.latitude_deg)
        clear = self._clouds.step(step_s)
        wanted = [power_of(roof, sun, clear) for roof in self.site.roofs]
        load_w = self._house.step(self.time_s, step_s)
        self._mains.step(step_s)
        self._daylight = sum(wanted) >= 1
        flow = balance(
            int(sum(wanted)), load_w, self._room(step_s), self.site.inverter_power_w, self.orders
        )
        self._settle(flow, wanted, step_s)

    def _settle(self, flow: Flow, wanted: list[float], step_s: int) -> None:
        self._flow = flow
        self._strings_w = _split(flow.pv_w, wanted)
        gain = BATTERY_EFFICIENCY if flow.battery_w < 0 else 1 / BATTERY_EFFICIENCY
        self._stored_wh -= flow.battery_w * gain * step_s / 3600
        self._meters.add(flow, step_s)
        keep = math.exp(-step_s / 1200.0)
        for index, power_w in enumerate((flow.pv_w + flow.battery_w, flow.battery_w)):
            self._warmth[index] = keep * self._warmth[index] + (1 - keep) * abs(power_w)
        self.time_s += step_s
        if self.time_s % QUARTER_S == 0:
            self._meters.end_quarter()
        if self.time_s % DAY_S == 0:
            self._meters.begin_day()

    def _room(self, step_s: int) -> Room:
        """What the cells and the orders leave, so that no step overshoots a bound of charge."""
        orders, capacity = self.orders, self.site.battery_capacity_wh
        free_wh = max(0.0, orders.soc_max * capacity - self._stored_wh)
        held_wh = max(0.0, self._stored_wh - orders.soc_min * capacity)
        rating = self.site.battery_power_w
        charge = min(rating, int(free_wh * 3600 / step_s / BATTERY_EFFICIENCY))
        discharge = min(rating, int(held_wh * 3600 / step_s * BATTERY_EFFICIENCY))
        if orders.max_charge_w is not None:
            charge = min(charge, orders.max_charge_w)
        if orders.max_discharge_w is not None:
            discharge = min(discharge, orders.max_discharge_w)
        return Room(charge, discharge)


def _split(power_w: int, wanted: list[float]) -> tuple[int, ...]:
    """Share a sum out in proportion, in whole watts that still add up to it."""
    whole = sum(wanted)
    if not whole:
        return (0,) * len(wanted)
    shares = [int(power_w * part / whole) for part in wanted]
    shares[0] += power_w - sum(shares)
    return tuple(shares)
