"""The service: joins door, radio, gateway and button, and keeps them going until it is stopped.

Waits for bluetoothd, for the adapter and for the gateway, each for as long as it takes, and begins
again when one of them goes away. It makes nothing itself: `Parts` brings everything.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bluetooth import box_name, memory
from bluetooth.door import TICK_S, Door, Policy
from bluetooth.errors import BluetoothError
from bluetooth.gatt import SERVICES, Advertisement
from bluetooth.improv_flow import Box
from bluetooth.label import Label
from bluetooth.memory import Memory
from bluetooth.overseer import POLL_S, Overseer, Report
from bluetooth.ports import Button, Clock, Gateway, Lamp, Peripheral, Wait
from bluetooth.spawned import Spawned
from bluetooth.window import State

log = logging.getLogger(__name__)

RETRY_FIRST_S = 1.0
RETRY_CEILING_S = 30.0
"""Between two tries to open the adapter: each time twice as long, up to this."""

UNHEARD_S = 60.0
"""A box whose gateway was never heard counts as never configured after this long: longer than a
gateway needs to start."""

FAREWELL_S = 0.2
"""For a goodbye to reach the phone before the radio is given back."""

STOP_BUDGET_S = 4.5
"""For giving everything back; then the process ends all the same."""

STATES = {
    State.CLOSED: "closed",
    State.FRESH: "open",
    State.SETTLING: "open",
    State.OPEN: "open",
    State.PAUSED: "paused",
}
"""The door's states in the words of the gateway's page."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is made of."""

    peripheral: Peripheral
    gateway: Gateway
    clock: Clock
    wait: Wait
    button: Button
    label: Label
    close_gateway: Callable[[], Awaitable[None]]
    """Breaks off what the gateway is asked."""
    hardware: str
    """For people: "Raspberry Pi 4 Model B"."""
    lamp: Lamp | None = None
    """None: a box that cannot show which one it is."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen at the start."""

    folder: Path
    name: str = ""
    adapter: str = ""
    window_s: float | None = None


class Service:
    """Runs until it is told to stop. On the event loop only."""

    def __init__(self, parts: Parts, choices: Choices, remembered: Memory) -> None:
        self._parts = parts
        self._choices = choices
        self._memory = remembered
        self._saving = False
        self._name = choices.name or remembered.name or box_name.from_machine()
        self._problem = "the adapter is not open yet"
        self._bell = _Bell()
        self._spawned = Spawned()
        self._leaving: set[str] = set()
        self._overseer = Overseer(parts.gateway, parts.clock, self, self._report)
        self._door = Door(
            parts.label.session_key(),
            parts.gateway,
            parts.clock,
            self._spawned.spawn,
            parts.wait,
            Box(self._name, parts.hardware),
            self,
            self._chosen(remembered.policy or Policy()),
            None if parts.lamp is None else self._show_itself,
        )

    async def run(self, stopped: Awaitable[object]) -> None:
        """Until `stopped` comes about. Raises what is a mistake of ours, after giving all back."""
        loop = asyncio.get_running_loop()
        self._parts.button.listen(
            lambda: _from_thread(loop, lambda: self._door.open("the button")),
            lambda: _from_thread(loop, lambda: self._door.close("the button")),
        )
        work = (self._serve, self._keep_time, self._oversee, self._report_changes, self._learn)
        tasks = [asyncio.ensure_future(each()) for each in work]
        end = asyncio.ensure_future(stopped)
        try:
            while not end.done():
                waited = {end, *(each for each in tasks if not each.done())}
                done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {end}:
                    await task  # Raises a mistake of ours.
        finally:
            end.cancel()
            await self._stop(tasks)

    # ---- door.Outside ------------------------------------------------------------------------

    def notify(self, uuid: str, value: bytes) -> None:
        """Send a value to whoever subscribed."""
        self._parts.peripheral.notify(uuid, value)

    def send_away(self, client: str) -> None:
        """End a central's connection; one that goes on talking meanwhile is not told again."""
        if client not in self._leaving:
            log.info("a phone is sent away", extra={"client": client})
            self._leaving.add(client)
            self._spawned.spawn(self._disconnect(client))

    def _show_itself(self) -> None:
        log.info("a phone asks which box this is")
        if self._parts.lamp is not None:
            self._parts.lamp.blink()

    async def _disconnect(self, client: str) -> None:
        try:
            await self._parts.peripheral.disconnect(client)
        finally:
            self._leaving.discard(client)

    def changed(self) -> None:
        """Advertise and report anew."""
        self._bell.ring()

    # ---- overseer.Orders ---------------------------------------------------------------------

    def obey(self, policy: Policy) -> None:
        """The gateway says how the door should be: do it, and remember it."""
        if policy != self._memory.policy:
            self._remember(Memory(policy, self._memory.name))
        self._door.obey(self._chosen(policy))

    def order(self, is_open: bool) -> None:
        """The owner opens or closes the door."""
        if is_open:
            self._door.open("the owner")
        else:
            self._door.close("the owner")

    # ---- the radio ---------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Open the adapter, and again whenever it was lost."""
        delay_s = RETRY_FIRST_S
        while True:
            try:
                await self._parts.peripheral.open(SERVICES, self._door)
                await self._advertise_until_lost()
                delay_s = RETRY_FIRST_S
                self._trouble("the adapter or bluetoothd went away")
            except BluetoothError as error:
                self._trouble(str(error))
            self._door.lost()
            await self._parts.wait(delay_s)
            delay_s = min(2 * delay_s, RETRY_CEILING_S)

    async def _advertise_until_lost(self) -> None:
        """Send what the door wants sent. Raises PeripheralLost when it cannot be."""
        lost = asyncio.ensure_future(self._parts.peripheral.wait_lost())
        sent: tuple[Advertisement, ...] | None = None
        rung = -1
        try:
            while not lost.done():
                wanted = self._door.advertisements(self._name)
                if wanted != sent:
                    await self._parts.peripheral.advertise(wanted)
                    sent = wanted
                if self._problem:
                    log.info("the adapter serves", extra={"adapter": self._choices.adapter})
                    self._problem = ""
                    self._bell.ring()
                rung = await _first(lost, self._bell.wait(rung), rung)
        finally:
            lost.cancel()
            with suppress(asyncio.CancelledError):
                await lost

    def _trouble(self, why: str) -> None:
        """One line for each kind of trouble in a row."""
        if why != self._problem:
            log.warning("no Bluetooth for now", extra={"why": why})
        self._problem = why
        self._bell.ring()

    # ---- time, gateway, name -----------------------------------------------------------------

    async def _keep_time(self) -> None:
        """Let time have its effect on the door, while it has any."""
        rung = -1
        while True:
            self._door.tick()
            if self._door.is_still:
                rung = await self._bell.wait(rung)
            else:
                await self._parts.wait(TICK_S)

    async def _oversee(self) -> None:
        """Ask the gateway what the owner wants."""
        while True:
            await self._overseer.exchange()
            await self._parts.wait(POLL_S)

    async def _report_changes(self) -> None:
        """Tell the gateway at once when the door has turned."""
        rung = -1
        while True:
            rung = await self._bell.wait(rung)
            await self._overseer.report()

    async def _learn(self) -> None:
        """Learn the box's name, and that it is new when nobody says otherwise."""
        began = self._parts.clock.monotonic()
        while not self._choices.name and not self._memory.name:
            name = await box_name.from_gateway(self._parts.gateway)
            if name:
                self._remember(Memory(self._memory.policy, name))
                self._name = name
                self._bell.ring()
                break
            self._judge_unheard(began)
            await self._parts.wait(POLL_S)
        while self._memory.policy is None and not self._overseer.heard:
            self._judge_unheard(began)
            await self._parts.wait(POLL_S)

    def _judge_unheard(self, began: float) -> None:
        if self._memory.policy is None and not self._overseer.heard:
            if self._parts.clock.monotonic() - began >= UNHEARD_S:
                self._door.obey(self._chosen(Policy(configured=False)))

    def _remember(self, new: Memory) -> None:
        self._memory = new
        if not self._saving:
            self._saving = True
            self._spawned.spawn(self._save())

    async def _save(self) -> None:
        """One at a time, and the newest last."""
        saved = None
        try:
            while saved is not self._memory:
                saved = self._memory
                await asyncio.to_thread(memory.save, self._choices.folder, saved)
        finally:
            self._saving = False

    def _chosen(self, policy: Policy) -> Policy:
        """The policy, with what the command line says above it."""
        if self._choices.window_s is None:
            return policy
        return Policy(policy.configured, policy.legacy_apps, self._choices.window_s)

    def _report(self) -> Report:
        standing = self._door.standing()
        state = STATES[standing.state]
        if self._problem:
            state = "no_adapter"
        elif self._door.is_visited and standing.advertises:
            state = "connected"
        return Report(state, standing.left_s, self._name, self._choices.adapter, self._problem)

    # ---- the end ----------------------------------------------------------------------------

    async def _stop(self, tasks: "Sequence[asyncio.Future[None]]") -> None:
        """Give everything back within STOP_BUDGET_S, and raise nothing."""
        self._door.stop()
        try:
            async with asyncio.timeout(STOP_BUDGET_S):
                if self._door.is_visited:
                    await self._parts.wait(FAREWELL_S)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self._spawned.stop()
                await asyncio.gather(self._parts.peripheral.close(), self._parts.close_gateway())
        except TimeoutError:
            log.warning("not everything could be given back in time")
        self._parts.button.close()
        if self._parts.lamp is not None:
            self._parts.lamp.close()


class _Bell:
    """Wakes whoever waits, and whoever was busy when it rang."""

    def __init__(self) -> None:
        self._count = 0
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Something changed."""
        self._count += 1
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, after: int) -> int:
        """Return when it has rung more than `after` times; how often it has."""
        while self._count <= after:
            await self._event.wait()
        return self._count


async def _first(lost: "asyncio.Future[None]", rings: Awaitable[int], rung: int) -> int:
    """Wait for the loss or for the bell; how often that has rung."""
    bell = asyncio.ensure_future(rings)
    try:
        both: set[asyncio.Future[Any]] = {lost, bell}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return bell.result() if bell.done() else rung
    finally:
        bell.cancel()


def _from_thread(loop: asyncio.AbstractEventLoop, act: Callable[[], object]) -> None:
    """Have `act` done on the loop, also when that has just been closed."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(act)
