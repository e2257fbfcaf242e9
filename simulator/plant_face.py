"""The plant as its doors see it: one lock, one physical model, and the dongle's quirks.

It owns which unit is what through which door, and what a dongle keeps back, invents or remembers
wrongly (quirks c, d and f). It knows no sockets.
"""

import threading
from collections.abc import Mapping, Sequence

from simulator.battery import BATTERY_UNIT, WINET_BATTERY_UNIT, Battery
from simulator.behaviour import Condition, changed
from simulator.clock import Clock
from simulator.door import DOOR_NAMES, WINET, WINET_TLS
from simulator.face import BATTERY, HOLDING, INVERTER
from simulator.modbus_pdu import ILLEGAL_ADDRESS, NO_SUCH_UNIT, Refused
from simulator.models import Model
from simulator.physics import Moment, Orders, Physics
from simulator.sungrow import SungrowInverter
from simulator.trouble import Quirk, Troubles

WINET_DOORS = frozenset({WINET, WINET_TLS})
"""Doors that lead through a dongle."""

WINET_UNIT = 1
"""The inverter's unit behind a dongle, whatever its own is."""

NOT_FORWARDED = (6100, 6195)
"""Document addresses that a dongle never forwards (quirk d)."""

UNKNOWN_TO_WINET: dict[str, frozenset[int]] = {
    "string": frozenset({5006, 5007, 5081, 5082, 5113}),
    "hybrid": frozenset({5006, 5007, 5009, 5010, 5015, 5016, 5639, 13000, 13001}),
}
"""Input registers by document address that a dongle refuses alone and gives as 0 in a block
(quirk c): what users of SH-RT saw as 0 through a dongle and as a value on the inverter's port."""

STALE_S = 10.0
"""How long a dongle still reads what was there before a write (quirk f), in plant seconds."""


class PlantFace:
    """One inverter, its battery, and the world around them, for any number of doors."""

    def __init__(
        self,
        model: Model,
        serial: str,
        physics: Physics,
        clock: Clock,
        troubles: Troubles,
        unit_id: int = 1,
    ) -> None:
        self._lock = threading.RLock()
        self._physics = physics
        self._clock = clock
        self._troubles = troubles
        self._seen = physics.moment()
        self.model = model
        self.serial = serial
        self._condition = Condition()
        self.inverter = SungrowInverter(
            model, serial, self.moment, self._obey, troubles.has, lambda: self._condition
        )
        self._battery = Battery(model, serial, self.moment) if model.battery_capacity_wh else None
        own = self._numbered(unit_id, BATTERY_UNIT)
        forwarded = self._numbered(WINET_UNIT, WINET_BATTERY_UNIT)
        self._units = {door: forwarded if door in WINET_DOORS else own for door in DOOR_NAMES}
        self._before: dict[int, tuple[int, float]] = {}

    def _numbered(self, inverter: int, battery: int) -> dict[int, str]:
        if self._battery is None:
            return {inverter: INVERTER}
        if inverter == battery:
            raise ValueError(f"unit {battery} is the battery's; give the inverter another one")
        return {inverter: INVERTER, battery: BATTERY}

    def units(self, door: str) -> Mapping[int, str]:
        """Unit id -> what it is."""
        return self._units[door]

    def now_s(self) -> float:
        """Plant time."""
        return self._clock.now_s()

    def moment(self) -> Moment:
        """The plant now; the same value until the next step."""
        with self._lock:
            now_s = self._clock.now_s()
            # What is due on the way happens then, not when somebody next looks.
            while (due_s := self.inverter.due_s()) is not None and due_s <= now_s:
                self._walk_to(due_s)
                self.inverter.pass_time(self._seen)
            self._walk_to(now_s)
            return self._seen

    def _walk_to(self, time_s: float) -> None:
        if self._physics.advance_to(time_s):
            self._seen = self._physics.moment()

    @property
    def condition(self) -> Condition:
        """How the inverter is."""
        return self._condition

    def behave(self, /, **changes: object) -> Condition:
        """Be otherwise from now on (see `behaviour.changed`); raises ValueError."""
        with self._lock:
            self._condition = changed(self._condition, changes, self.moment().time_s)
            self.inverter.reconsider()
            return self._condition

    @property
    def gone(self) -> bool:
        """Whether the device is off the network."""
        return self._condition.gone(self.moment())

    def tick(self) -> None:
        """Let time do what it does."""
        with self._lock:
            self.inverter.tick()

    def read(self, door: str, unit: int, space: str, first: int, count: int) -> Sequence[int]:
        """Words by wire address; raises Refused."""
        kind = self._kind(door, unit)
        with self._lock:
            if door in WINET_DOORS:
                self._check_forwarded(kind, space, first, count)
            words = self._read(door, kind, space, first, count)
            return self._as_winet(kind, space, first, words) if door in WINET_DOORS else words

    def write(self, door: str, unit: int, first: int, words: Sequence[int]) -> None:
        """Write holding registers by wire address; raises Refused."""
        kind = self._kind(door, unit)
        if kind == BATTERY:
            raise Refused(ILLEGAL_ADDRESS)
        with self._lock:
            stale = door in WINET_DOORS and self._troubles.has(Quirk.STALE_READBACK)
            before = self._read(door, kind, HOLDING, first, len(words)) if stale else ()
            self.inverter.write(first, words)
            until_s = self.now_s() + STALE_S
            self._before |= {first + i: (word, until_s) for i, word in enumerate(before)}

    def _kind(self, door: str, unit: int) -> str:
        kind = self.units(door).get(unit)
        if kind is None:
            raise Refused(NO_SUCH_UNIT)
        return kind

    def _obey(self, orders: Orders) -> None:
        self._physics.orders = self._condition.temper(orders, self.model.nominal_power_w)

    def _read(self, door: str, kind: str, space: str, first: int, count: int) -> Sequence[int]:
        if kind == BATTERY and self._battery is not None:
            return self._battery.read(space, first, count)
        if space == HOLDING:
            return self.inverter.read_holding(first, count, self._troubles.clock_shift_s(door))
        return self.inverter.read_input(first, count)

    def _check_forwarded(self, kind: str, space: str, first: int, count: int) -> None:
        """What a dongle refuses of itself: quirks (d) and (c)."""
        low, high = NOT_FORWARDED
        withheld = self._troubles.has(Quirk.NOT_FORWARDED)
        if withheld and first + 1 <= high and low <= first + count:
            raise Refused(ILLEGAL_ADDRESS)
        unknown = self._unknown(kind, space)
        if unknown and all(at in unknown for at in range(first + 1, first + 1 + count)):
            raise Refused(ILLEGAL_ADDRESS)

    def _as_winet(self, kind: str, space: str, first: int, words: Sequence[int]) -> Sequence[int]:
        """What a dongle makes of right words: quirks (c) and (f)."""
        unknown = self._unknown(kind, space)
        shown = [0 if first + 1 + i in unknown else word for i, word in enumerate(words)]
        if kind == INVERTER and space == HOLDING and self._before:
            now_s = self.now_s()
            self._before = {at: b for at, b in self._before.items() if now_s < b[1]}
            shown = [self._before.get(first + i, (word, 0.0))[0] for i, word in enumerate(shown)]
        return shown

    def _unknown(self, kind: str, space: str) -> frozenset[int]:
        if kind == BATTERY or space == HOLDING or not self._troubles.has(Quirk.ZERO_IN_BLOCK):
            return frozenset()
        return UNKNOWN_TO_WINET[self.model.family]
