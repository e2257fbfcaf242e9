"""A box under test: the real service, in this process or anywhere, and phones before it.

Everything that a test asks goes through the air. Where the service runs here, a test may also press
its button, say what its gateway answers, and move its time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bluetooth import clock
from bluetooth.client.bleak_link import BleakRadio
from bluetooth.client.box import Box, connect
from bluetooth.door import Policy
from bluetooth.gateway import RequestsGateway
from bluetooth.label import Label
from bluetooth.memory import Memory
from bluetooth.ports import Answer, Gateway, Peripheral
from bluetooth.service import Choices, Parts, Service
from bluetooth_unit_test.virtual_time import VirtualTime
from virtual_radio.bleak_backend.install import backends
from virtual_radio.radio import Radio

NAME = "Egret BENCH1"
LABEL = Label(bytes(range(16)))
"""Of the box under test, where the test brings it."""

OTHER_LABEL = Label(bytes(range(1, 17)))

MAX_MTU = 517
"""What BlueZ asks for."""

HURRY = 0.02
"""The service's pauses in a test, as a share of the real ones; its deadlines are as they are."""

STOP_TIMEOUT_S = 10.0
"""For the service to end; it promises less."""


@dataclass(frozen=True, slots=True)
class Hurried:
    """`ports.Gateway` whose time limits are shorter than asked for."""

    gateway: Gateway
    share: float

    async def ask(
        self, method: str, path: str, body: bytes = b"", timeout_s: float | None = None
    ) -> Answer:
        """See the port."""
        shorter_s = None if timeout_s is None else timeout_s * self.share
        return await self.gateway.ask(method, path, body, shorter_s)


async def hurried_wait(seconds: float) -> None:
    """`ports.Wait`: shorter than asked for. What must last longer looks at the clock, and waits
    again."""
    await clock.wait(seconds * HURRY)


class HandButton:
    """`ports.Button` that a test presses."""

    def __init__(self) -> None:
        self.press: Callable[[], None] = lambda: None
        self.hold: Callable[[], None] = lambda: None
        self.listened = asyncio.Event()

    def listen(self, pressed: Callable[[], None], held: Callable[[], None]) -> None:
        """See the port."""
        self.press, self.hold = pressed, held
        self.listened.set()

    def close(self) -> None:
        """See the port."""


class Stand(Protocol):
    """What every kind of box under test has."""

    label: Label | None
    """None: nobody has told the tests."""

    def phone(
        self, label: Label | None = None, mtu: int = MAX_MTU
    ) -> AbstractAsyncContextManager[Box]:
        """A phone of its own that has found the box and is connected."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service can be started: its peripheral, and who can hear it."""

    peripheral: Peripheral
    address: str
    radio: Radio


class LocalStand:
    """The service in this process. `await start()`, and `close()` in the end."""

    def __init__(
        self,
        place: Place,
        gateway_url: str,
        folder: Path,
        policy: Policy,
        time: VirtualTime | None = None,
        patience: float = 1.0,
        token: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`time`: the service's, moved by the test alone; None: it passes by itself. `patience`:
        share of the time that the gateway has for an answer. `token`: for its API."""
        self.place = place
        self.label: Label | None = LABEL
        self.url = gateway_url
        self.token = token
        self.button = HandButton()
        self.time = time
        gateway = RequestsGateway(gateway_url, clock.SystemClock(), token)
        parts = Parts(
            peripheral=place.peripheral,
            gateway=Hurried(gateway, patience),
            clock=time or clock.SystemClock(),
            wait=time.wait if time else hurried_wait,
            button=self.button,
            label=LABEL,
            close_gateway=gateway.close,
            hardware="a bench",
        )
        self._service = Service(parts, Choices(folder, NAME), Memory(policy, NAME))
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Until its button works."""
        self._running = asyncio.ensure_future(self._service.run(self._stopped))
        await self.button.listened.wait()

    async def close(self) -> None:
        """Stop the service. Raises what went wrong in it."""
        assert self._running is not None
        if not self._stopped.done():
            self._stopped.set_result(None)
        if self.time is None:
            await asyncio.wait_for(self._running, STOP_TIMEOUT_S)
            return
        while not self._running.done():
            await self.time.advance(1.0)
            await asyncio.wait({self._running}, timeout=TURN_S)
        await self._running

    async def phone_radio(self, mtu: int = MAX_MTU) -> BleakRadio:
        """Only the radio of such a phone."""
        return BleakRadio("", clock.wait, *backends(await self.place.radio.central("phone"), mtu))

    @asynccontextmanager
    async def phone(self, label: Label | None = None, mtu: int = MAX_MTU) -> AsyncIterator[Box]:
        """See Stand."""
        radio = await self.phone_radio(mtu)
        async with connect(self.place.address, label=label, radio=radio) as box:
            yield box


class DistantStand:
    """A box anywhere in range of this computer's Bluetooth; its door stands open already."""

    def __init__(self, address: str, adapter: str, label: Label | None) -> None:
        self.label = label
        self._address = address
        self._adapter = adapter

    @asynccontextmanager
    async def phone(self, label: Label | None = None, mtu: int = MAX_MTU) -> AsyncIterator[Box]:
        """See Stand. The system chooses the MTU."""
        radio = BleakRadio(self._adapter)
        async with connect(self._address, label=label, radio=radio) as box:
            yield box


TURN_S = 0.01
"""For what a service whose time stands still does in other threads."""
