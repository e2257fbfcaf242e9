"""Simulated endpoints behind the Sink port, and what they have taken.

An endpoint remembers every identity with its timestamp, and complains at once when the same
identity comes with another content, when a value stands on a foreign address, or when a device's
records come out of order within a batch.
"""

import math
import random
from array import array
from collections.abc import Mapping

from server.errors import BatchTooLarge, RecordsRefused, SinkUnavailable
from server.model.delivery import Ack, Batch
from server.model.reading import ClockQuality, Stored
from server_unit_test.simulation.devices import SimulatedDevice
from server_unit_test.simulation.world import BASE_UTC_MS, World

NEVER = -1
CORRECTED_WITHIN_MS = 100


class Cloud:
    """One endpoint. `away` are the spans of virtual seconds in which nobody answers."""

    def __init__(
        self,
        name: str,
        world: World,
        devices: Mapping[str, SimulatedDevice],
        seed: int,
        away: tuple[tuple[float, float], ...] = (),
        trouble: float = 0.0,
    ) -> None:
        self.name = name
        self.away = away
        self.trouble = trouble
        self.received: dict[int, array[int]] = {}
        """Boot -> by sequence, the timestamp it came with; NEVER if it did not come."""
        self.stamps: dict[str, array[int]] = {}
        self.duplicates = 0
        self.corrected = 0
        self.started: dict[int, float] = {}
        """Boot -> the virtual second at which its uptime was zero."""
        self.poison: set[tuple[int, int]] = set()
        self.max_records = 10_000
        self.latency_s = 0.05
        self._world = world
        self._devices = devices
        self._random = random.Random(f"{seed} cloud {name}")

    def publish(self, batch: Batch) -> Ack:
        """Take the batch, lose it, or take it and lose the acknowledgement."""
        world = self._world
        if any(start <= world.now < end for start, end in self.away):
            world.spend(10.0)
            raise SinkUnavailable("no answer within 10 s")
        if len(batch.records) > self.max_records:
            raise BatchTooLarge("413")
        draw = self._random.random()
        if draw < self.trouble:
            self._trouble(draw / self.trouble, batch)
        if self.poison and any(self._poisoned(stored) for stored in batch.records):
            raise RecordsRefused("422")
        world.spend(self.latency_s)
        self._take(batch)
        return Ack(100 * len(batch.records))

    def abort(self) -> None:
        """Calls here end by themselves, if late."""

    def close(self) -> None:
        """Nothing is held."""

    def has(self, boot: int, sequence: int) -> bool:
        """Whether this record has arrived."""
        known = self.received.get(boot)
        return known is not None and sequence < len(known) and known[sequence] != NEVER

    def _trouble(self, draw: float, batch: Batch) -> None:
        world = self._world
        if draw < 0.3:
            world.spend(10.0)
            raise SinkUnavailable("no answer within 10 s")
        if draw < 0.5:
            raise SinkUnavailable("503", retry_after_s=30.0)
        if draw < 0.7:
            self._take(batch)
            raise SinkUnavailable("the connection broke before the answer")
        if draw < 0.9:
            world.spend(self._random.uniform(5.0, 55.0))
            return
        self._take(batch)
        world.spend(300.0 if draw < 0.99 else 3600.0)

    def _poisoned(self, stored: Stored) -> bool:
        return (stored.record.boot, stored.record.sequence) in self.poison

    def _take(self, batch: Batch) -> None:
        device = self._devices[batch.device.device_id]
        published = device.published
        before = -math.inf
        for stored in batch.records:
            record = stored.record
            reading = record.reading
            assert stored.position > before, "records of a batch are in the order of commit"
            before = stored.position
            assert reading.device == device.device_id
            if reading.words != published:
                wrong = dict(reading.words.items() - published.items())
                assert not wrong, f"{device.device_id} has foreign values: {wrong}"
            self._remember(record.boot, record.sequence, reading.taken_at_ms, device.device_id)
            if reading.clock is ClockQuality.CORRECTED:
                self.corrected += 1
                true_ms = BASE_UTC_MS + round(self.started[record.boot] * 1000)
                error_ms = reading.taken_at_ms - true_ms - reading.uptime_ms
                assert abs(error_ms) < CORRECTED_WITHIN_MS, f"corrected to be {error_ms} ms off"
        self._world.tick(len(batch.records))

    def _remember(self, boot: int, sequence: int, at_ms: int, device_id: str) -> None:
        known = self.received.get(boot)
        if known is None:
            known = self.received[boot] = array("q")
        if sequence >= len(known):
            known.extend([NEVER] * (sequence + 1 - len(known)))
        if known[sequence] == NEVER:
            known[sequence] = at_ms
            self.stamps.setdefault(device_id, array("q")).append(at_ms)
            return
        self.duplicates += 1
        assert known[sequence] == at_ms, f"({boot:x}, {sequence}) came with two timestamps"
