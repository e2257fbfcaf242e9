"""Advertising as values, and its timers."""

import asyncio
import random

import pytest
from bumble import hci

from virtual_radio.adverts import MAX_DELAY_S, Advert, Beacon, Kind
from virtual_radio.clock import elapse
from virtual_radio.radio import Radio

ADVERT = Advert(hci.Address("F1:00:00:00:00:01"), Kind.SCANNABLE, b"\x02\x01\x06", b"")


async def times_of(beacon_interval_s: float, seconds: float, seed: int) -> list[float]:
    """When a beacon sends, within so many seconds."""
    loop = asyncio.get_running_loop()
    sent: list[float] = []
    beacon = Beacon(
        ADVERT,
        beacon_interval_s,
        lambda _advert, _sender: sent.append(loop.time()),
        random.Random(seed),
    )
    begin = loop.time()
    beacon.start()
    beacon.start()
    await elapse(seconds)
    beacon.stop()
    beacon.stop()
    await elapse(seconds)
    return [each - begin for each in sent]


async def test_a_beacon_keeps_its_interval(radio: Radio) -> None:
    """Plus up to ten milliseconds of chance, and silence once it is stopped."""
    times = await times_of(0.1, 10.0, seed=1)

    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert all(0.1 <= gap <= 0.1 + MAX_DELAY_S + 1e-9 for gap in gaps)
    assert 94 <= len(times) <= 97
    assert times[-1] <= 10.0


async def test_the_same_seed_gives_the_same_times(radio: Radio) -> None:
    """And another seed others."""
    one, same, other = [await times_of(0.1, 2.0, seed) for seed in (1, 1, 2)]

    assert pytest.approx(one) == same
    assert pytest.approx(one) != other
