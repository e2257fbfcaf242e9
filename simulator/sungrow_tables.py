"""Sungrow's registers as the vendor documents list them: data, one register a line.

Addresses are the documents' own (the wire carries one less). `Row.per_unit` is how many counts
make one unit of what `Row.value` gives; None becomes the vendor's "unavailable".
Sources: Sungrow string inverter protocol V1.1.80; Sungrow hybrid protocol V1.1.16.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from simulator.behaviour import Condition
from simulator.models import THREE_PHASE_THREE_WIRE, Model
from simulator.physics import Energies, Flow, Moment

Kind = Literal["u16", "s16", "u32", "s32"]

ON = 0xAA
OFF = 0x55
START = 0xCF
STOP = 0xCE

EMS_SELF = 0
EMS_FORCED = 2
EMS_EXTERNAL = 3
EMS_VPP = 4
CHARGE = 0xAA
DISCHARGE = 0xBB
HALT = 0xCC


FAULT_BITMAPS = 15


@dataclass(frozen=True, slots=True)
class Scene:
    """What a register may show: the model, the plant at one moment, the inverter's mode."""

    model: Model
    moment: Moment
    ems_mode: int = EMS_SELF
    condition: Condition = Condition()
    starting: bool = False
    """Told to start, and not there yet."""

    @property
    def flow(self) -> Flow:
        """The powers of the moment."""
        return self.moment.flow

    @property
    def today(self) -> Energies:
        """Sums since the plant's midnight."""
        return self.moment.today

    @property
    def total(self) -> Energies:
        """Sums since the plant was built."""
        return self.moment.total

    @property
    def output_w(self) -> int:
        """What the inverter's terminals give, negative while it charges from the grid."""
        return self.flow.pv_w + self.flow.battery_w

    def string_v(self, index: int) -> float | None:
        """Voltage of one tracker; None where there is no such tracker, or a string SG sleeps."""
        if index >= self.model.mppts:
            return None
        if not self.moment.daylight:
            return None if self.model.family == "string" else 0.0
        share = self.moment.strings_w[index] / max(1, self.model.nominal_power_w)
        return 560.0 + 60.0 * share

    def string_a(self, index: int) -> float | None:
        """Current of one tracker, such that volts times amperes give its power."""
        volts = self.string_v(index)
        if volts is None:
            return None
        return self.moment.strings_w[index] / volts if volts else 0.0

    def phase_v(self, index: int) -> float | None:
        """Voltage of one phase, or between two lines where there is no neutral."""
        if index >= self.model.phases:
            return None
        volts = self.moment.voltages_v[index]
        between_lines = self.model.output_type == THREE_PHASE_THREE_WIRE
        return volts * math.sqrt(3) if between_lines else volts

    def phase_a(self, index: int) -> float | None:
        """Current of one phase, from an even share of the output."""
        if index >= self.model.phases:
            return None
        return self.output_w / self.model.phases / self.moment.voltages_v[index]

    def grid_phase_w(self, index: int) -> int | None:
        """The meter's view of one phase; the phases add up to the total."""
        phases = self.model.phases
        if index >= phases:
            return None
        share = int(self.flow.grid_w / phases)
        return self.flow.grid_w - share * (phases - 1) if index == 0 else share

    @property
    def battery_v(self) -> float:
        """Terminal voltage, higher when fuller."""
        return 380.0 + 60.0 * self.moment.soc


Value = Callable[[Scene], float | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One register (or pair): where it is, how it is packed, what it shows."""

    at: int
    kind: Kind
    per_unit: float
    value: Value

    @property
    def size(self) -> int:
        """Words it takes."""
        return 2 if self.kind in ("u32", "s32") else 1


def kwh(sums: Callable[[Scene], int]) -> Value:
    """Whole counted energy: watt seconds to kWh."""
    return lambda scene: sums(scene) / 3_600_000


def _zero(_: Scene) -> float:
    return 0.0


def string_work_state(scene: Scene) -> int:
    """Document register 5038."""
    fault = scene.condition.fault
    if fault is not None:
        return 0x5500 if fault.stops else 0x9100
    if scene.condition.standby:
        return 0x1400
    if scene.starting:
        return 0x1600
    if not scene.moment.running:
        return 0x8000
    if not scene.moment.daylight:
        return 0x1400
    if not scene.flow.curtailed:
        return 0x0000
    return 0x8200 if scene.condition.derate_to is None else 0x8100


def hybrid_running_state(scene: Scene) -> int:
    """Document register 13000."""
    fault = scene.condition.fault
    if fault is not None and fault.stops:
        return 0x5500
    if scene.condition.standby or scene.starting:
        return 0x1400
    if not scene.moment.running:
        return 0x8000
    if scene.ems_mode in (EMS_EXTERNAL, EMS_VPP):
        return 0x4000
    if scene.ems_mode == EMS_FORCED:
        return 0x0800
    return 0x0040 if scene.flow.pv_w or scene.flow.battery_w else 0x1400


def flow_bits(scene: Scene) -> int:
    """Document register 13001: which way power flows."""
    flow = scene.flow
    facts = (
        flow.pv_w > 0,
        flow.battery_w < 0,
        flow.battery_w > 0,
        flow.load_w > 0,
        flow.grid_w < 0,
        flow.grid_w > 0,
        False,
        flow.load_w < 0,
    )
    return sum(fact << bit for bit, fact in enumerate(facts))


def string_state_bits(scene: Scene) -> int:
    """Document register 5081: bit 17 running, bit 18 fault."""
    state = string_work_state(scene)
    return (1 << 17) * (state in (0, 0x8100, 0x8200, 0x9100)) | (1 << 18) * (state == 0x5500)


def fault_word(place: int) -> Value:
    """Document registers 5039 to 5045: year to second of the fault, and its code; 0 for none."""

    def word(scene: Scene) -> int:
        fault = scene.condition.fault
        if fault is None:
            return 0
        at = datetime.fromtimestamp(fault.since_s, UTC)
        return (*at.timetuple()[:6], fault.code)[place]

    return word


def fault_bits(bitmap: int) -> Value:
    """Document registers 13050 to 13079: the code sets one bit of the fifteen bitmaps."""

    def bits(scene: Scene) -> int:
        fault = scene.condition.fault
        if fault is None or (fault.code - 1) // 32 % FAULT_BITMAPS != bitmap:
            return 0
        return 1 << (fault.code - 1) % 32

    return bits


def _quarter(place: int) -> Value:
    def watts(scene: Scene) -> float | None:
        over = scene.moment.quarters_w
        return over[place] if place < len(over) else None

    return watts


def _volts(index: int) -> Value:
    return lambda scene: scene.string_v(index)


def _amperes(index: int) -> Value:
    return lambda scene: scene.string_a(index)


def _tracker_rows(first: int, trackers: range) -> tuple[Row, ...]:
    """Voltage and current of each tracker, alternating."""
    rows: list[Row] = []
    for at, index in zip(range(first, first + 2 * len(trackers), 2), trackers, strict=True):
        rows += (Row(at, "u16", 10, _volts(index)), Row(at + 1, "u16", 10, _amperes(index)))
    return tuple(rows)


# fmt: off
COMMON: tuple[Row, ...] = (
    Row(5000, "u16", 1, lambda s: s.model.type_code),
    Row(5001, "u16", 0.01, lambda s: s.model.nominal_power_w),
    Row(5002, "u16", 1, lambda s: s.model.output_type),
    Row(5003, "u16", 10,   kwh(lambda s: s.today.output)),
    Row(5006, "u32", 1, lambda s: s.moment.running_s // 3600),
    Row(5008, "s16", 10, lambda s: s.moment.inverter_c),
    Row(5009, "u32", 1, lambda s: abs(s.output_w)),
    *_tracker_rows(5011, range(3)),
    Row(5017, "u32", 1, lambda s: s.flow.pv_w),
    Row(5019, "u16", 10, lambda s: s.phase_v(0)),
    Row(5020, "u16", 10, lambda s: s.phase_v(1)),
    Row(5021, "u16", 10, lambda s: s.phase_v(2)),
    Row(5033, "s32", 1,    _zero),
    Row(5035, "s16", 1000, lambda s: 1.0),
    Row(5036, "u16", 10, lambda s: s.moment.frequency_hz),
)

STRING: tuple[Row, ...] = (
    *COMMON,
    Row(5004, "u32", 1,    kwh(lambda s: s.total.output)),
    Row(5022, "u16", 10, lambda s: s.phase_a(0)),
    Row(5023, "u16", 10, lambda s: s.phase_a(1)),
    Row(5024, "u16", 10, lambda s: s.phase_a(2)),
    Row(5031, "s32", 1, lambda s: s.output_w),
    Row(5038, "u16", 1,    string_work_state),
    *(Row(at, "u16", 1, fault_word(at - 5039)) for at in range(5039, 5046)),
    Row(5081, "u32", 1,    string_state_bits),
    Row(5113, "u16", 1, lambda s: s.moment.running_today_s // 60),
    *_tracker_rows(5115, range(3, 8)),
    *_tracker_rows(5130, range(8, 12)),
    Row(5144, "u32", 10,   kwh(lambda s: s.total.output)),
    Row(5148, "u16", 100, lambda s: s.moment.frequency_hz),
    *(Row(at, "u16", 100, _amperes(at - 7013)) for at in range(7013, 7037)),
)

STRING_METER: tuple[Row, ...] = (
    Row(5083, "s32", 1, lambda s: s.flow.grid_w),
    Row(5085, "s32", 1, lambda s: s.grid_phase_w(0)),
    Row(5087, "s32", 1, lambda s: s.grid_phase_w(1)),
    Row(5089, "s32", 1, lambda s: s.grid_phase_w(2)),
    Row(5091, "s32", 1, lambda s: s.flow.load_w),
    Row(5093, "u32", 10,   kwh(lambda s: s.today.exported)),
    Row(5095, "u32", 10,   kwh(lambda s: s.total.exported)),
    Row(5097, "u32", 10,   kwh(lambda s: s.today.imported)),
    Row(5099, "u32", 10,   kwh(lambda s: s.total.imported)),
)

HYBRID: tuple[Row, ...] = (
    *COMMON,
    Row(5004, "u32", 10,   kwh(lambda s: s.total.output)),
    Row(5214, "s32", 1, lambda s: s.flow.battery_w),
    Row(5242, "u16", 100, lambda s: s.moment.frequency_hz),
    Row(5601, "s32", 1, lambda s: s.flow.grid_w),
    Row(5603, "s32", 1, lambda s: s.grid_phase_w(0)),
    Row(5605, "s32", 1, lambda s: s.grid_phase_w(1)),
    Row(5607, "s32", 1, lambda s: s.grid_phase_w(2)),
    Row(5622, "u16", 1,    _zero),
    Row(5623, "u16", 0.1, lambda s: s.model.nominal_power_w),
    Row(5628, "u16", 0.01, lambda s: s.model.battery_power_w),
    Row(5631, "s16", 10, lambda s: s.flow.battery_w / s.battery_v),
    Row(5635, "u16", 1, lambda s: s.model.battery_power_w // 380),
    Row(5636, "u16", 1, lambda s: s.model.battery_power_w // 380),
    Row(5639, "u16", 0.1, lambda s: s.model.battery_capacity_wh),
    Row(5723, "s16", 1,    _zero),
    Row(5724, "s16", 1, lambda s: 0 if s.model.phases == 3 else None),
    Row(5725, "s16", 1, lambda s: 0 if s.model.phases == 3 else None),
    Row(5726, "s32", 1,    _zero),
    Row(13000, "u16", 1,   hybrid_running_state),
    Row(13001, "u16", 1,   flow_bits),
    Row(13002, "u16", 10,  kwh(lambda s: s.today.pv)),
    Row(13003, "u32", 10,  kwh(lambda s: s.total.pv)),
    Row(13005, "u16", 10,  kwh(lambda s: s.today.pv_exported)),
    Row(13006, "u32", 10,  kwh(lambda s: s.total.pv_exported)),
    Row(13008, "s32", 1, lambda s: s.flow.load_w),
    Row(13010, "s32", 1, lambda s: -s.flow.grid_w),
    Row(13012, "u16", 10,  kwh(lambda s: s.today.pv_charged)),
    Row(13013, "u32", 10,  kwh(lambda s: s.total.pv_charged)),
    Row(13017, "u16", 10,  kwh(lambda s: s.today.direct)),
    Row(13018, "u32", 10,  kwh(lambda s: s.total.direct)),
    Row(13020, "u16", 10, lambda s: s.battery_v),
    Row(13023, "u16", 1000, lambda s: s.moment.soc),
    Row(13024, "u16", 10, lambda s: 98.5),
    Row(13025, "s16", 10, lambda s: s.moment.battery_c),
    Row(13026, "u16", 10,  kwh(lambda s: s.today.discharged)),
    Row(13027, "u32", 10,  kwh(lambda s: s.total.discharged)),
    Row(13031, "s16", 10, lambda s: s.phase_a(0)),
    Row(13032, "s16", 10, lambda s: s.phase_a(1)),
    Row(13033, "s16", 10, lambda s: s.phase_a(2)),
    Row(13034, "s32", 1, lambda s: s.output_w),
    Row(13036, "u16", 10,  kwh(lambda s: s.today.imported)),
    Row(13037, "u32", 10,  kwh(lambda s: s.total.imported)),
    Row(13040, "u16", 10,  kwh(lambda s: s.today.charged)),
    Row(13041, "u32", 10,  kwh(lambda s: s.total.charged)),
    Row(13045, "u16", 10,  kwh(lambda s: s.today.exported)),
    Row(13046, "u32", 10,  kwh(lambda s: s.total.exported)),
    *(Row(at, "u32", 1, fault_bits((at - 13050) // 2)) for at in range(13050, 13080, 2)),
)

# Today's sun by quarters of an hour; those to come are unavailable.
QUARTERS: tuple[Row, ...] = tuple(
    Row(6100 + place, "u16", 1, _quarter(place)) for place in range(96)
)

# Unsigned on the three-phase hybrids (13001 gives the direction), signed on single-phase ones.
HYBRID_THREE_PHASE: tuple[Row, ...] = (
    Row(13022, "u16", 1, lambda s: abs(s.flow.battery_w)),
)
HYBRID_SINGLE_PHASE: tuple[Row, ...] = (
    Row(13022, "s16", 1, lambda s: s.flow.battery_w),
)

# What the device answers for at all; a request that leaves these spans is refused whole.
# Addresses inside them that no row names are reserved and read as 0xFFFF.
STRING_INPUT_SPANS = ((2613, 2643), (4950, 5049), (5081, 5082), (5113, 5148), (7013, 7036))
STRING_METER_SPANS = ((2613, 2643), (4950, 5049), (5081, 5148), (7013, 7036))
HYBRID_INPUT_SPANS = (
    (2613, 2643), (4950, 5049), (5214, 5242), (5601, 5640), (5723, 5727), (13000, 13079),
)
QUARTERS_SPANS = ((6100, 6195),)
STRING_HOLDING_SPANS = ((5000, 5044),)
HYBRID_HOLDING_SPANS = ((5000, 5009), (13000, 13100), (33046, 33050))
# fmt: on

FIRMWARE: tuple[tuple[int, str], ...] = (
    (2613, "SAPPHIRE-H_03011.95.03"),
    (2629, "SUBCTL-S_04011.01.01"),
    (4954, "ARM_SAPPHIRE-H_V11_V01_A"),
    (4969, "MDSP_SAPPHIRE-H_V11_V01_A"),
)
"""Names of firmware, by document address."""

FIRMWARE_WORDS = 15

SHOWN_IN_THE_DARK = frozenset({5000, 5001, 5002, 5038, 13000})
"""What an inverter knows though it measures nothing: what it is, and its state."""

SERIAL_AT = 4990
SERIAL_WORDS = 10
CLOCK_AT = 5000
CLOCK_WORDS = 6


def input_rows(model: Model) -> tuple[Row, ...]:
    """The input registers that a model has."""
    quarters = QUARTERS if _keeps_quarters(model) else ()
    if model.family == "hybrid":
        battery = HYBRID_THREE_PHASE if model.phases == 3 else HYBRID_SINGLE_PHASE
        return HYBRID + battery + quarters
    return STRING + (STRING_METER if model.meter else ()) + quarters


def input_spans(model: Model) -> tuple[tuple[int, int], ...]:
    """The spans of input registers that a model answers for."""
    quarters = QUARTERS_SPANS if _keeps_quarters(model) else ()
    if model.family == "hybrid":
        return HYBRID_INPUT_SPANS + quarters
    return (STRING_METER_SPANS if model.meter else STRING_INPUT_SPANS) + quarters


def _keeps_quarters(model: Model) -> bool:
    """Only where a register of 16 bits holds the watts."""
    return model.nominal_power_w < 0xFFFF


def holding_spans(model: Model) -> tuple[tuple[int, int], ...]:
    """The spans of holding registers that a model answers for."""
    return HYBRID_HOLDING_SPANS if model.family == "hybrid" else STRING_HOLDING_SPANS
