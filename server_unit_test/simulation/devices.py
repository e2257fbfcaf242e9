"""Simulated devices, each with a temper, behind the Transport port.

What a device holds at an address depends on the device and the address alone, so that a value on
a foreign address shows. Faults are drawn from the device's own source, so that one device's
misfortune does not change another's.
"""

import math
import random
from collections.abc import Sequence
from enum import StrEnum

from server.engine.task import Failed
from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    LinkClosed,
    ProtocolError,
    RegisterRefused,
)
from server.model.device import Space
from server_unit_test.simulation.world import VirtualLanes, World

BLOCKS = (range(0, 10), range(100, 106))
UNAVAILABLE = 8
"""The register that always holds its sentinel: it must never appear in a reading."""

REFUSED_BY_SOME = 105
LATENCY_S = 0.02
TIMEOUT_S = 3.0
DAY_S = 86_400.0
NIGHT = (20 * 3600.0, 30 * 3600.0)


class Temper(StrEnum):
    """What goes wrong with a device."""

    HEALTHY = "healthy"
    FLAKY = "flaky"
    REFUSING = "refusing"
    CLOSING = "closing"
    SLEEPER = "sleeper"
    HANGING = "hanging"
    DEAD = "dead"


class SimulatedDevice:
    """The thing at the other end of the wire."""

    def __init__(self, number: int, temper: Temper, seed: int) -> None:
        self.number = number
        self.device_id = f"device{number}"
        self.temper = temper
        self.random = random.Random(f"{seed} device {number}")
        self.words = {
            address: 0xFFFF if address == UNAVAILABLE else _word(number, address)
            for block in BLOCKS
            for address in block
        }
        self.published = {
            address: word for address, word in self.words.items() if address != UNAVAILABLE
        }
        self.polled_at: float | None = None
        self.calm = False

    def asleep(self, now: float) -> bool:
        """Whether it does not answer at all at this hour."""
        if self.calm or self.temper not in (Temper.SLEEPER, Temper.DEAD):
            return False
        if self.temper is Temper.DEAD:
            return now > 2 * 3600.0
        hour_s = now % DAY_S
        return hour_s >= NIGHT[0] or hour_s < NIGHT[1] - DAY_S


def _word(number: int, address: int) -> int:
    return (address * 257 + number * 7919 + 1) & 0x3FFF


class SimulatedTransport:
    """`ports.Transport` to one simulated device."""

    def __init__(self, world: World, device: SimulatedDevice, lane: str) -> None:
        self._world = world
        self._device = device
        self._lane = lane
        self.lanes: VirtualLanes | None = None
        self._connected = False

    def open(self) -> None:
        """A sleeping device lets the connect time out."""
        if self._connected:
            return
        if self._device.asleep(self._world.now):
            self._world.spend(TIMEOUT_S)
            raise DeviceUnreachable("no route to the device")
        self._world.spend(LATENCY_S)
        self._connected = True

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """Words, or what the device's temper has in store."""
        self.open()
        device, world = self._device, self._world
        if device.asleep(world.now):
            self._fail(TIMEOUT_S)
            raise DeviceTimeout("no answer")
        if device.temper is not Temper.HEALTHY and not device.calm:
            self._misfortune(address, count)
        world.spend(LATENCY_S)
        if address == 0 and count > 1:
            device.polled_at = world.now
            world.tick(device.number)
        words = device.words
        try:
            return tuple([words[each] for each in range(address, address + count)])
        except KeyError:
            raise RegisterRefused(2, "illegal data address") from None

    def write(self, unit_id: int, address: int, words: Sequence[int]) -> None:
        """Nothing here is written."""
        raise RegisterRefused(1, "illegal function")

    def close(self) -> None:
        """Give the connection back."""
        self._connected = False

    def abort(self) -> None:
        """A hung call comes back, except one in ten, which never does."""
        self._connected = False
        assert self.lanes is not None
        comes_back = self._device.random.random() < 0.9
        self.lanes.aborted(self._lane, Failed(DeviceTimeout("aborted")), comes_back)

    def _fail(self, seconds: float) -> None:
        self._world.spend(seconds)
        self._connected = False

    def _misfortune(self, address: int, count: int) -> None:
        device = self._device
        if device.temper is Temper.REFUSING and address <= REFUSED_BY_SOME < address + count:
            self._world.spend(LATENCY_S)
            raise RegisterRefused(2, "illegal data address")
        if device.temper is Temper.CLOSING and address <= REFUSED_BY_SOME < address + count:
            self._fail(LATENCY_S)
            raise LinkClosed("the device closed the connection")
        if device.temper is Temper.FLAKY:
            self._flaky(device.random.random())
        if device.temper is Temper.HANGING and device.random.random() < 0.0005:
            self._fail(math.inf)
            raise DeviceTimeout("never comes back by itself")

    def _flaky(self, draw: float) -> None:
        if draw < 0.004:
            self._fail(TIMEOUT_S)
            raise DeviceTimeout("no answer in time; the late reply went to a closed socket")
        if draw < 0.006:
            self._fail(LATENCY_S)
            raise ProtocolError("another transaction's reply", b"\x00\x07\x00\x00")
        if draw < 0.008:
            self._fail(LATENCY_S)
            raise LinkClosed("the device closed the connection")
        if draw < 0.010:
            self._world.spend(LATENCY_S)
            raise RegisterRefused(6, "server device busy")
