"""One-shot calls to a device that somebody waits for: read, write, give back."""

import threading
from collections.abc import Callable

from server.devices.plant import Device
from server.engine.task import Done, Kind, LaneView, Outcome, Submission, Verdict
from server.errors import DeviceTimeout
from server.model.request import PauseStep, ReadRegisters, WriteRegisters
from server.ports import Transport

ASK_BUDGET_S = 20.0
MAX_WRITE_STEPS = 64
MAX_PAUSE_MS = 5_000
"""Longest pause between two writes: it holds the device's lane."""

Finished = Callable[[Outcome, float], tuple[Submission, ...]]


class ReadOnce:
    """Read words of a configured device."""

    kind = Kind.REQUEST
    slack_s = 0.0
    budget_s = ASK_BUDGET_S

    def __init__(self, device: Device, request: ReadRegisters, finished: Finished) -> None:
        self._device = device
        self._request = request
        self._finished = finished
        self.lane = device.config.endpoint.lane

    def work(self, lane: LaneView) -> tuple[int, ...]:
        """Raises what the transport raises."""
        request, device = self._request, self._device
        return device.transport.read(
            device.config.unit_id, request.space, request.address, request.count
        )

    def abort(self) -> None:
        """Break the call in flight."""
        self._device.transport.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Whoever asked gets the outcome."""
        return Done(self._finished(outcome, now))


class WriteOnce:
    """Raw writes and pauses, in order; the first failure ends them."""

    kind = Kind.COMMAND
    slack_s = 0.0

    def __init__(self, device: Device, request: WriteRegisters, finished: Finished) -> None:
        self._device = device
        self._steps = request.steps
        self._finished = finished
        self._broken = threading.Event()
        self.lane = device.config.endpoint.lane
        pauses_ms = sum(
            min(step.duration_ms, MAX_PAUSE_MS)
            for step in self._steps
            if isinstance(step, PauseStep)
        )
        self.budget_s = ASK_BUDGET_S + pauses_ms / 1000

    def work(self, lane: LaneView) -> None:
        """Raises what the transport raises; DeviceTimeout when it was broken off in a pause."""
        device = self._device
        for step in self._steps:
            if isinstance(step, PauseStep):
                self._broken.wait(min(step.duration_ms, MAX_PAUSE_MS) / 1000)
            elif self._broken.is_set():
                # Whoever asked has been told that it failed; a later write would surprise him.
                raise DeviceTimeout("broken off before all steps were written")
            else:
                device.transport.write(device.config.unit_id, step.address, step.words)

    def abort(self) -> None:
        """Break the call in flight, or the pause."""
        self._broken.set()
        self._device.transport.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Whoever asked gets the outcome."""
        return Done(self._finished(outcome, now))


class CloseSession:
    """Give a session back on its own lane, where no call is in flight."""

    kind = Kind.CONNECT
    slack_s = 0.0
    budget_s = ASK_BUDGET_S

    def __init__(
        self, lane: str, transport: Transport, then: Callable[[], None] = lambda: None
    ) -> None:
        """`then` is what else is to be given up, once nothing is connected any more."""
        self.lane = lane
        self._transport = transport
        self._then = then

    def work(self, lane: LaneView) -> None:
        """Never raises."""
        self._transport.close()
        self._then()

    def abort(self) -> None:
        """Break it off."""
        self._transport.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Nothing follows."""
        return Done()
