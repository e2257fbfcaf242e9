"""How a trouble looks on a Modbus TCP wire: which bytes go out, when, and what follows.

It turns an order and a right answer into an `Act` and performs nothing. Frames are whole: seven
header bytes (transaction, protocol, length, unit), then the protocol data unit.

Rules. What is swallowed, refused or hung up on never reaches the device, so a write that met such a
trouble has not happened. What is spoiled on the way out has.
"""

import random
from dataclasses import dataclass

from simulator.trouble import Order, Trouble

DEVICE_FAILURE = 0x04
DEVICE_BUSY = 0x06

FRAMING_BYTES = 9
"""Header, function and byte count: the bytes of which a client can tell that they are wrong.

Modbus TCP has no check sum, so nobody can tell it of the data. A garble with the value 1 spoils
those too.
"""


@dataclass(frozen=True, slots=True)
class Act:
    """What to do with one answer."""

    frame: bytes
    drip_s: float = 0.0
    """Seconds over which the frame goes out byte by byte; 0 for at once."""
    later_s: float = 0.0
    """Seconds after which it goes out, while other requests are served; 0 for now."""


def wait_before_s(order: Order | None) -> float:
    """Seconds that the device takes before it looks at the request."""
    return order.value if order is not None and order.trouble is Trouble.LATENCY else 0.0


def hangs_up(order: Order | None) -> bool:
    """Whether the connection is closed instead of an answer."""
    return order is not None and order.trouble in (Trouble.CLOSE, Trouble.LOCKED)


def swallows(order: Order | None) -> bool:
    """Whether there is no answer at all, on a connection that stays."""
    return order is not None and order.trouble is Trouble.DROP


def refusal(order: Order | None) -> int | None:
    """The exception code given without asking the device."""
    if order is not None and order.trouble is Trouble.BUSY:
        return DEVICE_BUSY
    if order is not None and order.trouble is Trouble.EXCEPTION:
        return int(order.value) or DEVICE_FAILURE
    return None


def act(order: Order | None, frame: bytes, dice: random.Random) -> Act:
    """What becomes of the right answer."""
    if order is None:
        return Act(frame)
    if order.trouble is Trouble.GARBLE:
        return Act(_garbled(frame, dice, anywhere=order.value >= 1))
    if order.trouble is Trouble.WRONG_TRANSACTION:
        number = int.from_bytes(frame[:2], "big") ^ dice.randrange(1, 0x10000)
        return Act(number.to_bytes(2, "big") + frame[2:])
    if order.trouble is Trouble.SHORT_FRAME:
        return Act(frame[: dice.randrange(1, len(frame))])
    if order.trouble is Trouble.SLOW_DRIP:
        return Act(frame, drip_s=order.value)
    if order.trouble is Trouble.LATE_REPLY:
        return Act(frame, later_s=order.value)
    return Act(frame)


def _garbled(frame: bytes, dice: random.Random, anywhere: bool) -> bytes:
    """One to three bytes changed, each into another value."""
    spoiled = bytearray(frame)
    end = len(frame) if anywhere else min(FRAMING_BYTES, len(frame))
    for place in dice.sample(range(end), dice.randrange(1, 4)):
        spoiled[place] ^= dice.randrange(1, 0x100)
    return bytes(spoiled)
