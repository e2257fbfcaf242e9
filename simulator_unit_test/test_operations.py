"""What can be ordered of a plant: orders there and back, and no body that breaks it."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator.clock import ManualClock
from simulator.operations import OPERATIONS, order_in, order_out
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Trouble

NOON_S = 1_782_043_200

SILENT = VirtualPlant(
    doors={"modbus": 0, "encrypted": 0, "winet": (0, 0)}, clock=ManualClock(NOON_S)
)
"""A plant that nobody reaches."""


def test_orders_there_and_back() -> None:
    """An order told as JSON and taken from it is the same order."""
    order = Order(Trouble.SLOW_DRIP, "modbus", 0.25, 3.0, 10.0, 20.0)

    assert order == order_in(json.loads(json.dumps(order_out(order))), 0.0)
    assert Order(Trouble.DROP) == order_in(order_out(Order(Trouble.DROP)), 0.0)


BODIES = st.dictionaries(
    st.sampled_from([name for each in OPERATIONS for name in each.takes] + ["self"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([*Trouble, "modbus", "gone", "zeros"]),
    max_size=4,
)


@given(BODIES)
def test_no_order_crashes_it(body: dict[str, Any]) -> None:
    """Whatever is asked for, it is an order or an error in words."""
    try:
        order = order_in(body, 12.5)
    except (ValueError, OverflowError):
        return

    assert order == order_in(order_out(order), 0.0)


@given(BODIES)
def test_no_body_crashes_it(body: dict[str, Any]) -> None:
    """Whatever is sent to whichever operation, it is done or refused in words."""
    for operation in OPERATIONS:
        if operation.method != "POST" or operation.path == "/time":
            continue
        try:
            answer = operation.answer(SILENT, body, "")
        except (ValueError, OverflowError):
            continue
        finally:
            SILENT.troubles.clear()

        assert json.dumps(answer, allow_nan=False)
