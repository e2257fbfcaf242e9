"""What an inverter does of itself: faults, derating, standby, and how it spends the night.

It owns the condition and what it makes of the orders given; it knows no registers and no sockets.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from simulator.physics import Moment, Orders

MAX_FAULT_CODE = 0xFFFE
"""The largest fault code: one more means that the register is unavailable."""


class Night(StrEnum):
    """What becomes of the device when no sun is left."""

    AWAKE = "awake"
    """It answers as by day; a string inverter marks its trackers as unavailable."""
    SENTINELS = "sentinels"
    """It answers, and all that it measures is unavailable."""
    GONE = "gone"
    """It disappears from the network until the morning, dongle and all."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault with the vendor's code; an alarm when the inverter goes on in spite of it."""

    code: int
    stops: bool = True
    since_s: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.code <= MAX_FAULT_CODE:
            raise ValueError(f"fault code is {self.code}; give 1 to {MAX_FAULT_CODE}")


@dataclass(frozen=True, slots=True)
class Condition:
    """How the inverter is."""

    fault: Fault | None = None
    derate_to: float | None = None
    """Share of the nominal power that heat leaves; None for all of it."""
    standby: bool = False
    night: Night = field(default=Night.AWAKE)

    def __post_init__(self) -> None:
        if self.derate_to is not None and not 0 <= self.derate_to <= 1:
            raise ValueError(f"derate_to is {self.derate_to:g}; give 0 to 1, or nothing")

    @property
    def idle(self) -> bool:
        """Whether it neither takes nor gives power, whatever it is told."""
        return self.standby or (self.fault is not None and self.fault.stops)

    def temper(self, orders: Orders, nominal_power_w: int) -> Orders:
        """What is left of the orders."""
        if self.idle:
            orders = replace(orders, running=False)
        if self.derate_to is not None:
            limit_w = int(nominal_power_w * self.derate_to)
            if orders.active_limit_w is not None:
                limit_w = min(limit_w, orders.active_limit_w)
            orders = replace(orders, active_limit_w=limit_w)
        return orders

    def gone(self, moment: Moment) -> bool:
        """Whether the device is off the network."""
        return self.night is Night.GONE and not moment.daylight

    def blank(self, moment: Moment) -> bool:
        """Whether it marks all that it measures as unavailable."""
        return self.night is Night.SENTINELS and not moment.daylight


def changed(condition: Condition, changes: dict[str, Any], now_s: int) -> Condition:
    """The condition with some things changed, from plain values; raises ValueError.

    `fault` is a code, or 0 for none; `alarm` is a code with which it goes on; `night` is a name.
    """
    known = ("fault", "alarm", "derate_to", "standby", "night")
    unknown = [name for name in changes if name not in known]
    if unknown:
        raise ValueError(f"no behaviour {', '.join(unknown)}; there are: {', '.join(known)}")
    for name, stops in (("fault", True), ("alarm", False)):
        if name in changes:
            condition = replace(condition, fault=_fault(name, changes[name], stops, now_s))
    if "derate_to" in changes:
        condition = replace(condition, derate_to=_share(changes["derate_to"]))
    if "standby" in changes:
        condition = replace(condition, standby=_switch("standby", changes["standby"]))
    if "night" in changes:
        condition = replace(condition, night=night_named(str(changes["night"])))
    return condition


def night_named(text: str) -> Night:
    """The night of that name."""
    try:
        return Night(text.lower())
    except ValueError:
        raise ValueError(f"no night {text!r}; there are: {', '.join(Night)}") from None


def _fault(name: str, code: Any, stops: bool, now_s: int) -> Fault | None:
    if isinstance(code, bool) or not isinstance(code, int | None):
        raise ValueError(f"{name} is a code, a whole number; 0 for none")
    return Fault(code, stops, now_s) if code else None


def _share(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError("derate_to is a share from 0 to 1, or nothing")
    return value


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false")
    return value
