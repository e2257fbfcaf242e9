"""The process's clock."""

import asyncio

from bluetooth.clock import SystemClock, wait


def test_time_only_goes_forward_and_waiting_lets_it_pass() -> None:
    """After a wait of a hundredth of a second at least that much has passed."""
    clock = SystemClock()
    before = clock.monotonic()
    asyncio.run(asyncio.wait_for(wait(0.01), 10))

    assert clock.monotonic() - before >= 0.009


def test_a_negative_wait_is_none() -> None:
    """What is due already is due now."""
    assert asyncio.run(asyncio.wait_for(wait(-5.0), 10)) is None
