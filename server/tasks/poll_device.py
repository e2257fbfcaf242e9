"""Read one device on its grid, and put the reading where the commit finds it."""

from collections.abc import Callable
from dataclasses import dataclass

from server.devices.driver import Paused, Polled
from server.devices.plant import Device, Moment
from server.engine.task import (
    Again,
    Done,
    Failed,
    Grid,
    Kind,
    LaneView,
    Outcome,
    Submission,
    Verdict,
)
from server.ledger.buffer import corrected
from server.ledger.house import House
from server.model.device import LinkState

POLL_BUDGET_S = 30.0
"""One turn of a poll, be it of many blocks on a slow serial line."""

SLACK_SHARE = 0.01
"""A poll may be late by this part of its period (at most SLACK_MAX_S), so that wake-ups merge."""

SLACK_MAX_S = 0.05
"""However long the period, a reading is taken when the grid says, as far as a person sees."""

Retry = Callable[[House, Device, Exception, float], Submission]


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a turn of work hands back: all of it, or so far; and when it was begun."""

    polled: Polled | Paused
    moment: Moment


class PollDevice:
    """One device's periodic poll; lives from one successful connect to the next failure."""

    kind = Kind.POLL
    budget_s = POLL_BUDGET_S

    def __init__(self, house: House, device: Device, now: float, retry: Retry) -> None:
        interval_s = device.config.interval_s
        self._house = house
        self._device = device
        self._retry = retry
        self._grid = Grid(interval_s, house.draw() * interval_s)
        self._beat = self._grid.after(now) - interval_s
        self._paused: Sampled | None = None
        self.lane = device.config.endpoint.lane
        self.slack_s = 0.0 if interval_s < 1 else min(SLACK_MAX_S, interval_s * SLACK_SHARE)

    def work(self, lane: LaneView) -> Sampled:
        """Read block after block; raises what the transport raises."""
        device, paused = self._device, self._paused
        assert device.driver is not None, "a device is identified before it is polled"
        moment = self._house.moment() if paused is None else paused.moment
        so_far = paused.polled if paused is not None else None
        assert not isinstance(so_far, Polled)
        polled = device.driver.poll(device.transport, lane.preempted, so_far, moment.utc_ms)
        return Sampled(polled, moment)

    def abort(self) -> None:
        """Break the call in flight."""
        self._device.transport.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Keep the reading and wait for the next beat; a failure hands over to the link."""
        house, device = self._house, self._device
        if device.link.state is LinkState.REMOVED:
            return Done()
        if isinstance(outcome, Failed):
            return Done((self._retry(house, device, outcome.error, now),))
        sampled = outcome.value
        assert isinstance(sampled, Sampled)
        if isinstance(sampled.polled, Paused):
            self._paused = sampled
            return Again(now)
        self._paused = None
        if device.link.failures or device.link.error:
            device.link.proved()
            house.notices.clear(f"device {device.config.device_id}")
        house.plant.reask(device, now)
        reading = house.plant.accept(device, sampled.polled, sampled.moment)
        if house.epoch_ms is not None:
            reading = corrected(reading, house.epoch_ms)  # The clock was set while it was read.
        house.buffer.add(reading)
        self._beat, missed = self._grid.next(self._beat, now)
        device.missed += missed
        return Again(self._beat, missed)
