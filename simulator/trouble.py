"""How the plant misbehaves: troubles by rate and time, quirks as switches, drawn from a seed.

It owns which trouble befalls which request; the doors act it out at their own byte level.

Rules. A door asks `draw` once for every request, and each asking throws the dice once, whatever is
ordered, so that the same seed and the same requests give the same run. Each door has dice of its
own: what happens at one never changes what happens at another. CLOCK_WRONG is a state and no event:
it is never drawn, and `clock_shift_s` tells it.
"""

import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from simulator.door import DOOR_NAMES

MAX_ORDERS = 256
"""Troubles at once; those that have ended make room. A script that sets one a second without an end
and clears none is told so."""

MAX_TROUBLE_S = 600.0
"""The longest latency or delay; longer than any client waits."""

MAX_CLOCK_SHIFT_S = 10 * 366 * 86_400.0
"""The most that a clock can be wrong: ten years, so that its date remains one."""


class Trouble(StrEnum):
    """What may befall a request; `Order.value` is given behind each."""

    LATENCY = "latency"
    """The answer comes late by `value` seconds, but in time for a patient client."""
    DROP = "drop"
    """The request is swallowed: no answer, the connection stays."""
    CLOSE = "close"
    """The connection is closed instead of an answer."""
    GARBLE = "garble"
    """Some bytes of the answer are wrong."""
    WRONG_TRANSACTION = "wrong-transaction"
    """The answer carries another request's number."""
    LATE_REPLY = "late-reply"
    """The answer comes `value` seconds later; what is asked meanwhile is answered before."""
    EXCEPTION = "exception"
    """The request is refused with code `value` (4 where it is 0)."""
    SHORT_FRAME = "short-frame"
    """The answer ends in its middle, and nothing follows."""
    SLOW_DRIP = "slow-drip"
    """The answer comes byte by byte, `value` seconds for the whole."""
    BUSY = "busy"
    """The device says that it is busy: 301 through WiNet, exception 6 on Modbus."""
    LOCKED = "locked"
    """The account is locked: 114 through WiNet; Modbus has no accounts and hangs up."""
    CLOCK_WRONG = "clock-wrong"
    """The device's own clock is `value` seconds off, fast when positive."""


class Quirk(StrEnum):
    """What real firmware does, measured in the field by other people."""

    PADDED_FRAME = "padded-frame"
    """(a) Documents 2613 and 2629: 15 registers sent while the byte count says 11."""
    CLOSES_INSTEAD = "closes-instead"
    """(b) Firmware .95.03 closes TCP instead of answering 13200-13207, and 13250 up to 13999."""
    ZERO_IN_BLOCK = "zero-in-block"
    """(c) WiNet refuses some registers read alone, and gives 0 for them inside a block."""
    NOT_FORWARDED = "not-forwarded"
    """(d) WiNet never forwards 6100-6195."""
    SHORT_EXCEPTION_LENGTH = "short-exception-length"
    """(e) WiNet v12: exception frames carry the length 2 instead of 3."""
    STALE_READBACK = "stale-readback"
    """(f) WiNet: what has just been written reads as before for a while."""
    LIMIT_TIMES_TEN = "limit-times-ten"
    """(g) Firmware .95.12-.14 multiplies what is written to 13074 by 10."""
    LIMIT_NEEDS_SWITCH = "limit-needs-switch"
    """(h) 13074 ignores writes while 13087 is off."""


NEEDS_VALUE = frozenset(
    {Trouble.LATENCY, Trouble.LATE_REPLY, Trouble.SLOW_DRIP, Trouble.CLOCK_WRONG}
)
"""Troubles that do nothing with a value of 0."""


@dataclass(frozen=True, slots=True)
class Order:
    """One trouble: where, how often, how much, and when (plant seconds since the start)."""

    trouble: Trouble
    door: str = ""
    rate: float = 1.0
    value: float = 0.0
    from_s: float = 0.0
    until_s: float = math.inf

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate is {self.rate:g}; give 0 to 1")
        low, high = _value_bounds(self.trouble)
        if not low <= self.value <= high:
            raise ValueError(
                f"the value of {self.trouble} is {self.value:g}; give {low:g} to {high:g}"
            )
        if not 0 <= self.from_s < self.until_s:
            raise ValueError(
                f"it lasts from {self.from_s:g} to {self.until_s:g} s; "
                "give a beginning of 0 or more, and an end after it"
            )
        if self.door and self.door not in DOOR_NAMES:
            raise ValueError(f"no door {self.door[:40]!r}; there are: {', '.join(DOOR_NAMES)}")

    def applies(self, door: str, since_start_s: float) -> bool:
        """Whether it holds for this door now."""
        return self.door in ("", door) and self.from_s <= since_start_s < self.until_s


def _value_bounds(trouble: Trouble) -> tuple[float, float]:
    if trouble is Trouble.CLOCK_WRONG:
        return -MAX_CLOCK_SHIFT_S, MAX_CLOCK_SHIFT_S
    if trouble is Trouble.EXCEPTION:
        return 0, 255
    return 0, MAX_TROUBLE_S


def effective(order: Order) -> Order:
    """The same order; raises ValueError where it would do nothing."""
    if order.trouble in NEEDS_VALUE and not order.value:
        raise ValueError(f"{order.trouble} does nothing without a value (seconds)")
    return order


def trouble_named(text: str) -> Trouble:
    """The trouble of that name, with - or _."""
    try:
        return Trouble(text.lower().replace("_", "-"))
    except ValueError:
        raise ValueError(f"no trouble {text!r}; there are: {', '.join(Trouble)}") from None


def quirk_named(text: str) -> Quirk:
    """The quirk of that name, with - or _."""
    try:
        return Quirk(text.lower().replace("_", "-"))
    except ValueError:
        raise ValueError(f"no quirk {text!r}; there are: {', '.join(Quirk)}") from None


def parse_order(text: str) -> Order:
    """`latency:0.1:0.5` is trouble, rate and value; `busy:1@winet` is for one door only."""
    head, _, door = text.partition("@")
    name, *numbers = head.split(":")
    trouble = trouble_named(name)
    try:
        rate, value = ([float(number) for number in numbers] + [1.0, 0.0][len(numbers) :])[:2]
    except ValueError:
        rate = -1.0
    if rate < 0 or len(numbers) > 2:
        raise ValueError(f"{text!r} is no trouble; write it like latency:0.1:0.5 or busy:1@winet")
    return effective(Order(trouble, door=door, rate=rate, value=value))


class Troubles:
    """What is ordered now, and the dice. Any thread may call; nothing waits."""

    def __init__(self, seed: int = 0, since_start_s: Callable[[], float] = lambda: 0.0) -> None:
        """`since_start_s` tells plant seconds since the plant began."""
        self._seed = seed
        self._since_start_s = since_start_s
        self._lock = threading.Lock()
        self._orders: dict[int, Order] = {}
        self._next_id = 1
        self._throws: dict[str, random.Random] = {}
        self._dice: dict[str, random.Random] = {}
        self._quirks: set[Quirk] = set()

    def set(self, order: Order) -> int:
        """Order a trouble; returns the id that clears it."""
        now_s = self._since_start_s()
        with self._lock:
            if len(self._orders) >= MAX_ORDERS:
                lasting = {at: each for at, each in self._orders.items() if now_s < each.until_s}
                self._orders = lasting
            if len(self._orders) >= MAX_ORDERS:
                raise ValueError(f"{MAX_ORDERS} troubles are set; clear one first")
            number = self._next_id
            self._next_id += 1
            self._orders[number] = order
            return number

    def clear(self, number: int | None = None) -> bool:
        """Clear one trouble, or all; False when there is no such one."""
        with self._lock:
            if number is None:
                self._orders.clear()
                return True
            return self._orders.pop(number, None) is not None

    def since_start_s(self) -> float:
        """Plant seconds since the plant began: what the hours of an order count."""
        return self._since_start_s()

    def orders(self) -> dict[int, Order]:
        """All that is ordered, by id, whether it holds now or not."""
        with self._lock:
            return dict(self._orders)

    def active(self, door: str) -> tuple[Order, ...]:
        """What holds for this door now, in the order in which it was set."""
        now_s = self._since_start_s()
        with self._lock:
            return tuple(order for order in self._orders.values() if order.applies(door, now_s))

    def draw(self, door: str) -> Order | None:
        """What befalls the next request at this door: one throw of its dice."""
        active = self.active(door)
        with self._lock:
            throw = self._of(self._throws, f"{self._seed}/{door}").random()
        for order in active:
            if order.trouble is Trouble.CLOCK_WRONG:
                continue
            if throw < order.rate:
                return order
            throw -= order.rate
        return None

    def dice(self, door: str) -> random.Random:
        """This door's dice for its bytes; not the ones that `draw` throws."""
        with self._lock:
            return self._of(self._dice, f"{self._seed}/{door}/bytes")

    def clock_shift_s(self, door: str) -> float:
        """By how many seconds the device's clock is wrong as this door shows it."""
        shifts = (o.value for o in self.active(door) if o.trouble is Trouble.CLOCK_WRONG)
        return max(-MAX_CLOCK_SHIFT_S, min(MAX_CLOCK_SHIFT_S, sum(shifts)))

    def has(self, quirk: Quirk) -> bool:
        """Whether the quirk is on."""
        with self._lock:
            return quirk in self._quirks

    def switch(self, quirk: Quirk, on: bool = True) -> None:
        """Turn a quirk on or off."""
        with self._lock:
            if on:
                self._quirks.add(quirk)
            else:
                self._quirks.discard(quirk)

    def quirks(self) -> tuple[Quirk, ...]:
        """The quirks that are on, in the order of the catalogue."""
        with self._lock:
            return tuple(quirk for quirk in Quirk if quirk in self._quirks)

    @staticmethod
    def _of(dice: dict[str, random.Random], name: str) -> random.Random:
        return dice.setdefault(name, random.Random(name))
